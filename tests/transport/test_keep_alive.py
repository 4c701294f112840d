"""Which flow is pinged in which tick, and when its answer is due."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from proxy.transport.flow import Flow
from proxy.transport.keep_alive import KeepAlive


def flow(number: int) -> Flow:
    return Flow("udp", ("192.0.2.1", 5060), ("198.51.100.7", number))


class Pings:
    """A KeepAlive whose ticks the test makes."""

    def __init__(self, seconds: float) -> None:
        self.tick = 0
        self.pinged: list[tuple[int, Flow]] = []
        self.judged: list[tuple[int, Flow]] = []
        self.dead: set[Flow] = set()
        self.keep_alive = KeepAlive(seconds, self._ping, self._judge, asyncio.new_event_loop())

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            self.keep_alive.tick()
            self.tick += 1

    def _ping(self, flow: Flow) -> bool:
        self.pinged.append((self.tick, flow))
        return flow not in self.dead

    def _judge(self, flow: Flow) -> None:
        self.judged.append((self.tick, flow))


def test_each_flow_once_an_interval() -> None:
    pings = Pings(15.0)
    flows = [flow(number) for number in range(100)]
    for one in flows:
        pings.keep_alive.set(one, on=True)
        pings.keep_alive.set(one, on=True)
    assert len(pings.keep_alive) == 100
    pings.run(30)
    assert Counter(one for _, one in pings.pinged) == Counter(flows)
    pings.run(60)
    assert set(Counter(one for _, one in pings.pinged).values()) == {3}


def test_spread_over_the_interval() -> None:
    pings = Pings(15.0)
    for number in range(90):
        pings.keep_alive.set(flow(number), on=True)
    pings.run(30)
    assert set(Counter(tick for tick, _ in pings.pinged).values()) == {3}


def test_answer_is_due_after_ten_seconds() -> None:
    pings = Pings(15.0)
    pings.keep_alive.set(flow(1), on=True)
    pings.run(60)
    (first, _), (second, _) = pings.pinged
    assert second - first == 30
    assert first + 20 in [tick for tick, _ in pings.judged]


@pytest.mark.parametrize("seconds", [0.1, 0.5, 5.0])
def test_short_interval_judges_before_the_next_ping(seconds: float) -> None:
    pings = Pings(seconds)
    pings.keep_alive.set(flow(1), on=True)
    pings.run(30)
    assert [tick for tick, _ in pings.judged] == [tick for tick, _ in pings.pinged]


def test_dead_flow_is_not_pinged_again() -> None:
    pings = Pings(1.0)
    pings.dead.add(flow(1))
    pings.keep_alive.set(flow(1), on=True)
    pings.run(10)
    assert len(pings.pinged) == 1
    assert flow(1) not in pings.keep_alive


def test_flow_that_is_let_go() -> None:
    pings = Pings(1.0)
    pings.keep_alive.set(flow(1), on=True)
    pings.keep_alive.set(flow(1), on=False)
    pings.keep_alive.set(flow(2), on=False)
    pings.run(10)
    assert pings.pinged == []
    assert len(pings.keep_alive) == 0


def test_flow_that_ends_while_others_are_pinged() -> None:
    pings = Pings(0.5)
    for number in (1, 2):
        pings.keep_alive.set(flow(number), on=True)
    original = pings._judge
    pings.keep_alive._judge = lambda one: (  # type: ignore[method-assign]
        original(one),
        pings.keep_alive.set(flow(2), on=False),
    )
    pings.run(3)
    assert {one for _, one in pings.pinged} == {flow(1)}
