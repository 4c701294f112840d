"""Datagrams that wait, served source by source in turns: a burst delays nobody but who sent it.

What one source sends keeps its order. Without sockets and clock; udp.py reads and serves.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

MOST_OF_ONE: Final = 4096
"""What may wait of one source; what comes on top is lost, as on a full network."""
MOST: Final = 16_384
"""What may wait of all."""
MOST_BYTES_OF_ONE: Final = 8 * 1024 * 1024
MOST_BYTES: Final = 32 * 1024 * 1024
"""The same in bytes: as many as there may be, of 2 KB each."""


class _Waiting(Generic[Item]):
    """What waits of one source, each with its size."""

    __slots__ = ("items", "size")

    def __init__(self) -> None:
        self.size = 0
        self.items: deque[tuple[Item, int]] = deque()


class FairQueue(Generic[Item]):
    """Things in the order in which they are to be served."""

    __slots__ = ("_bytes", "_count", "_sources", "_turns")

    def __init__(self) -> None:
        self._bytes = 0
        self._count = 0
        self._sources: dict[str, _Waiting[Item]] = {}
        self._turns: deque[str] = deque()  # the sources that have something waiting

    def __len__(self) -> int:
        return self._count

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be read for now."""
        return self._count >= MOST or self._bytes >= MOST_BYTES

    def add(self, source: str, item: Item, size: int) -> bool:
        """Behind all else of that source; False where it, or all together, have too much waiting
        already. `size` in bytes."""
        if self._bytes + size > MOST_BYTES:
            return False
        waiting = self._sources.get(source)
        if waiting is None:
            waiting = self._sources[source] = _Waiting()
            self._turns.append(source)
        elif len(waiting.items) >= MOST_OF_ONE or waiting.size + size > MOST_BYTES_OF_ONE:
            return False
        waiting.items.append((item, size))
        waiting.size += size
        self._bytes += size
        self._count += 1
        return True

    def take(self) -> Item | None:
        """The first of the source whose turn it is, which then waits until all others had theirs;
        None where nothing waits."""
        if not self._turns:
            return None
        source = self._turns.popleft()
        waiting = self._sources[source]
        item, size = waiting.items.popleft()
        waiting.size -= size
        self._bytes -= size
        if waiting.items:
            self._turns.append(source)
        else:
            del self._sources[source]
        self._count -= 1
        return item
