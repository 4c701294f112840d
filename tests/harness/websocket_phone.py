"""A phone on a WebSocket that is no browser: digest, registration, requests and their answers."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Any

import websockets

from proxy.sip import digest
from tests.harness.sipp import Party

BOUND_SECONDS = 60.0
_CHALLENGE = re.compile(r'nonce="([^"]+)"')
_ANSWERED = ("via", "from", "to", "call-id", "cseq", "record-route")

TRUSTING = ssl.create_default_context()
TRUSTING.check_hostname = False
TRUSTING.verify_mode = ssl.CERT_NONE


async def connect(port: int, path: str = "/sip", **options: Any) -> Any:
    """An open WebSocket for SIP, trusting every certificate; raises what `websockets` raises."""
    given: dict[str, Any] = {
        "subprotocols": ["sip"], "ssl": TRUSTING, "compression": None, "open_timeout": 60, **options
    }  # fmt: skip
    return await websockets.connect(f"wss://127.0.0.1:{port}{path}", **given)


class WebSocketPhone:
    """One device of a user; its Contact leads nowhere but to this socket (RFC 7118 s5.2)."""

    def __init__(self, connection: Any, party: Party, number: int = 1) -> None:
        self.connection = connection
        self.party = party
        self.number = number
        self.contact = f"<sip:c{number}@h{number}.invalid;transport=ws>"
        self.params = ""
        """Of the Contact, in a REGISTER."""
        self._cseq = 0

    def request(self, method: str, target: str, *extra: str, body: str = "") -> str:
        self._cseq += 1
        aor = f"<sip:{self.party.user}@{self.party.domain}>"
        to = aor if method == "REGISTER" else f"<{target}>"
        params = self.params if method == "REGISTER" else ""
        return "\r\n".join((
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/WSS h{self.number}.invalid;branch=z9hG4bK{self.number}-{self._cseq}",
            "Max-Forwards: 70",
            f"From: {aor};tag=t{self.number}",
            f"To: {to}",
            f"Call-ID: {method}-{self.number}",
            f"CSeq: {self._cseq} {method}",
            f"Contact: {self.contact}{params}",
            *extra,
            f"Content-Length: {len(body.encode())}",
            "",
            body,
        ))  # fmt: skip

    async def registers(self, *extra: str, expires: int = 3600) -> str:
        """The 200 to a REGISTER."""
        target = f"sip:{self.party.domain}"
        answer = await self.signed("REGISTER", target, f"Expires: {expires}", *extra)
        assert answer.startswith("SIP/2.0 200"), answer
        return answer

    async def signed(self, method: str, target: str, *extra: str, body: str = "") -> str:
        """Send it with credentials for the challenge that it gets; the final response."""
        await self.connection.send(self.request(method, target, *extra, body=body))
        challenge = await self.response()
        nonce = _CHALLENGE.search(challenge)
        assert nonce is not None, challenge
        values = (method.encode(), target.encode(), nonce[1].encode())
        party = self.party
        ha1 = digest.ha1(party.user.encode(), party.domain.encode(), party.password.encode())
        answer = digest.digest_response(ha1, *values).decode()
        name = "Authorization" if method == "REGISTER" else "Proxy-Authorization"
        credentials = (
            f'{name}: Digest username="{party.user}", realm="{party.domain}", '
            f'nonce="{nonce[1]}", uri="{target}", response="{answer}"'
        )
        await self.connection.send(self.request(method, target, *extra, credentials, body=body))
        return await self.response()

    async def receives(self) -> str:
        data = await asyncio.wait_for(self.connection.recv(), BOUND_SECONDS)
        return data.decode() if isinstance(data, bytes) else str(data)

    async def response(self) -> str:
        """The next final response; requests on the way are answered."""
        while True:
            message = await self.receives()
            if not message.startswith("SIP/2.0"):
                await self.answer(message)
            elif not message.startswith("SIP/2.0 1"):
                return message

    async def answer(self, request: str) -> None:
        """200 to a request."""
        lines = request.split("\r\n\r\n")[0].split("\r\n")[1:]
        kept = [line for line in lines if line.partition(":")[0].lower() in _ANSWERED]
        kept = [line + ";tag=x" if line.lower().startswith("to:") else line for line in kept]
        await self.connection.send(
            "\r\n".join(("SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""))
        )


def field(message: str, name: str) -> str:
    """The first value of a header field; empty without one."""
    for line in message.split("\r\n\r\n")[0].split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.strip().lower() == name.lower():
            return value.strip()
    return ""
