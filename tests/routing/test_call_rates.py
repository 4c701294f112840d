"""Calls a minute: a minute's worth at once, then one by one, in bounded memory."""

from __future__ import annotations

from proxy.routing.call_rates import CallRates


def come(rates: CallRates, key: str, per_minute: int, *, now: float) -> bool:
    if rates.wait(key, per_minute, now=now) > 0:
        return False
    rates.count(key, per_minute, now=now)
    return True


def test_burst_then_steadily() -> None:
    rates = CallRates()
    assert [come(rates, "a", 6, now=0.0) for _ in range(8)] == [True] * 6 + [False] * 2
    assert rates.wait("a", 6, now=0.0) == 10.0
    assert not come(rates, "a", 6, now=9.0)
    assert come(rates, "a", 6, now=10.0)
    assert not come(rates, "a", 6, now=10.0)
    assert sum(come(rates, "a", 6, now=1000.0) for _ in range(20)) == 6


def test_each_is_counted_alone() -> None:
    rates = CallRates()
    assert [come(rates, key, 1, now=0.0) for key in ("a", "b", "a", "b")] == [
        True,
        True,
        False,
        False,
    ]


def test_none_at_all() -> None:
    assert CallRates().wait("a", 0, now=0.0) == 60.0


def test_memory_is_bounded() -> None:
    rates = CallRates(most=2)
    for key in ("a", "b", "c"):
        assert come(rates, key, 1, now=0.0)
    assert not come(rates, "c", 1, now=0.0)
    assert come(rates, "a", 1, now=0.0)
