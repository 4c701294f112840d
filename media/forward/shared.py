"""One socket for many sides (browsers): each is a lane, found by ICE's user name, then by source.

A check names the lane by the ufrag that we gave it; once it was good the driver says whose packets
that source's are from now on (`expect`). A source that a living lane has selected is not given to
another one, or somebody with a call of his own could take a neighbour's packets by a forged check.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from socket import socket
from typing import Final, Protocol

from media.forward.rule import Address
from media.ice import ParseError, stun

_MOST_SOURCES: Final = 32  # of one lane: a side that moves often
_LARGEST: Final = 65_535


class Lane(Protocol):
    """One side that shares the socket."""

    def arrived(self, packet: bytes, source: tuple[object, ...]) -> None: ...

    def has_selected(self, source: Address) -> bool: ...


class Shared:
    """The socket with its lanes."""

    __slots__ = ("_by_source", "_by_ufrag", "_loop", "_sources", "_ufrags", "socket", "strangers")

    def __init__(
        self,
        local: Address,
        loop: asyncio.AbstractEventLoop,
        bind: Callable[[Address], socket],
    ) -> None:
        self.socket = bind(local)
        self.strangers = 0
        self._loop = loop
        self._by_ufrag: dict[bytes, Lane] = {}
        self._by_source: dict[Address, Lane] = {}
        self._ufrags: dict[Lane, bytes] = {}
        self._sources: dict[Lane, list[Address]] = {}
        loop.add_reader(self.socket.fileno(), self._receive)

    def name(self, lane: Lane, ufrag: bytes) -> None:
        """Checks for that user name are the lane's, and no longer those of the one before."""
        before = self._ufrags.get(lane, b"")
        if before != ufrag:
            self._by_ufrag.pop(before, None)
            self._ufrags[lane] = ufrag
            self._by_ufrag[ufrag] = lane

    def expect(self, lane: Lane, source: Address) -> None:
        """Packets of that source are the lane's from now on."""
        known = self._by_source.get(source)
        if known is lane or (known is not None and known.has_selected(source)):
            return
        if known is not None:
            self._sources[known].remove(source)
        self._by_source[source] = lane
        sources = self._sources.setdefault(lane, [])
        sources.append(source)
        if len(sources) > _MOST_SOURCES:
            self._by_source.pop(sources.pop(0), None)

    def leave(self, lane: Lane) -> None:
        """The lane ends."""
        self._by_ufrag.pop(self._ufrags.pop(lane, b""), None)
        for source in self._sources.pop(lane, ()):
            del self._by_source[source]

    def close(self) -> None:
        self._loop.remove_reader(self.socket.fileno())
        self.socket.close()

    def watch(self) -> None:
        """An error came out of the socket: see LoopReading.again."""
        if self.socket.fileno() >= 0:
            self._loop.remove_reader(self.socket.fileno())
            self._loop.add_reader(self.socket.fileno(), self._receive)

    def _receive(self) -> None:
        try:
            packet, source = self.socket.recvfrom(_LARGEST)
        except OSError:
            self._loop.call_soon(self.watch)
            return
        lane = self._named(packet) if packet[:1] < b"\x04" else None
        lane = lane or self._by_source.get(source[:2])
        if lane is None:
            self.strangers += 1
            return
        lane.arrived(packet, source)

    def _named(self, packet: bytes) -> Lane | None:
        try:
            username = stun.parse(packet).get(stun.USERNAME)
        except ParseError:
            return None
        return self._by_ufrag.get((username or b"").partition(b":")[0])
