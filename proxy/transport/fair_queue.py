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


class FairQueue(Generic[Item]):
    """Things in the order in which they are to be served."""

    __slots__ = ("_count", "_sources", "_turns")

    def __init__(self) -> None:
        self._count = 0
        self._sources: dict[str, deque[Item]] = {}
        self._turns: deque[str] = deque()  # the sources that have something waiting

    def __len__(self) -> int:
        return self._count

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be read for now."""
        return self._count >= MOST

    def add(self, source: str, item: Item) -> bool:
        """Behind all else of that source; False where it has too much waiting already."""
        waiting = self._sources.get(source)
        if waiting is None:
            self._sources[source] = deque((item,))
            self._turns.append(source)
        elif len(waiting) >= MOST_OF_ONE:
            return False
        else:
            waiting.append(item)
        self._count += 1
        return True

    def take(self) -> Item | None:
        """The first of the source whose turn it is, which then waits until all others had theirs;
        None where nothing waits."""
        if not self._turns:
            return None
        source = self._turns.popleft()
        waiting = self._sources[source]
        item = waiting.popleft()
        if waiting:
            self._turns.append(source)
        else:
            del self._sources[source]
        self._count -= 1
        return item
