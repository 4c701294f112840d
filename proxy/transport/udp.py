"""UDP listeners: one socket for each local address, drained in a loop whenever it is readable."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Final

from .flow import Address, Flow, FlowFailed

log = logging.getLogger(__name__)

OnDatagram = Callable[[bytes, Flow], None]

_BATCH: Final = 64
"""Datagrams taken at one wake-up, so that timers and connections get their turn."""
_BUFFER_BYTES: Final = 4 * 1024 * 1024
_MOST_FLOWS: Final = 200_000


class UdpListener:
    """One UDP socket. Flows are kept by source, so that a packet makes no new object."""

    __slots__ = ("_flows", "_loop", "_on_datagram", "_socket", "dropped", "local")

    def __init__(
        self, local: Address, on_datagram: OnDatagram, loop: asyncio.AbstractEventLoop
    ) -> None:
        family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                self._socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
            self._socket.setblocking(False)
            self._socket.bind(local)
        except OSError:
            self._socket.close()
            raise
        self.local: Address = self._socket.getsockname()[:2]
        self.dropped = 0
        self._flows: dict[tuple[str, int] | tuple[str, int, int, int], Flow] = {}
        self._on_datagram = on_datagram
        self._loop = loop
        loop.add_reader(self._socket.fileno(), self._drain)

    def flow(self, remote: Address) -> Flow:
        """The flow from this socket to there."""
        found = self._flows.get(remote)
        if found is None:
            found = self._remember(remote)
        return found

    def send(self, data: bytes, remote: Address) -> None:
        """Send one datagram; a full socket buffer loses it, as the network may."""
        try:
            self._socket.sendto(data, remote)
        except BlockingIOError:
            self.dropped += 1
        except OSError as error:
            raise FlowFailed(f"udp {remote[0]}:{remote[1]}: {error.strerror}") from error

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _remember(self, source: tuple[str, int] | tuple[str, int, int, int]) -> Flow:
        if len(self._flows) >= _MOST_FLOWS:
            self._flows.clear()
        flow = Flow("udp", self.local, (source[0].partition("%")[0], source[1]))
        self._flows[source] = flow
        return flow

    def _drain(self) -> None:
        receive, flows, deliver = self._socket.recvfrom, self._flows, self._on_datagram
        for _ in range(_BATCH):
            try:
                data, source = receive(65536)
            except BlockingIOError:
                return
            except OSError as error:
                # An ICMP error of an earlier send; nothing was received.
                log.debug("udp receive failed local=%s error=%s", self.local, error)
                continue
            flow = flows.get(source)
            if flow is None:
                flow = self._remember(source)
            deliver(data, flow)
