"""Many deadlines, one timer: a heap with lazy deletion."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class DeadlineQueue(Generic[Key]):
    """One deadline for each key. Setting it again or clearing it leaves a dead heap entry behind,
    which goes when it comes to the top, or all together when they are the majority."""

    __slots__ = ("_heap", "_serial", "_when")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Key]] = []
        self._when: dict[Key, tuple[float, int]] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._when)

    def set(self, key: Key, when: float) -> None:
        """Deadline of the key; an earlier or later one replaces what was there."""
        held = self._when.get(key)
        if held is not None and held[0] == when:
            return
        self._serial = serial = self._serial + 1
        self._when[key] = (when, serial)
        heappush(self._heap, (when, serial, key))
        if len(self._heap) > 64 and len(self._heap) > 2 * len(self._when):
            self._heap = [(at, number, one) for one, (at, number) in self._when.items()]
            heapify(self._heap)

    def clear(self, key: Key) -> None:
        self._when.pop(key, None)

    def next_deadline(self) -> float | None:
        """The earliest deadline of all."""
        heap, when = self._heap, self._when
        while heap:
            at, serial, key = heap[0]
            held = when.get(key)
            if held is not None and held[1] == serial:
                return at
            heappop(heap)
        return None

    def pop_due(self, now: float) -> list[Key]:
        """Take out all keys whose deadline has come, earliest first."""
        due: list[Key] = []
        while (at := self.next_deadline()) is not None and at <= now:
            key = heappop(self._heap)[2]
            del self._when[key]
            due.append(key)
        return due
