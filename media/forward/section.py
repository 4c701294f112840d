"""The further sections of a port that carries several (BUNDLE): who gets what, and by which key.

RTP is told apart as RFC 9143 s9.2 says: by the section's name in a header extension, which makes an
SSRC the section's from then on; by an SSRC that is known; by a payload type that one section alone
has. RTCP by the SSRC of who sends media, else by that of the stream it is about, which is what the
port of the other direction has heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from socket import socket
from time import monotonic
from typing import Final, Protocol

from media.forward.rule import Address, ForwardRule, Transform
from media.rtp import extension
from media.rtp.packet import payload_type, sequence_number
from media.rtp.rtcp import SENDER_REPORT
from media.rtp.stats import Reception
from media.srtp.context import SrtpError

RTP_HEADER: Final = 12
NOBODYS: Final = -1
_MOST_SOURCES: Final = 64
_SEVERAL: Final = -2


class Port(Protocol):
    """What a section must know of the port that it sends from."""

    socket: socket

    def heard(self, section: int) -> Reception: ...

    def listen_again(self) -> None: ...


class Section:
    """One further section: its far port, where to, and with which contexts; its counts stay."""

    __slots__ = (
        "_destination",
        "_names",
        "_out",
        "_protect",
        "_rtcp_destination",
        "_rtcp_out",
        "_rtcp_protect",
        "name",
        "octets",
        "packets",
        "reception",
    )

    def __init__(self, rule: ForwardRule, out: Port, rtcp_out: Port) -> None:
        self.name = rule.section
        self.reception = Reception()
        self.packets = self.octets = 0
        self.follow(rule, out, rtcp_out)

    def follow(self, rule: ForwardRule, out: Port, rtcp_out: Port) -> None:
        self.reception.clock_rates = dict(rule.clock_rates)
        self._out, self._rtcp_out = out, rtcp_out
        self._destination: Address | None = rule.destination
        self._rtcp_destination: Address | None = rule.rtcp_destination
        self._protect: Transform | None = rule.protect
        self._rtcp_protect: Transform | None = rule.rtcp_protect
        self._names = rule.names

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
                if self._names is not None:
                    packet = extension.put(packet, *self._names)
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


class _Source:
    """Whose the packets of an SSRC are, and the number of that which named it; below 0: none."""

    __slots__ = ("section", "sequence")

    def __init__(self, section: int, sequence: int) -> None:
        self.section = section
        self.sequence = sequence

    def may_be_named(self, sequence: int) -> bool:
        """Whether that packet is newer than the one that named it (RFC 7941 s4.2.6)."""
        return self.sequence < 0 or 0 < (sequence - self.sequence) & 0xFFFF < 0x8000


class Sections:
    """Which section of a port a packet belongs to; what is known of its sources stays when the
    rules change."""

    __slots__ = (
        "_by_mid",
        "_by_payload_type",
        "_by_ssrc",
        "_further",
        "_mid_extension",
        "_own",
        "_types",
    )

    def __init__(self) -> None:
        self._own = 0
        self._further: Sequence[Section] = ()
        self._mid_extension = 0
        self._by_mid: dict[bytes, int] = {}
        self._by_payload_type: dict[int, int] = {}
        self._types: dict[int, frozenset[int]] = {}
        self._by_ssrc: dict[int, _Source] = {}

    def follow(self, rule: ForwardRule, further: Sequence[Section]) -> None:
        """The sections of the port are those of a rule and of its others from now on."""
        rules = (rule, *rule.others)
        self._own, self._further = rule.section, further
        self._mid_extension = rule.mid_extension
        self._by_mid = {one.mid: one.section for one in rules if one.mid}
        self._types = {one.section: frozenset(one.payload_types) for one in rules}
        self._by_payload_type = {}
        for section, types in self._types.items():
            for number in types:
                is_taken = number in self._by_payload_type
                self._by_payload_type[number] = _SEVERAL if is_taken else section
        for ssrc, source in list(self._by_ssrc.items()):
            if source.section not in self._types:
                del self._by_ssrc[ssrc]
        for one in rules:
            for ssrc in one.sources:
                if ssrc not in self._by_ssrc:
                    self._remember(ssrc, one.section)

    def find(self, packet: bytes, *, is_rtcp: bool) -> int:
        """The number of the section that a packet belongs to; NOBODYS for what cannot be told."""
        if is_rtcp:
            return self._reported(packet)
        number = payload_type(packet)
        by_type = self._by_payload_type.get(number, self._own)
        if len(packet) < RTP_HEADER:
            return NOBODYS if by_type == _SEVERAL else by_type
        ssrc, sequence = int.from_bytes(packet[8:12], "big"), sequence_number(packet)
        known = self._by_ssrc.get(ssrc)
        mid = extension.find(packet, self._mid_extension) if self._mid_extension else b""
        if mid:
            named = self._by_mid.get(mid)
            if named is None:
                return NOBODYS
            if known is None or known.may_be_named(sequence):
                known = self._remember(ssrc, named, sequence)
        if known is not None and (
            number in self._types[known.section] or number not in self._by_payload_type
        ):
            return known.section
        if by_type == _SEVERAL:
            return NOBODYS
        self._remember(ssrc, by_type)
        return by_type

    def _reported(self, packet: bytes) -> int:
        sender = self._by_ssrc.get(int.from_bytes(packet[4:8], "big"))
        if sender is not None and packet[1] == SENDER_REPORT:
            return sender.section
        about = int.from_bytes(packet[8:12], "big")
        for section in self._further:
            if about and section.heard_ssrc == about:
                return section.name
        return self._own if sender is None else sender.section

    def _remember(self, ssrc: int, section: int, sequence: int = -1) -> _Source:
        if ssrc not in self._by_ssrc and len(self._by_ssrc) >= _MOST_SOURCES:
            del self._by_ssrc[next(iter(self._by_ssrc))]
        found = self._by_ssrc[ssrc] = _Source(section, sequence)
        return found
