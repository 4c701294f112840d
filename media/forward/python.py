"""The engine that needs nothing but Python: one socket a port, one callback a packet.

Figures behind its shape (172-byte packets, one core): reading on until EAGAIN costs 1.4 µs for the
read that fails, so a wake-up reads one packet and the level-triggered loop comes back for more;
everything that a packet needs lies in the slots of its port; the counters are integers, and only
two packets of sixteen look at the clock. When a rule says that nobody else has any business at a
port, its socket is connected.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Final, Protocol

from media.forward.engine import Counters, OnReport, OnStranger
from media.forward.rule import Address, ForwardRule, Transform, is_lane, socket_of
from media.forward.section import NOBODYS, RTP_HEADER, Section, Sections
from media.forward.shared import Shared
from media.rtp import extension
from media.rtp.stats import Reception
from media.srtp.context import SrtpError

MAX_DATAGRAM: Final = 65_535
EXPEDITED_FORWARDING: Final = 0xB8  # RFC 3246, what networks prefer for voice
_RTCP_HEADER: Final = 8

_libc: Final = ctypes.CDLL(None, use_errno=True)
_NO_ADDRESS: Final = bytes(16)  # a sockaddr of family AF_UNSPEC

_buffer: Final = bytearray(MAX_DATAGRAM)
_view: Final = memoryview(_buffer)


class Reading(Protocol):
    """Who reads the ports' sockets and calls what they are to do with a packet. A lane has none of
    its own: its packets come by the socket that it shares."""

    def begin(self, port: Port) -> None:
        """Read its socket from now on."""

    def again(self, port: Port) -> None:
        """It has another way of receiving now, or an error came out of its socket."""

    def end(self, port: Port) -> None:
        """Read it no longer."""

    def share(self, local: Address) -> Shared:
        """Bind a socket for lanes and read it from now on; OSError when it cannot be had."""

    def end_sharing(self, shared: Shared) -> None:
        """Read it no longer, and close it."""


class LoopReading:
    """The loop calls `port.receive` for each packet."""

    __slots__ = ("_loop",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def begin(self, port: Port) -> None:
        if port.shared is None:
            self._loop.add_reader(port.socket.fileno(), port.receive)

    def again(self, port: Port) -> None:
        """A connected socket gets the ICMP errors of a phone that has closed its port, and libuv
        stops watching a descriptor that shows an error (uv__poll_io), whoever has taken the error
        since; so it is watched anew."""
        self._watch_anew(port.socket, port.receive)

    def end(self, port: Port) -> None:
        if port.shared is None:
            self._loop.remove_reader(port.socket.fileno())

    def share(self, local: Address) -> Shared:
        def listen_again() -> None:
            self._loop.call_soon(self._watch_anew, shared.socket, shared.receive)

        shared = Shared(bound(local), listen_again=listen_again)
        self._loop.add_reader(shared.socket.fileno(), shared.receive)
        return shared

    def end_sharing(self, shared: Shared) -> None:
        self._loop.remove_reader(shared.socket.fileno())
        shared.socket.close()

    def _watch_anew(self, watched: socket.socket, receive: Callable[[], None]) -> None:
        if watched.fileno() >= 0:  # else it was closed meanwhile
            self._loop.remove_reader(watched.fileno())
            self._loop.add_reader(watched.fileno(), receive)


class PythonEngine:
    """An Engine on an asyncio loop; with uvloop it is three times as fast."""

    __slots__ = ("_loop", "_on_report", "_on_stranger", "_ports", "_reading", "_shared")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_stranger: OnStranger,
        on_report: OnReport,
        reading: Reading | None = None,
    ) -> None:
        self._loop = loop
        self._on_stranger = on_stranger
        self._on_report = on_report
        self._reading = reading or LoopReading(loop)
        self._ports: dict[Address, Port] = {}
        self._shared: dict[Address, Shared] = {}

    def open(self, local: Address) -> None:
        shared = self._shared[socket_of(local)] if is_lane(local) else None
        port = Port(local, self._loop, self._on_stranger, self._on_report, self._reading, shared)
        self._reading.begin(port)
        self._ports[local] = port

    def port(self, local: Address) -> Port:
        """The open port of that address."""
        return self._ports[local]

    def share(self, local: Address) -> None:
        self._shared[local] = self._reading.share(local)

    def expect(self, local: Address, source: Address) -> None:
        port = self._ports[local]
        if port.shared is not None:
            port.shared.expect(port, source)

    def close(self, local: Address) -> None:
        port = self._ports.pop(local)
        if port.shared is not None:
            port.shared.leave(port)
        self._reading.end(port)
        if port.shared is None:
            port.socket.close()

    def stop(self) -> None:
        """Give up the shared sockets: their lanes are closed."""
        for shared in self._shared.values():
            self._reading.end_sharing(shared)
        self._shared.clear()

    def install(self, rules: Sequence[ForwardRule]) -> None:
        for rule in rules:
            self._ports[rule.local].connect(rule.accepts if rule.is_exclusive else None)
        for rule in rules:
            port = self._ports[rule.local]
            out = self._ports[rule.out]
            port.follow(rule, out, self._ports[rule.rtcp_out])
            if port.shared is not None and rule.ufrag:
                port.shared.name(port, rule.ufrag)
            if out.shared is not None and rule.destination is not None:
                out.shared.expect(out, rule.destination)
            port.carry(
                rule,
                [(one, self._ports[one.out], self._ports[one.rtcp_out]) for one in rule.others],
            )

    def send(self, local: Address, datagram: bytes, to: Address) -> None:
        port = self._ports[local]
        try:
            port.socket.sendto(datagram, to)
        except OSError:
            port.errors += 1
            port.listen_again()

    def counters(self, local: Address, section: int = 0) -> Counters:
        port = self._ports[local]
        packets, octets = port.counted(section)
        reception = port.heard(section)
        return Counters(
            packets=packets,
            octets=octets,
            errors=port.errors,
            strangers=port.strangers,
            undecryptable=port.undecryptable,
            expected=reception.expected,
            lost=reception.lost,
            jitter_seconds=reception.jitter_seconds,
            ssrc=reception.ssrc,
        )

    def packets(self, local: Address) -> int:
        return self._ports[local].packets


class Port:
    """One socket with its rule, unfolded for speed.

    A connected socket takes packets of its peer alone and needs no address to send: 0.55 µs less
    for the one and as much for the other.
    """

    __slots__ = (
        "_accepts",
        "_destination",
        "_is_only_media",
        "_is_rtp",
        "_loop",
        "_names",
        "_on_report",
        "_on_stranger",
        "_out",
        "_protect",
        "_reading",
        "_receive_from_into",
        "_receive_into",
        "_receptions",
        "_rtcp_destination",
        "_rtcp_out",
        "_rtcp_protect",
        "_section",
        "_sections",
        "_send",
        "_send_to",
        "_unprotect",
        "errors",
        "local",
        "octets",
        "packets",
        "peer",
        "receive",
        "reception",
        "sections",
        "shared",
        "socket",
        "strangers",
        "undecryptable",
    )

    def __init__(
        self,
        local: Address,
        loop: asyncio.AbstractEventLoop,
        on_stranger: OnStranger,
        on_report: OnReport,
        reading: Reading,
        shared: Shared | None,
    ) -> None:
        self.shared = shared
        self.socket = bound(local) if shared is None else shared.socket
        self.local = local
        self._loop = loop
        self._on_stranger = on_stranger
        self._on_report = on_report
        self._reading = reading
        self._receive_into = self.socket.recv_into
        self._receive_from_into = self.socket.recvfrom_into
        self._out = self._rtcp_out = self
        self._send_to = self.socket.sendto
        self._send: Callable[[memoryview], int] | None = None
        self.peer: Address | None = None
        """Whom the socket is connected to."""
        self._accepts: tuple[object, ...] | None = None
        self._destination: Address | None = None
        self._rtcp_destination: Address | None = None
        self._is_rtp = self._is_only_media = False
        self._unprotect: Transform | None = None
        self._protect: Transform | None = None
        self._rtcp_protect: Transform | None = None
        self._names: tuple[int, bytes] | None = None
        self.receive = self.receive_plain
        """What reads one packet and does with it what the rule says."""
        self.packets = 0
        self.octets = 0
        self.errors = 0
        self.strangers = 0
        self.undecryptable = 0
        self._section = 0
        self.reception = Reception()
        self._receptions = {0: self.reception}
        """Of its own section, and of those that were."""
        self.sections: Sections | None = None
        self._sections: dict[int, Section] = {}
        """Further ones, and those that were."""

    def connect(self, peer: Address | None) -> None:
        """Let the kernel drop what others send, or no longer."""
        if peer == self.peer:
            return
        try:
            if peer is None:
                _disconnect(self.socket)
            else:
                self.socket.connect(peer)
        except OSError:  # no route just now: go on unconnected
            peer = None
        self.peer = peer

    def follow(self, rule: ForwardRule, out: Port, rtcp_out: Port) -> None:
        self._accepts = rule.accepts
        if rule.accepts is not None and ":" in rule.accepts[0]:
            self._accepts = (*rule.accepts, 0, 0)  # as recvfrom gives it: no flow, no scope
        self._destination = rule.destination
        self._send_to = out.socket.sendto
        is_connected = out.peer is not None and out.peer == rule.destination
        self._send = out.socket.send if is_connected else None
        self._out, self._rtcp_out = out, rtcp_out
        self._rtcp_destination = rule.rtcp_destination
        self._is_rtp = rule.is_rtp
        self._unprotect, self._protect = rule.unprotect, rule.protect
        self._rtcp_protect = rule.rtcp_protect
        self._names = rule.names
        self._is_only_media = rule.is_only_media
        receive = self.receive_plain if rule.is_plain else self.receive_encrypted
        if receive != self.receive and self.shared is None:
            self.receive = receive
            self._reading.again(self)
        self._section = rule.section
        self.reception = self._receptions.setdefault(rule.section, Reception())
        self.reception.clock_rates = dict(rule.clock_rates)

    def carry(self, own: ForwardRule, others: Sequence[tuple[ForwardRule, Port, Port]]) -> None:
        """Further sections come to this port (BUNDLE); their counts outlive what is said here."""
        further = []
        for rule, out, rtcp_out in others:
            section = self._sections.get(rule.section)
            if section is None:
                section = self._sections[rule.section] = Section(rule, out, rtcp_out)
            else:
                section.follow(rule, out, rtcp_out)
            further.append(section)
        if not further:
            self.sections = None
            return
        self.sections = self.sections or Sections()
        self.sections.follow(own, further)

    def counted(self, section: int) -> tuple[int, int]:
        """Packets and octets of a section; what is no further one's is its own one's."""
        others = self._sections.values()
        if section == self._section:
            packets = self.packets - sum(one.packets for one in others)
            return packets, self.octets - sum(one.octets for one in others)
        further = self._sections.get(section)
        return (0, 0) if further is None else (further.packets, further.octets)

    def heard(self, section: int) -> Reception:
        """How a section is received here."""
        further = None if section == self._section else self._sections.get(section)
        if further is not None:
            return further.reception
        return self._receptions.get(section) or Reception()

    def receive_plain(self) -> None:
        """The loop says that there is a packet: count it and send it on."""
        try:
            if self.peer is not None:
                size = self._receive_into(_buffer)
            else:
                size, source = self._receive_from_into(_buffer)
                if source != self._accepts and not self._on_stranger(
                    self.local, bytes(_view[:size]), source[:2]
                ):
                    self.strangers += 1
                    return
        except OSError:  # nothing there after all, or an ICMP error of an earlier packet
            self.listen_again()
            return
        self.packets += 1
        self.octets += size
        if self._is_rtp and size >= _RTCP_HEADER and _buffer[0] & 0xC0 == 0x80:
            if 192 <= _buffer[1] <= 223:
                self._forward_report(size)
                return
            if size >= RTP_HEADER:
                reception = self.reception
                reception.rtp_packets += 1
                sequence = _buffer[2] << 8 | _buffer[3]
                if sequence == reception.next & 0xFFFF:
                    reception.next += 1
                else:
                    reception.out_of_order(_buffer)
                if sequence & 15 < 2:
                    reception.sample(_buffer, now=monotonic())
        try:
            if self._send is not None:
                self._send(_view[:size])
            elif self._destination is not None:
                self._send_to(_view[:size], self._destination)
        except OSError:
            self.errors += 1
            self._out.listen_again()

    def receive_encrypted(self) -> None:
        """The same where either side is encrypted, or STUN and DTLS are to be told from media."""
        try:
            size, source = self._receive_from_into(_buffer)
        except OSError:
            self.listen_again()
            return
        self.arrived(bytes(_view[:size]), source)

    def has_selected(self, source: Address) -> bool:
        """True when that is the far end of this port."""
        return self._accepts is not None and self._accepts[:2] == source

    def arrived(self, packet: bytes, source: tuple[Any, ...]) -> None:
        """A packet for this port. It is authentic before anybody is learned from it."""
        size = len(packet)
        is_media = size >= _RTCP_HEADER and packet[0] & 0xC0 == 0x80
        if not is_media and self._is_only_media:
            self._on_stranger(self.local, packet, source[:2])
            return
        is_rtcp = is_media and self._is_rtp and 192 <= packet[1] <= 223
        if is_media and self._unprotect is not None:
            try:
                transform = self._unprotect.rtcp if is_rtcp else self._unprotect.rtp
                packet = transform(packet)
            except SrtpError:
                self.undecryptable += 1
                return
        if source != self._accepts and not self._on_stranger(self.local, packet, source[:2]):
            self.strangers += 1
            return
        number = self._section
        if self.sections is not None and is_media:
            number = self.sections.find(packet, is_rtcp=is_rtcp)
        if number == NOBODYS:
            self.errors += 1
            return
        self.packets += 1
        self.octets += size
        if number != self._section:
            section = self._sections[number]
            self.errors += not section.forward(packet, size, is_rtcp=is_rtcp)
            if is_rtcp:
                self._on_report(self.local, packet, number)
            return
        if is_rtcp:
            self._send_report(packet)
            self._on_report(self.local, packet, self._section)
            return
        if self._is_rtp and size >= RTP_HEADER:
            self.reception.received(packet, now=monotonic())
            if self._names is not None:
                packet = extension.put(packet, *self._names)
        if self._destination is None:
            return
        try:
            if self._protect is not None:
                packet = self._protect.rtp(packet)
            self._send_to(packet, self._destination)
        except (OSError, SrtpError):
            self.errors += 1
            self._out.listen_again()

    def _send_report(self, packet: bytes) -> None:
        if self._rtcp_destination is None:
            return
        try:
            if self._rtcp_protect is not None:
                packet = self._rtcp_protect.rtcp(packet)
            self._rtcp_out.socket.sendto(packet, self._rtcp_destination)
        except (OSError, SrtpError):
            self.errors += 1
            self._rtcp_out.listen_again()

    def _forward_report(self, size: int) -> None:
        if self._rtcp_destination is not None:
            try:
                self._rtcp_out.socket.sendto(_view[:size], self._rtcp_destination)
            except OSError:
                self.errors += 1
                self._rtcp_out.listen_again()
        self._on_report(self.local, bytes(_view[:size]), self._section)

    def listen_again(self) -> None:
        """An error came out of this socket: make sure that it is still read."""
        if self.shared is not None:
            self.shared.listen_again()
        else:
            self._loop.call_soon(self._reading.again, self)


def bound(local: Address, *, is_one_of_several: bool = False) -> socket.socket:
    """A socket of this port alone, or one more of those that share it; OSError when it cannot be
    had."""
    is_ipv6 = ":" in local[0]
    family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
    found = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if is_ipv6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, EXPEDITED_FORWARDING)
        else:
            found.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED_FORWARDING)
        if is_one_of_several:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.bind(local)
    except OSError:
        found.close()
        raise
    return found


def _disconnect(connected: socket.socket) -> None:
    """connect(2) with AF_UNSPEC, which Python's own connect cannot say; the port stays bound."""
    if _libc.connect(connected.fileno(), _NO_ADDRESS, len(_NO_ADDRESS)):
        raise OSError(ctypes.get_errno(), "disconnect")
