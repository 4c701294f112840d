"""Even and odd port pairs of one address, each let to rest after use.

A pair that was just given back may still be hit by packets of the call before, so it goes to the
end of the queue and is not drawn again until its quarantine is over; unless there is no other, for
a call is worth more than a rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

QUARANTINE_SECONDS = 10.0


def in_order(ports: list[int]) -> None:
    """The order of drawing that tests want; a server shuffles, so that nobody can guess."""


class PortPool:
    """Pairs (even port for RTP, the next one for RTCP) between `first` and `last`."""

    __slots__ = ("_free", "_quarantine_seconds", "_resting", "size")

    def __init__(
        self,
        first: int,
        last: int,
        *,
        order: Callable[[list[int]], None] = in_order,
        quarantine_seconds: float = QUARANTINE_SECONDS,
    ) -> None:
        pairs = list(range(first + first % 2, last, 2))
        order(pairs)
        self.size = len(pairs)
        self._free = deque(pairs)
        self._resting: deque[tuple[float, int]] = deque()
        self._quarantine_seconds = quarantine_seconds

    def take(self, *, now: float) -> int | None:
        """The even port of a pair, or None when all are in use."""
        self._wake(now)
        if self._free:
            return self._free.popleft()
        return self._resting.popleft()[1] if self._resting else None

    def give_back(self, port: int, *, now: float) -> None:
        self._resting.append((now + self._quarantine_seconds, port))

    def count_free(self, *, now: float) -> int:
        self._wake(now)
        return len(self._free)

    def _wake(self, now: float) -> None:
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])
