"""Phones by the thousand calls: a domain that asks nobody for a password, and UDP phones in this
process, each of which makes calls and answers any at once."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from proxy.sip.codec import parse, serialise
from proxy.sip.message import Request, Response
from tests.harness.builders import Dialog, request, respond
from tests.harness.platform import Platform
from tests.harness.processes import free_port

HOME: Final = "open.test"
CALLEE: Final = f"sip:user1@{HOME}"
_BOUND: Final = 60.0
_SO_RCVBUFFORCE: Final = 33


class Phone(asyncio.DatagramProtocol):
    """A UDP phone: it answers every call at once, and makes calls."""

    def __init__(self, port: int, proxy: tuple[str, int], host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = port
        self._proxy = proxy
        self._awaited: dict[bytes, asyncio.Future[Response]] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self.placed: list[str] = []
        """The Call-ID of each call that it began."""

    async def start(self) -> None:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, (self.host, self.port)
        )
        # What answers a burst must not be lost here: nobody would send it again.
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 16 * 1024 * 1024)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    @property
    def via(self) -> bytes:
        return b"SIP/2.0/UDP %b:%d" % (self.host.encode(), self.port)

    @property
    def contact(self) -> bytes:
        return b"<sip:bench@%b:%d>" % (self.host.encode(), self.port)

    def send(self, message: Request | Response, to: tuple[str, int] | None = None) -> None:
        assert self._transport is not None
        self._transport.sendto(serialise(message), to or self._proxy)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data[:1] < b" ":
            return
        message = parse(data)
        if isinstance(message, Response):
            waiting = self._awaited.get(message.call_id + message.cseq.method)
            if message.status >= 200 and waiting is not None and not waiting.done():
                waiting.set_result(message)
        elif message.method == b"INVITE":
            for status in (180, 200):
                self.send(respond(message, status, contact=self.contact), addr)
        elif message.method != b"ACK":
            self.send(message.response(200), addr)

    async def asks(self, message: Request) -> Response:
        """Send a request and wait for its final answer, sending again as UDP wants it."""
        key = message.call_id + message.cseq.method
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._awaited[key] = answer
        try:
            interval = 0.5
            async with asyncio.timeout(_BOUND):
                while not answer.done():
                    self.send(message)
                    await asyncio.wait([answer], timeout=interval)
                    interval = min(4.0, interval * 2)
            return answer.result()
        finally:
            del self._awaited[key]

    async def calls(self, uri: str, *, talk_seconds: float = 0.0) -> float:
        """One whole call; seconds from INVITE to 200."""
        invite = self.attempt(uri)
        began = time.perf_counter()
        answer = await self.asks(invite)
        took = time.perf_counter() - began
        if answer.status != 200:
            raise AssertionError(f"{uri}: {answer.status} {answer.reason!r}")
        dialog = Dialog(invite, answer, is_caller=True)
        self.send(dialog.request(b"ACK", via=self.via))
        await asyncio.sleep(talk_seconds)
        await self.asks(dialog.request(b"BYE", via=self.via))
        return took

    async def many(
        self, uri: str, count: int, rate: float, *, talk_seconds: float = 0.0
    ) -> list[float]:
        """Calls at a steady rate, whatever each of them takes."""
        loop = asyncio.get_running_loop()
        began, under_way = loop.time(), []
        for number in range(count):
            await asyncio.sleep(began + number / rate - loop.time())
            under_way.append(loop.create_task(self.calls(uri, talk_seconds=talk_seconds)))
        return await asyncio.gather(*under_way)

    def attempt(self, uri: str) -> Request:
        """The INVITE of another call."""
        number = len(self.placed)
        self.placed.append(f"{self.host}-{self.port}-{number}@bench")
        return request(
            b"INVITE",
            uri.encode(),
            via=self.via,
            from_uri=f"sip:user2@{HOME}".encode(),
            from_tag=b"t%d" % number,
            call_id=self.placed[-1].encode(),
            contact=self.contact,
        )


async def register(callee: Phone) -> None:
    """Register a phone as user1."""
    home = CALLEE.encode()
    answer = await callee.asks(request(
        b"REGISTER", f"sip:{HOME}".encode(), via=callee.via, from_uri=home, to_uri=home,
        call_id=b"register%d@bench" % callee.port, contact=callee.contact,
    ))  # fmt: skip
    if answer.status != 200:
        raise AssertionError(f"REGISTER: {answer.status}")


def provide(platform: Platform) -> None:
    """Make the tables, and HOME with user1 and user2, which asks nobody for a password."""
    platform.cli("migrate", "--verbosity", "0")
    policy = ("media_policy=never", "unauthenticated=on", "unauthenticated_calls_out=on")
    platform.add_domain(HOME, *policy, tenant="bench")
    for user in ("user1", "user2"):
        platform.add_user(user, HOME)


@asynccontextmanager
async def running(platform: Platform) -> AsyncIterator[None]:
    """The platform serves meanwhile; this loop goes on while it starts and stops."""
    await asyncio.to_thread(platform.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(platform.stop)


@asynccontextmanager
async def caller_at(platform: Platform) -> AsyncIterator[Phone]:
    """A phone to call CALLEE with, who is registered."""
    caller, callee = (Phone(free_port(), (platform.address, platform.port)) for _ in range(2))
    try:
        for phone in (caller, callee):
            await phone.start()
        await register(callee)
        yield caller
    finally:
        for phone in (caller, callee):
            phone.close()
