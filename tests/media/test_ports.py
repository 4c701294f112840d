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
    assert pool.count_free(now=14.9) == 2
    assert pool.count_free(now=15.0) == 3
    assert [pool.take(now=15.0) for _ in range(4)] == [30002, 30004, 30000, None]


def test_a_resting_pair_is_better_than_none() -> None:
    pool = PortPool(30000, 30003, quarantine_seconds=10.0)
    first, second = pool.take(now=0.0), pool.take(now=0.0)
    assert (first, second) == (30000, 30002)
    pool.give_back(30002, now=1.0)
    pool.give_back(30000, now=2.0)
    assert [pool.take(now=3.0) for _ in range(3)] == [30002, 30000, None]


def test_order_is_the_servers_wish() -> None:
    pool = PortPool(30000, 30005, order=list.reverse)
    assert pool.take(now=0.0) == 30004
