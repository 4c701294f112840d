"""Pairs: drawn in turn, rested after use."""

from __future__ import annotations

import pytest

from media.ports import PortPool


@pytest.mark.parametrize(
    ("first", "last", "pairs"),
    [
        (30000, 30003, [30000, 30002]),
        (30001, 30004, [30002]),
        (30001, 30005, [30002, 30004]),
        (30000, 30001, [30000]),
        (30000, 30002, [30000]),
    ],
)
def test_only_whole_pairs(first: int, last: int, pairs: list[int]) -> None:
    pool = PortPool(first, last)
    assert pool.size == len(pairs)
    assert [pool.take(now=0.0) for _ in pairs] == pairs
    assert pool.take(now=0.0) is None


def test_a_pair_rests_and_goes_to_the_end() -> None:
    pool = PortPool(30000, 30005, quarantine_seconds=10.0)
    first = pool.take(now=0.0)
    assert first == 30000
    pool.give_back(first, now=5.0)
    assert [pool.take(now=6.0), pool.take(now=6.0), pool.take(now=14.9)] == [30002, 30004, None]
    assert pool.count_free(now=15.0) == 1
    assert pool.take(now=15.0) == 30000


def test_order_is_the_servers_wish() -> None:
    pool = PortPool(30000, 30005, order=list.reverse)
    assert pool.take(now=0.0) == 30004
