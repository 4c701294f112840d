"""How many calls a minute: one number for each who is counted (GCRA), in bounded memory.

Who has been quiet gets a minute's worth at once, then one each 60 / limit seconds. What is refused
does not count.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

_MINUTE: Final = 60.0
_MOST_COUNTED: Final = 200_000


class CallRates:
    """Counts by any key; those that were quiet longest are forgotten first."""

    __slots__ = ("_full_at", "_most")

    def __init__(self, most: int = _MOST_COUNTED) -> None:
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()
        self._most = most

    def wait(self, key: Hashable, per_minute: int, *, now: float) -> float:
        """Seconds until the next one may come; 0.0 when it may come now."""
        if per_minute <= 0:
            return _MINUTE
        return max(0.0, self._next(key, per_minute, now) - now - _MINUTE)

    def count(self, key: Hashable, per_minute: int, *, now: float) -> None:
        """One has come."""
        self._full_at[key] = self._next(key, per_minute, now)
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)

    def _next(self, key: Hashable, per_minute: int, now: float) -> float:
        return max(self._full_at.get(key, now), now) + _MINUTE / per_minute
