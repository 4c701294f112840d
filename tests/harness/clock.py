"""A clock that stands still until it is told to move; what an event loop's clock is to the core."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush


class Timer:
    """One call that is to come; cancelled ones are passed over."""

    __slots__ = ("callback", "is_cancelled")

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        """Do not call back."""
        self.is_cancelled = True


class Clock:
    """Virtual monotonic seconds."""

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start
        self._serial = 0
        self._timers: list[tuple[float, int, Timer]] = []

    def time(self) -> float:
        """The present instant."""
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back when the clock is moved to that instant or past it."""
        self._serial += 1
        timer = Timer(callback)
        heappush(self._timers, (when, self._serial, timer))
        return timer

    def armed(self) -> list[float]:
        """The instants of the timers that are armed."""
        return sorted(when for when, _, timer in self._timers if not timer.is_cancelled)

    def advance(self, seconds: float) -> None:
        """Move on, stopping at each timer on the way."""
        until = self._now + seconds
        while self._timers and self._timers[0][0] <= until:
            when, _, timer = heappop(self._timers)
            self._now = max(self._now, when)
            if not timer.is_cancelled:
                timer.callback()
        self._now = until
