"""The further sections of a port that carries several (BUNDLE): who gets what, and by which key.

RTP is told apart by payload type, and its SSRC remembered; RTCP by the SSRC of who sends it, else
by that of the stream it is about, which is what the port of the other direction has heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from socket import socket
from time import monotonic
from typing import Final, Protocol

from media.forward.rule import Address, ForwardRule, Transform
from media.rtp.stats import Reception
from media.srtp.context import SrtpError

RTP_HEADER: Final = 12
_MOST_SOURCES: Final = 64


class Port(Protocol):
    """What a section must know of the port that it sends from."""

    socket: socket

    def heard(self, section: int) -> Reception: ...

    def listen_again(self) -> None: ...


class Section:
    """One further section: its far port, where to, and with which contexts; its counts stay."""

    __slots__ = (
        "_destination",
        "_out",
        "_protect",
        "_rtcp_destination",
        "_rtcp_out",
        "_rtcp_protect",
        "name",
        "octets",
        "packets",
        "payload_types",
        "reception",
    )

    def __init__(self, rule: ForwardRule, out: Port, rtcp_out: Port) -> None:
        self.name = rule.section
        self.reception = Reception()
        self.packets = self.octets = 0
        self.follow(rule, out, rtcp_out)

    def follow(self, rule: ForwardRule, out: Port, rtcp_out: Port) -> None:
        self.payload_types = rule.payload_types
        self.reception.clock_rates = dict(rule.clock_rates)
        self._out, self._rtcp_out = out, rtcp_out
        self._destination: Address | None = rule.destination
        self._rtcp_destination: Address | None = rule.rtcp_destination
        self._protect: Transform | None = rule.protect
        self._rtcp_protect: Transform | None = rule.rtcp_protect

    @property
    def heard_ssrc(self) -> int:
        """The SSRC of what goes the other way."""
        return self._out.heard(self.name).ssrc

    def forward(self, packet: bytes, size: int, *, is_rtcp: bool) -> bool:
        """Send on a packet that is authentic and decrypted, and came with so many octets; False
        when that failed."""
        self.packets += 1
        self.octets += size
        if is_rtcp:
            out, to, protect = self._rtcp_out, self._rtcp_destination, self._rtcp_protect
        else:
            if len(packet) >= RTP_HEADER:
                self.reception.received(packet, now=monotonic())
            out, to, protect = self._out, self._destination, self._protect
        if to is None:
            return True
        try:
            if protect is not None:
                packet = protect.rtcp(packet) if is_rtcp else protect.rtp(packet)
            out.socket.sendto(packet, to)
        except (OSError, SrtpError):
            out.listen_again()
            return False
        return True


class Sections:
    """All further sections of one port."""

    __slots__ = ("_all", "_by_payload_type", "_by_ssrc")

    def __init__(self, sections: Sequence[Section]) -> None:
        self._all = sections
        self._by_payload_type = {
            number: section for section in sections for number in section.payload_types
        }
        self._by_ssrc: dict[bytes, Section | None] = {}

    def find(self, packet: bytes, *, is_rtcp: bool) -> Section | None:
        """The section that a packet belongs to; None: the port's first one."""
        if not is_rtcp:
            section = self._by_payload_type.get(packet[1] & 0x7F)
            if len(packet) >= RTP_HEADER and len(self._by_ssrc) < _MOST_SOURCES:
                self._by_ssrc[packet[8:12]] = section
            return section
        sender = packet[4:8]
        if sender in self._by_ssrc:
            return self._by_ssrc[sender]
        about = int.from_bytes(packet[8:12], "big")
        for section in self._all:
            if about and section.heard_ssrc == about:
                return section
        return None
