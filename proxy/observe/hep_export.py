"""Sends HEP packets to a collector, over UDP or TCP, and never waits for it.

What the collector does not take in time is dropped and counted: it is for looking, not for billing.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Final

log = logging.getLogger(__name__)

_MOST_BUFFERED: Final = 1_000_000
_RETRY_SECONDS: Final = 2.0
_FIRST_SECONDS: Final = 1.0
"""Longest wait for the address of a collector's name when a node starts."""


class HepExport:
    """One collector; `place` is `udp:host:port` or `tcp:host:port`."""

    __slots__ = ("_address", "_is_away", "_socket", "_task", "_writer", "dropped", "protocol")

    def __init__(self, place: str) -> None:
        self.protocol, _, rest = place.partition(":")
        host, _, port = rest.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._socket: socket.socket | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_away = False
        self.dropped = 0

    async def start(self) -> None:
        """Begin; a collector that is away is tried again."""
        loop = asyncio.get_running_loop()
        if self.protocol == "tcp":
            self._task = loop.create_task(self._keep_connected())
            return
        self._task = loop.create_task(self._find())
        await asyncio.wait([self._task], timeout=_FIRST_SECONDS)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._writer is not None:
            self._writer.close()
        if self._socket is not None:
            self._socket.close()

    def send(self, packet: bytes) -> None:
        """Send one packet, or drop it."""
        if self._socket is not None:
            try:
                self._socket.send(packet)
            except OSError:  # full, or nobody there: ICMP told us of an earlier one
                self.dropped += 1
            return
        writer = self._writer
        if writer is None or writer.transport.get_write_buffer_size() > _MOST_BUFFERED:
            self.dropped += 1
            return
        writer.write(packet)

    async def _find(self) -> None:
        """Open the socket, once the collector's name leads to an address."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                found = await loop.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)
                family, _, _, _, address = found[0]
                self._socket = _connected(family, address)
                return
            except OSError as error:
                self._is_not_there(error)
                await asyncio.sleep(_RETRY_SECONDS)

    def _is_not_there(self, error: OSError) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("HEP collector is away reason=%s", error)

    async def _keep_connected(self) -> None:
        while True:
            try:
                reader, self._writer = await asyncio.open_connection(*self._address)
                self._is_away = False
                while await reader.read(65536):
                    pass  # collectors say nothing; the end of it is what we wait for
            except OSError as error:
                self._is_not_there(error)
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            await asyncio.sleep(_RETRY_SECONDS)


def _connected(family: int, address: Any) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.connect(address)
    except OSError:
        opened.close()
        raise
    return opened
