"""One socket for many sides (browsers): each is a lane, found by ICE's user name, then by source.

A check names the lane by the ufrag that we gave it; once it was good the driver says whose packets
that source's are from now on (`expect`). A source that a living lane has selected is not given to
another one, or somebody with a call of his own could take a neighbour's packets by a forged check.
"""

from __future__ import annotations

from collections.abc import Callable
from socket import socket
from typing import Any, Final, Protocol

from media.forward.rule import Address
from media.ice import ParseError, stun

_MOST_SOURCES: Final = 32  # of one lane: a side that moves often
_LARGEST: Final = 65_535


class Lane(Protocol):
    """One side that shares the socket."""

    def arrived(self, packet: bytes, source: tuple[Any, ...]) -> None: ...

    def has_selected(self, source: Address) -> bool: ...


# A source, and the lane whose packets come from there from now on; None: no lane's.
OnExpected = Callable[[Address, Lane | None], None]


class Shared:
    """The socket with its lanes; who reads it calls `receive` or `arrived`."""

    __slots__ = (
        "_by_source",
        "_by_ufrag",
        "_on_expected",
        "_sources",
        "_ufrags",
        "listen_again",
        "socket",
        "strangers",
    )

    def __init__(
        self,
        bound: socket,
        *,
        listen_again: Callable[[], None],
        on_expected: OnExpected = lambda source, lane: None,
    ) -> None:
        self.socket = bound
        self.strangers = 0
        self.listen_again = listen_again
        """An error came out of the socket: make sure that it is still read."""
        self._on_expected = on_expected
        self._by_ufrag: dict[bytes, Lane] = {}
        self._by_source: dict[Address, Lane] = {}
        self._ufrags: dict[Lane, bytes] = {}
        self._sources: dict[Lane, list[Address]] = {}

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
        self._on_expected(source, lane)
        sources = self._sources.setdefault(lane, [])
        sources.append(source)
        if len(sources) > _MOST_SOURCES:
            self._forget(sources.pop(0))

    def leave(self, lane: Lane) -> None:
        """The lane ends."""
        self._by_ufrag.pop(self._ufrags.pop(lane, b""), None)
        for source in self._sources.pop(lane, ()):
            self._forget(source)

    def receive(self) -> None:
        """The loop says that there is a packet."""
        try:
            packet, source = self.socket.recvfrom(_LARGEST)
        except OSError:
            self.listen_again()
            return
        self.arrived(packet, source)

    def arrived(self, packet: bytes, source: tuple[Any, ...]) -> None:
        """A packet has come to the socket."""
        lane = self._named(packet) if packet[:1] < b"\x04" else None
        lane = lane or self._by_source.get(source[:2])
        if lane is None:
            self.strangers += 1
            return
        lane.arrived(packet, source)

    def _forget(self, source: Address) -> None:
        if self._by_source.pop(source, None) is not None:
            self._on_expected(source, None)

    def _named(self, packet: bytes) -> Lane | None:
        try:
            username = stun.parse(packet).get(stun.USERNAME)
        except ParseError:
            return None
        return self._by_ufrag.get((username or b"").partition(b":")[0])
