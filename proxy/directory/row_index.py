"""From the number of a row to the address it is kept under: two arrays, 16 bytes an entry. Pure.

A dictionary of numbers would take 84. Numbers mostly come ascending, so that adding is appending;
anything else moves the arrays' tails (some 50 µs with 100,000 entries).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator

from proxy.sip.uri import Aor


class RowIndex:
    """Sorted row numbers, each with an address."""

    __slots__ = ("_aors", "_numbers")

    def __init__(self) -> None:
        self._numbers = array("q")
        self._aors: list[Aor] = []

    def __len__(self) -> int:
        return len(self._aors)

    def __iter__(self) -> Iterator[Aor]:
        return iter(self._aors)

    def get(self, number: int) -> Aor | None:
        at = bisect_left(self._numbers, number)
        if at < len(self._numbers) and self._numbers[at] == number:
            return self._aors[at]
        return None

    def set(self, number: int, aor: Aor) -> None:
        """Add an entry or replace it."""
        at = bisect_left(self._numbers, number)
        if at < len(self._numbers) and self._numbers[at] == number:
            self._aors[at] = aor
        else:
            self._numbers.insert(at, number)
            self._aors.insert(at, aor)

    def pop(self, number: int) -> Aor | None:
        """Take an entry out; None when there was none."""
        at = bisect_left(self._numbers, number)
        if at == len(self._numbers) or self._numbers[at] != number:
            return None
        del self._numbers[at]
        return self._aors.pop(at)
