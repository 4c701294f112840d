"""How fast one browser may send. Pure."""

from __future__ import annotations


class Pace:
    """A bucket of `burst` messages that fills by `per_second`. It only delays: what is above the
    rate waits in the browser's socket, not here."""

    __slots__ = ("_at", "_burst", "_left", "_per_second")

    def __init__(self, per_second: float, burst: float, *, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left = burst
        self._at = now

    def wait_seconds(self, *, now: float) -> float:
        """Take one message; seconds to wait before it may go on, 0 mostly."""
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second) - 1
        self._at = now
        return max(0.0, -self._left / self._per_second)
