"""UDP listeners: one socket for each local address, drained in a loop whenever it is readable.

What has come is served source by source in turns (fair_queue.py), some of it at a time: who sends a
thousand requests at once waits for them himself, and timers and connections have their turn.

Linux tells of ICMP errors by an error queue, with the datagram that they are about (IP_RECVERR).
That is read here too: whoever sends learns that nobody is there long before a timer says so.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from fcntl import ioctl
from termios import FIONREAD
from typing import Final

from .fair_queue import FairQueue
from .flow import Address, Flow, FlowFailed

log = logging.getLogger(__name__)

OnDatagram = Callable[[bytes, Flow], None]
OnReturned = Callable[[bytes], None]
"""A datagram of ours that came back with an ICMP error, as much of it as was quoted."""

_MOST_READ: Final = 256
"""Datagrams read at one wake-up."""
_AT_ONCE: Final = 16
"""Those served before timers and connections get their turn. Few of them would let the ends of a
thousand calls that failed crowd out the messages of those that go on."""
_BUFFER_BYTES: Final = 4 * 1024 * 1024
_MOST_FLOWS: Final = 200_000
_SO_SNDBUFFORCE: Final = 32
_SO_RCVBUFFORCE: Final = 33
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25
_ICMP_UNREACHABLE: Final = (2, 3)  # origin, type
_ICMP6_UNREACHABLE: Final = (3, 1)
_FRAGMENTATION_NEEDED: Final = 4
_NO_BYTES: Final = bytes(4)

_Source = tuple[str, int] | tuple[str, int, int, int]


class UdpListener:
    """One UDP socket. Flows are kept by source, so that a packet makes no new object."""

    __slots__ = (
        "_flows",
        "_later",
        "_loop",
        "_number",
        "_on_datagram",
        "_on_returned",
        "_send_to",
        "_socket",
        "_waiting",
        "dropped",
        "local",
    )

    def __init__(
        self,
        local: Address,
        on_datagram: OnDatagram,
        on_returned: OnReturned,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                self._socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
            else:
                self._socket.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            _enlarge(self._socket)
            self._socket.setblocking(False)
            self._socket.bind(local)
        except OSError:
            self._socket.close()
            raise
        self.local: Address = self._socket.getsockname()[:2]
        self.dropped = 0
        self._flows: dict[_Source, Flow] = {}
        self._waiting: FairQueue[tuple[bytes, Flow]] = FairQueue()
        self._later: asyncio.Handle | None = None  # goes on with what waits
        self._on_datagram = on_datagram
        self._on_returned = on_returned
        self._send_to = self._socket.sendto
        self._loop = loop
        self._number = self._socket.fileno()
        loop.add_reader(self._socket.fileno(), self._drain)

    def flow(self, remote: Address) -> Flow:
        """The flow from this socket to there."""
        found = self._flows.get(remote)
        if found is None:
            found = self._remember(remote)
        return found

    def send(self, data: bytes, remote: Address) -> None:
        """Send one datagram; a full socket buffer loses it, as the network may.

        Raises FlowFailed where the system knows that it cannot go.
        """
        try:
            self._send_to(data, remote)
        except BlockingIOError:
            self.dropped += 1
        except (OSError, OverflowError):
            self._send_again(data, remote)

    def watch_again(self) -> None:
        """Have the loop watch the socket anew: libuv stops watching one that has an error."""
        self._loop.remove_reader(self._socket.fileno())
        self._loop.add_reader(self._socket.fileno(), self._drain)

    def close(self) -> None:
        if self._later is not None:
            self._later.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _send_again(self, data: bytes, remote: Address) -> None:
        """The error of one datagram is told to the next one that is sent, whoever that is for."""
        self._read_errors()
        try:
            self._send_to(data, remote)
        except BlockingIOError:
            self.dropped += 1
        except (OSError, OverflowError) as error:
            self._read_errors()
            raise FlowFailed(f"udp {remote[0]}:{remote[1]}: {error}") from error

    def _remember(self, source: _Source) -> Flow:
        if len(self._flows) >= _MOST_FLOWS:
            self._flows.clear()
        flow = Flow("udp", self.local, (source[0].partition("%")[0], source[1]))
        self._flows[source] = flow
        return flow

    def _drain(self) -> None:
        """Read what has come, and serve some of what waits."""
        receive, flows, waiting = self._socket.recvfrom, self._flows, self._waiting
        for _ in range(0 if waiting.is_full else _MOST_READ):
            try:
                data, source = receive(65536)
            except BlockingIOError:
                break
            except OSError:
                self._read_errors()
                break
            flow = flows.get(source)
            if flow is None:
                flow = self._remember(source)
            # To ask whether another waits is a tenth of the exception for none.
            is_last = ioctl(self._number, FIONREAD, _NO_BYTES) == _NO_BYTES
            if is_last and not waiting:
                self._on_datagram(data, flow)
                return
            if not waiting.add(flow.remote[0], (data, flow), len(data)):
                self.dropped += 1
            if is_last:
                break
        self._serve()

    def _serve(self) -> None:
        for _ in range(_AT_ONCE):
            one = self._waiting.take()
            if one is None:
                return
            self._on_datagram(*one)
        if self._waiting and self._later is None:
            self._later = self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._later = None
        self._drain()

    def _read_errors(self) -> None:
        """Empty the error queue; every error of a call ends here, or the socket would go deaf."""
        self.watch_again()
        for _ in range(_MOST_READ):
            try:
                data, ancillary, _, _ = self._socket.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            if any(_is_unreachable(value) for _, _, value in ancillary):
                self._on_returned(data)


def _enlarge(sock: socket.socket) -> None:
    """Room for bursts: with the rights beyond the system's limit, else up to it."""
    for beyond, option in (
        (_SO_RCVBUFFORCE, socket.SO_RCVBUF),
        (_SO_SNDBUFFORCE, socket.SO_SNDBUF),
    ):
        try:
            sock.setsockopt(socket.SOL_SOCKET, beyond, _BUFFER_BYTES)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)


def _is_unreachable(extended_error: bytes) -> bool:
    """Whether nobody is there (RFC 3261 s18.4): ICMP destination unreachable, but for "too big",
    which the system itself obeys. The struct is sock_extended_err of ip(7)."""
    if len(extended_error) < 16:
        return False
    origin, kind, code = extended_error[4:7]
    return (origin, kind) == _ICMP6_UNREACHABLE or (
        (origin, kind) == _ICMP_UNREACHABLE and code != _FRAGMENTATION_NEEDED
    )
