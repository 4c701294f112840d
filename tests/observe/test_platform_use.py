"""Limits that hold for several nodes, each of which is told of the others."""

from __future__ import annotations

import pytest

from proxy.observe.platform_use import PlatformUse
from proxy.routing.call_rates import CallRates

TENANT, OTHER = 7, 8


class OneNode:
    """What it counts, and what it would tell the others."""

    def __init__(self) -> None:
        self.rates = CallRates(seconds=1.0)
        self.use = PlatformUse(self.rates)
        self.calls: dict[int, int] = {}

    def takes(self, limit: int, *, now: float) -> bool:
        if self.rates.wait(TENANT, limit, now=now) > 0:
            return False
        self.use.begins(TENANT, limit, now=now)
        return True


def heartbeat(*nodes: OneNode, now: float) -> None:
    told = {str(number): node.use.told(node.calls, now=now) for number, node in enumerate(nodes)}
    for number, node in enumerate(nodes):
        node.use.learns({key: use for key, use in told.items() if key != str(number)}, now=now)


def test_open_calls_are_those_of_all_nodes() -> None:
    a, b, c = OneNode(), OneNode(), OneNode()
    a.calls, b.calls = {TENANT: 2, OTHER: 1}, {TENANT: 3}
    heartbeat(a, b, c, now=0.0)
    assert [node.use.elsewhere(TENANT) for node in (a, b, c)] == [3, 2, 5]
    assert c.use.elsewhere(OTHER) == 1
    b.calls.clear()
    heartbeat(a, b, c, now=0.5)
    assert [node.use.elsewhere(TENANT) for node in (a, b, c)] == [0, 2, 2]
    c.use.learns({}, now=11.0)  # nobody is heard of any more
    assert c.use.elsewhere(TENANT) == 0


@pytest.mark.parametrize("offered", [1, 3])
def test_calls_in_a_second_are_those_of_all_nodes(offered: int) -> None:
    """Each of two nodes is offered so many times the limit for a minute."""
    limit, begun = 10, 0
    a, b = OneNode(), OneNode()
    for tick in range(600):
        now = tick / 10
        if tick % 5 == 0:
            heartbeat(a, b, now=now)
        begun += sum(node.takes(limit, now=now) for node in (a, b) for _ in range(offered))
    assert limit * 60 * 0.8 <= begun <= limit * 60 + 2 * limit


def test_one_node_has_the_whole_limit_where_the_other_has_no_calls() -> None:
    a, b = OneNode(), OneNode()
    begun = 0
    for tick in range(100):
        now = tick / 10
        heartbeat(a, b, now=now)
        begun += sum(a.takes(10, now=now) for _ in range(3))
    assert 100 <= begun <= 110


def test_what_began_before_anybody_listened_is_not_charged() -> None:
    a, b = OneNode(), OneNode()
    for tick in range(50):
        assert a.takes(10, now=tick / 5)
    heartbeat(a, b, now=10.0)
    assert b.rates.wait(TENANT, 10, now=10.0) == 0
    assert all(b.takes(10, now=10.0) for _ in range(10))


def test_a_node_that_begins_anew_counts_anew() -> None:
    a, b = OneNode(), OneNode()
    heartbeat(a, b, now=0.0)
    for _ in range(10):
        a.takes(10, now=0.0)
    heartbeat(a, b, now=0.5)
    again = OneNode()
    heartbeat(again, b, now=5.0)
    for _ in range(4):
        again.takes(10, now=5.0)
    heartbeat(again, b, now=5.0)
    assert sum(b.takes(10, now=5.0) for _ in range(20)) == 6


def test_only_what_is_new_is_told() -> None:
    a = OneNode()
    a.takes(10, now=0.0)
    assert a.use.told({}, now=1.0) == {str(TENANT): [0, 1, 10]}
    assert a.use.told({OTHER: 2}, now=20.0) == {str(OTHER): [2, 0, 0]}


def test_open_calls_of_users_are_those_of_all_nodes() -> None:
    """Of those who have a limit; a call that is not on its way yet is not forgotten."""
    a, b = OneNode(), OneNode()
    open_calls = {b"dora@example.com": 2, b"nobody-asks@example.com": 1}
    a.use.user_begins(b"dora@example.com", now=0.0)
    a.use.user_begins(b"slow@example.com", now=0.0)
    told = a.use.users_told(lambda aor: open_calls.get(aor, 0), now=1.0)
    assert told == {"dora@example.com": 2}
    b.use.learns_of_users({"a": told, "c": {"dora@example.com": 1}})
    assert b.use.of_user_elsewhere(b"dora@example.com") == 3
    assert b.use.of_user_elsewhere(b"slow@example.com") == 0
    open_calls[b"slow@example.com"] = 1
    assert a.use.users_told(lambda aor: open_calls.get(aor, 0), now=9.0)["slow@example.com"] == 1
    open_calls.clear()
    assert a.use.users_told(lambda _: 0, now=20.0) == {}
    open_calls[b"dora@example.com"] = 1
    assert a.use.users_told(lambda aor: open_calls.get(aor, 0), now=21.0) == {}
    b.use.learns_of_users({})
    assert b.use.of_user_elsewhere(b"dora@example.com") == 0


def test_idle_users_are_forgotten_where_nobody_is_told() -> None:
    """Who has ever called would stay in the memory of a node that is alone."""
    a = OneNode()
    a.use.user_begins(b"dora@example.com", now=0.0)
    assert a.use.users_told(lambda _: 1, is_alone=True, now=1.0) == {}
    assert a.use.users_told(lambda _: 1, now=2.0) == {"dora@example.com": 1}
    assert a.use.users_told(lambda _: 0, is_alone=True, now=20.0) == {}
    assert a.use.users_told(lambda _: 1, now=21.0) == {}
