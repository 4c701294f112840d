"""SIPp as a phone with a script: scenarios composed in Python, run by Debian's sipp.

SIPp matches a message by its Call-ID alone and so would accept a message with a missing Via;
`Sipp.messages()` therefore gives what went over the wire, parsed by our own codec, for a test to
assert on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.sip import Request, Response
from proxy.sip.codec import parse
from tests.harness.processes import PeerFailed, Program, holds_udp
from tests.harness.waiting import wait_until

SDP = """\
v=0
o=user 53655765 2353687637 IN IP[media_ip_type] [media_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=sendrecv"""


_REMEMBERED = {"via1": ("Via", 1), "via2": ("Via", 2), "cseq": ("CSeq", 1)}


@dataclass(frozen=True, slots=True)
class Party:
    """A user as a scenario needs him."""

    user: str
    domain: str
    password: str = ""

    @property
    def aor(self) -> str:
        return f"sip:{self.user}@{self.domain}"

    @property
    def authentication(self) -> str:
        return f"[authentication username={self.user} password={self.password}]"


def send(text: str, *, lost: int = 0, retransmit: bool = True) -> str:
    """One message to send. Lines are trimmed; an empty line parts headers and body."""
    head, _, body = text.strip().partition("\n\n")
    lines = [line.strip() for line in head.splitlines() if line.strip()]
    lines.append("Content-Length: [len]")
    if body:
        lines.insert(-1, "Content-Type: application/sdp")
    attributes = (' retrans="500"' if retransmit else "") + (f' lost="{lost}"' if lost else "")
    message = "\n".join(lines) + "\n\n" + (body.strip() + "\n" if body else "")
    return f"<send{attributes}><![CDATA[\n{message}\n]]></send>"


def receive(
    what: str | int,
    *,
    optional: bool = False,
    challenge: bool = False,
    route_set: bool = False,
    seconds: float | None = None,
    remember: bool = False,
) -> str:
    """One message to wait for: a status or a method.

    `remember` keeps the two Vias and the CSeq of a request, for an answer that is sent after other
    requests have come (`response(remembered=True)`).
    """
    kind = f'response="{what}"' if isinstance(what, int) else f'request="{what}"'
    attributes = "".join(
        text
        for on, text in (
            (optional, ' optional="true"'),
            (challenge, ' auth="true"'),
            (route_set, ' rrs="true"'),
            (seconds is not None, f' timeout="{int((seconds or 0) * 1000)}"'),
        )
        if on
    )
    actions = "".join(
        f'<ereg regexp=".*" search_in="hdr" header="{header}:" occurrence="{number}" '
        f'assign_to="{name}"/>'
        for name, (header, number) in _REMEMBERED.items()
    )
    inner = f"<action>{actions}</action>" if remember else ""
    return f"<recv {kind}{attributes}>{inner}</recv>"


def pause(seconds: float) -> str:
    """SIPp's own pause: a phone that rings or talks for a while (on the peer's clock)."""
    return f'<pause milliseconds="{int(seconds * 1000)}"/>'


def linger(seconds: float) -> str:
    """Answer retransmissions for a while after the last step, as timers J and K would have it."""
    return f'<timewait milliseconds="{int(seconds * 1000)}"/>'


def request(
    method: str,
    caller: Party,
    target: str,
    *,
    cseq: int,
    to: str | None = None,
    extra: Iterable[str] = (),
    body: str = "",
    in_dialog: bool = False,
    branch_of: str = "[branch]",
) -> str:
    """Text of one request. In a dialog it follows the route set and the remote target."""
    uri = "[next_url]" if in_dialog else target
    to_value = f"<{to or target}>" + ("[peer_tag_param]" if in_dialog else "")
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch_of};rport",
        *(["[routes]"] if in_dialog else []),
        "Max-Forwards: 70",
        f"From: <{caller.aor}>;tag=[pid]s[call_number]",
        f"To: {to_value}",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
        f"Contact: <sip:{caller.user}@[local_ip]:[local_port];transport=[transport]>",
        *extra,
    ]
    return "\n".join(lines) + ("\n\n" + body if body else "")


def ack_of_failure(caller: Party, target: str, *, cseq: int) -> str:
    """ACK for a non-2xx: same branch and Request-URI, tag of the answer (RFC 3261 s17.1.1.3)."""
    lines = [
        f"ACK {target} SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch-3];rport",
        "Max-Forwards: 70",
        f"From: <{caller.aor}>;tag=[pid]s[call_number]",
        f"To: <{target}>[peer_tag_param]",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} ACK",
    ]
    return "\n".join(lines)


def response(
    status: int,
    reason: str,
    *,
    user: str = "callee",
    extra: Iterable[str] = (),
    body: str = "",
    new_tag: bool = True,
    remembered: bool = False,
) -> str:
    """Text of one answer to the last request that came in, or to the remembered one."""
    tag = ";tag=[pid]r[call_number]" if new_tag else ""
    lines = [
        f"SIP/2.0 {status} {reason}",
        *(["Via:[$via1]", "Via:[$via2]"] if remembered else ["[last_Via:]"]),
        "[last_Record-Route:]",
        "[last_From:]",
        f"[last_To:]{tag}",
        "[last_Call-ID:]",
        "CSeq:[$cseq]" if remembered else "[last_CSeq:]",
        f"Contact: <sip:{user}@[local_ip]:[local_port];transport=[transport]>",
        *extra,
    ]
    return "\n".join(lines) + ("\n\n" + body if body else "")


def scenario(*steps: str) -> str:
    """The XML of a whole scenario."""
    used = "assign_to=" in "".join(steps)
    reference = f'<Reference variables="{",".join(_REMEMBERED)}"/>' if used else ""
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="fedsip">\n'
        + "\n".join(steps)
        + f"\n{reference}</scenario>\n"
    )


class Sipp:
    """One run of sipp: `calls` calls of one scenario from one local address."""

    def __init__(
        self,
        text: str,
        folder: Path,
        *,
        name: str,
        remote: str,
        port: int,
        address: str = "127.0.0.1",
        transport: str = "u1",
        calls: int = 1,
        rate: int = 10,
        limit: int | None = None,
        lost: float = 0.0,
        options: Sequence[str] = (),
        within: float = 60.0,
        trace: bool = True,
        cpu: int | None = None,
        namespace: str | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.xml"
        path.write_text(text)
        self._trace = folder / f"{name}.messages"
        self._within = within
        is_client = "<send" in text and text.index("<send") < text.find("<recv") % (1 << 60)
        bracketed = f"[{address}]" if ":" in address else address
        traced = ["-trace_msg", "-message_file", str(self._trace)] if trace else []
        # fmt: off
        command: list[str | Path] = [
            *(["taskset", "-c", str(cpu)] if cpu is not None else []),
            "sipp", *([remote] if is_client or transport != "u1" else []),
            "-sf", path, "-i", bracketed, "-p", str(port), "-t", transport,
            "-m", str(calls), "-r", str(rate), "-l", str(limit or max(calls, 1)),
            "-nostdin", "-timeout", f"{int(within)}s", "-timeout_error", "-default_behaviors",
            "all,-bye,-abortunexp", "-trace_err", "-error_file", folder / f"{name}.errors",
            *traced, *(["-lost", str(lost)] if lost else []), *options,
        ]
        # fmt: on
        self.folder, self.name, self.port = folder, name, port
        self.program = Program(command, log=folder / f"{name}.screen", namespace=namespace)
        if transport == "u1":  # one that answers must be there before anybody calls it
            wait_until(lambda: self.program.ended or self._has(port), f"sipp {name} has its port")

    def _has(self, port: int) -> bool:
        return holds_udp(port, self.program.process.pid)

    def succeeds(self) -> None:
        """Wait for the end; every call must have gone as the scenario says."""
        code = self.program.wait(within=self._within + 10)
        if code != 0:
            raise PeerFailed(f"sipp {self.name} ended with {code}:\n{self._errors()}")

    def _errors(self) -> str:
        errors = self.folder / f"{self.name}.errors"
        said = errors.read_text(errors="replace")[-4000:] if errors.exists() else ""
        return said + "\n" + self.program.tail(30)

    def messages(self, direction: str = "received") -> list[Request | Response]:
        """What this sipp `received` or `sent`, in order."""
        if not self._trace.exists():  # it has only just started
            return []
        raw = self._trace.read_bytes()
        found = []
        head = re.compile(
            rb"-{20,}[^\n]*\n(?:UDP|TCP|TLS) message (received|sent)"
            rb"[^\n]*\[?(\d+)\]? bytes[^\n]*:?\n\n"
        )
        for match in head.finditer(raw):
            if match.group(1).decode() != direction:
                continue
            end = raw.find(b"\n-----------------------------------------------", match.end())
            text = raw[match.end() : end if end >= 0 else len(raw)]
            found.append(parse(text.rstrip(b"\n") + b"\n" if b"\r\n\r\n" in text else text))
        return found

    def stop(self) -> None:
        self.program.stop(within=3)
