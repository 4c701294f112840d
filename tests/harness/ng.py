"""Somebody's proxy as a relay sees it, phones that speak RTP, and our relay as a program.

The same client drives our relay and Debian's rtpengine: what differs is theirs.
"""

from __future__ import annotations

import itertools
import os
import select
import socket
import sys
from pathlib import Path

from media.ng import Answer, Command, Document, NgError, Offer, Options, error_of, parse_frame
from media.ng.framing import serialise_frame
from media.rtp import packet
from media.sdp import Session, parse
from media.srtp import Crypto, Suite, parse_crypto
from media.srtp.context import Context, protecting, unprotecting
from tests.harness.closing import Closing
from tests.harness.processes import PeerFailed, Program

ROOT = Path(__file__).resolve().parents[2]
_BOUND_SECONDS = 60.0
_REPEAT_SECONDS = 1.0
Address = tuple[str, int]


ENGINE = os.environ.get("TESTED_ENGINE", "python")
"""What carries the packets of our relays; tests/contract/test_relay_parity.py tries both."""


def our_relay(
    folder: Path,
    *,
    ng_port: int,
    ports: tuple[int, int],
    ipv4: str = "127.0.0.1",
    ipv6: str = "::1",
    namespace: str | None = None,
    **settings: str,
) -> Program:
    """Start `python -m media` and wait until it serves; settings without their prefix."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name[:7] != "FEDSIP_"}
    environment = kept | {
        "FEDSIP_MEDIA_ENGINE": ENGINE,
        "FEDSIP_MEDIA_NG": f"127.0.0.1:{ng_port}",
        "FEDSIP_MEDIA_PORTS": f"{ports[0]}-{ports[1]}",
        "FEDSIP_MEDIA_IPV4": ipv4,
        "FEDSIP_MEDIA_IPV6": ipv6,
        **{f"FEDSIP_MEDIA_{name}": value for name, value in settings.items()},
    }
    program = Program(
        [sys.executable, "-m", "media"],
        log=folder / "relay.log",
        env=environment,
        cwd=ROOT,
        namespace=namespace,
    )
    program.awaits(r"^ready relay")
    return program


class NgClient(Closing):
    """Commands to one relay, each asked again until it is answered."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((host, port))
        self._socket.settimeout(_REPEAT_SECONDS)
        # A port may be one that another client had a moment ago: cookies must not be its own.
        prefix = os.urandom(4).hex().encode()
        self._cookies = (b"%b_%d" % (prefix, number) for number in itertools.count(1))

    def ask(self, command: Command | Document) -> Document:
        """The answer, an error or not."""
        document = command if isinstance(command, dict) else command.document()
        cookie = next(self._cookies)
        datagram = serialise_frame(cookie, document)
        for _ in range(int(_BOUND_SECONDS / _REPEAT_SECONDS)):
            self._socket.send(datagram)
            try:
                while True:
                    frame = parse_frame(self._socket.recv(65_535))
                    if frame.cookie == cookie:
                        return frame.document
            except (TimeoutError, ConnectionRefusedError, NgError):
                continue
        raise PeerFailed(f"no answer to {document.get(b'command')!r}")

    def accepted(self, command: Command) -> Document:
        """The answer, which must not be an error."""
        answer = self.ask(command)
        reason = error_of(answer)
        if reason is not None:
            raise PeerFailed(f"{type(command).__name__} was refused: {reason}")
        return answer

    def describes(self, command: Offer | Answer) -> Session:
        """The rewritten description of an offer or answer that is accepted."""
        body = self.accepted(command)[b"sdp"]
        assert isinstance(body, bytes)
        return parse(body)

    def close(self) -> None:
        self._socket.close()


class RtpPhone(Closing):
    """Sockets for RTP and RTCP at an address, and where the other side said it is."""

    def __init__(self, host: str = "127.0.0.1", *, ssrc: int = 1) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.rtp, self.rtcp = _pair(host, family)
        self.host = host
        self.port = int(self.rtp.getsockname()[1])
        self.ssrc = ssrc
        self.sequence_number = 100
        self.protocol = "RTP/AVP"
        self.crypto: Crypto | None = None
        self._seal: Context | None = None
        self._open: Context | None = None
        self._to: Address = ("", 0)
        self._rtcp_to: Address = ("", 0)

    def description(self, *extra: str, kind: str = "audio", direction: str = "sendrecv") -> bytes:
        """A description of one section with PCMU, with further lines at its end."""
        family = "IP6" if ":" in self.host else "IP4"
        lines = (
            "v=0",
            f"o=phone{self.ssrc} 1 1 IN {family} {self.host}",
            "s=-",
            f"c=IN {family} {self.host}",
            "t=0 0",
            f"m={kind} {self.port} {self.protocol} 0 101",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/8000",
            f"a={direction}",
            *(["a=" + self.crypto.serialise().decode()] if self.crypto else []),
            *extra,
        )
        return "".join(f"{line}\r\n" for line in lines).encode()

    def encrypts(self, suite: Suite, *, tag: int = 1) -> None:
        """Speak SDES-SRTP from now on, with a key of its own."""
        self.protocol = "RTP/SAVP"
        self.crypto = Crypto(tag, suite, os.urandom(suite.master_bytes))
        self._seal = protecting(suite, self.crypto.master)

    def encrypts_no_more(self) -> None:
        self.protocol = "RTP/AVP"
        self.crypto = self._seal = self._open = None

    def takes_key(self, session: Session, index: int = 0) -> None:
        """Take the other side's key of the same suite; in an answer, with its tag."""
        assert self.crypto is not None
        for line in session.media[index].lines:
            if line.attribute == b"crypto":
                theirs = parse_crypto(line.value.partition(b":")[2])
                if theirs is not None and theirs.suite == self.crypto.suite:
                    self.crypto = Crypto(theirs.tag, theirs.suite, self.crypto.master)
                    self._open = unprotecting(theirs.suite, theirs.master)
                    return
        raise PeerFailed(f"phone {self.ssrc} was given no key that it can use")

    def hears_of(self, session: Session, index: int = 0) -> None:
        """Send to where this description says from now on."""
        media = session.media[index]
        connection = session.connection_of(media)
        assert connection is not None
        host = connection.address.decode()
        self._to = (host, media.port)
        port = media.port if media.offers_mux else media.port + 1
        self._rtcp_to = (host, media.rtcp[0] if media.rtcp else port)

    def says(
        self, payload: bytes, *, from_: socket.socket | None = None, seal: Context | None = None
    ) -> bytes:
        """Send one RTP packet, by default from the phone's own port and by its own key."""
        self.sequence_number += 1
        sent = packet.build(
            payload_type=0,
            sequence_number=self.sequence_number,
            rtp_timestamp=160 * self.sequence_number,
            ssrc=self.ssrc,
            payload=payload,
        )
        seal = seal or self._seal
        datagram = sent if seal is None else seal.rtp(sent)
        (from_ or self.rtp).sendto(datagram, self._to)
        return sent

    def sends(self, packet: bytes) -> None:
        """Send an RTP packet as it is."""
        self.rtp.sendto(packet, self._to)

    def reports(self, datagram: bytes, *, mux: bool = False) -> None:
        if self._seal is not None:
            datagram = self._seal.rtcp(datagram)
        (self.rtp if mux else self.rtcp).sendto(datagram, self._rtcp_to)

    def hears(self, *, rtcp: bool = False, within: float = _BOUND_SECONDS) -> bytes:
        """The next datagram on RTP's or RTCP's port."""
        ready = self.rtcp if rtcp else self.rtp
        if not select.select([ready], [], [], within)[0]:
            raise PeerFailed(f"phone {self.ssrc} heard nothing in {within} s")
        datagram = ready.recv(65_535)
        if self._open is None:
            return datagram
        return self._open.rtcp(datagram) if rtcp else self._open.rtp(datagram)

    def is_deaf(self, *, within: float = 0.0) -> bool:
        """True when nothing waits on the RTP port, by default right now."""
        return not select.select([self.rtp], [], [], within)[0]

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def talk(one: RtpPhone, other: RtpPhone, *, rounds: int = 1) -> None:
    """Both speak and both must hear exactly what the other said; the first says it until it is."""
    for number in range(rounds):
        for speaker, listener in ((one, other), (other, one)):
            sent = speaker.says(b"%d says %d" % (speaker.ssrc, number) + bytes(140))
            heard = listener.hears()
            assert heard == sent, (heard, sent)


def _pair(host: str, family: socket.AddressFamily) -> tuple[socket.socket, socket.socket]:
    """Sockets at an even port and the next one."""
    while True:
        first = socket.socket(family, socket.SOCK_DGRAM)
        first.bind((host, 0))
        port = int(first.getsockname()[1])
        if port % 2 == 0:
            second = socket.socket(family, socket.SOCK_DGRAM)
            try:
                second.bind((host, port + 1))
            except OSError:
                second.close()
            else:
                return first, second
        first.close()


def call_id() -> bytes:
    """One that no other test of this run has."""
    return b"%s@ng.test" % os.urandom(8).hex().encode()


REPLACE = Options(ice=b"remove", replace=(b"origin", b"session-connection"))
