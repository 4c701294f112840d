"""How many calls in a window, such as a minute: one number for each who is counted (GCRA), in
bounded memory.

Who has been quiet gets a window's worth at once, then one each window / limit seconds. What is
refused does not count.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

_MINUTE: Final = 60.0
_MOST_COUNTED: Final = 200_000
_IPV6_HOST_BITS: Final = 64  # RFC 4291 s2.5.4: a host changes these as it likes (RFC 8981)


class CallRates:
    """Counts by any key; those that were quiet longest are forgotten first."""

    __slots__ = ("_full_at", "_most", "_seconds")

    def __init__(self, most: int = _MOST_COUNTED, *, seconds: float = _MINUTE) -> None:
        self._seconds = seconds
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()
        self._most = most

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: Hashable, limit: int, *, now: float) -> float:
        """Seconds until the next one may come; 0.0 when it may come now."""
        if limit <= 0:
            return self._seconds
        return max(0.0, self._next(key, limit, 1, now) - now - self._seconds)

    def count(self, key: Hashable, limit: int, amount: int = 1, *, now: float) -> None:
        """So many have come."""
        self._full_at[key] = self._next(key, limit, amount, now)
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)

    def _next(self, key: Hashable, limit: int, amount: int, now: float) -> float:
        return max(self._full_at.get(key, now), now) + amount * self._seconds / limit


@lru_cache(maxsize=4096)
def source_prefix(host: str) -> str | int:
    """What an address is counted by: an IPv4 address itself, of IPv6 the network that a host has
    to choose from."""
    return int(ip_address(host)) >> _IPV6_HOST_BITS if ":" in host else host
