"""The next rule, when the target of the best one cannot be reached; and rules that cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory.model import Translation
from proxy.locate.hop import Hop
from tests.harness.builders import ack_of
from tests.routing.world import EXAMPLE, UserAgent, World

CALLER = b"alice@example.com"
FIRST = Translation(
    1, 1, b"example.com", tran_domain=b"first.example", tran_add_header=b"X-Way: 1", priority=10
)
SECOND = replace(
    FIRST, translation_id=2, tran_domain=b"second.example", tran_add_header=b"X-Way: 2", priority=20
)
THIRD = replace(FIRST, translation_id=3, tran_domain=b"third.example", priority=30)
TIMER_B = 33.0


def with_rules(*rules: Translation) -> tuple[World, UserAgent, UserAgent]:
    world = World()
    world.add_rules(EXAMPLE, *rules)
    first = world.far(b"first.example", "192.0.2.91")
    second = world.far(b"second.example", "192.0.2.92")
    return world, first, second


def calls(world: World) -> UserAgent:
    alice = world.phone(CALLER, "192.0.2.10")
    alice.invites(b"sip:1000@example.com")
    return alice


def came_by(phone: UserAgent) -> list[bytes]:
    """Which way the last INVITE says that it came."""
    ways = [one.headers.all(b"x-way") for one in phone.inbox]
    assert ways
    return ways[-1]


def test_a_target_that_says_503() -> None:
    world, first, second = with_rules(FIRST, SECOND)
    alice = calls(world)
    first.answers(first.take_request(b"INVITE"), 503)
    invite = second.take_request(b"INVITE")
    assert (invite.uri.serialise(), invite.headers.all(b"x-way")) == (
        b"sip:1000@second.example",
        [b"2"],
    )
    second.answers(invite, 200)
    alice.take_response(200)


def test_a_target_that_says_nothing() -> None:
    world, first, second = with_rules(FIRST, SECOND)
    calls(world)
    world.clock.advance(TIMER_B)
    assert came_by(first) == [b"1"]
    assert came_by(second) == [b"2"]


async def test_a_target_all_of_whose_hops_refuse() -> None:
    world, first, second = with_rules(FIRST, SECOND)
    world.air.zones[b"first.example"] = [
        Hop("tcp", "192.0.2.93", 5060, None),
        Hop("tcp", "192.0.2.94", 5060, None),
    ]
    world.air.refused |= {("tcp", "192.0.2.93", 5060), ("tcp", "192.0.2.94", 5060)}
    alice = world.phone(CALLER, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:1000@example.com"))
    await world.settled()
    first.take_nothing()
    assert came_by(second) == [b"2"]


def test_a_target_that_dns_does_not_know() -> None:
    world, _, second = with_rules(replace(FIRST, tran_domain=b"unknown.example"), SECOND)
    calls(world)
    assert came_by(second) == [b"2"]


@pytest.mark.parametrize("status", [404, 408, 480, 486, 500, 603])
def test_a_target_that_answers_ends_it(status: int) -> None:
    """408 of the target itself counts as unreachable as long as it has not rung."""
    world, first, second = with_rules(FIRST, SECOND)
    alice = calls(world)
    first.answers(first.take_request(b"INVITE"), status)
    if status == 408:
        assert came_by(second) == [b"2"]
    else:
        alice.take_response(status)
        second.take_nothing()


def test_a_target_that_has_rung_is_not_given_up() -> None:
    world, first, second = with_rules(FIRST, SECOND)
    alice = calls(world)
    invite = first.take_request(b"INVITE")
    first.answers(invite, 180)
    alice.take_response(180)
    first.answers(invite, 408)
    alice.take_response(408)
    second.take_nothing()


def test_one_after_the_other_until_none_is_left() -> None:
    world, first, second = with_rules(FIRST, SECOND, THIRD)
    third = world.far(b"third.example", "192.0.2.95")
    alice = world.phone(CALLER, "192.0.2.10")
    invite = alice.invites(b"sip:1000@example.com")
    for phone in (first, second, third):
        phone.answers(phone.take_request(b"INVITE"), 503)
    alice.send(ack_of(invite, alice.take_response(500)))  # a 503 is ours alone (RFC 3261 s16.7)
    assert [record.rule_id for record in world.records] == [3]


def test_no_more_than_six() -> None:
    rules = [replace(FIRST, translation_id=n, priority=n) for n in range(9)]
    world, first, _ = with_rules(*rules)
    alice = calls(world)
    for _ in range(6):
        first.answers(first.take_request(b"INVITE"), 503)
        first.take_request(b"ACK")
    alice.take_response(500)
    first.take_nothing()


@pytest.mark.parametrize(
    "fields",
    [
        {"tran_strip": 4},
        {"tran_user": rb"\7", "match_regex": "^(.)"},
        {"tran_domain": b"no host"},
        {"tran_add_header": b"Via: x"},
        {"tran_remove_header": b"Via"},
        {"tran_from_display": "a\r\nb"},
    ],
)
def test_a_rule_that_cannot_be_is_answered_500_and_named(
    fields: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """Written past the services, or seen only when a call comes."""
    caplog.set_level("WARNING")
    world, first, _ = with_rules(replace(FIRST, translation_id=7, **fields))
    alice = world.phone(CALLER, "192.0.2.10")
    invite = alice.authenticates(alice.asks(b"INVITE", b"sip:1000@example.com"))
    refused = alice.take_response(500)
    assert refused.reason == b"Translation failed"
    alice.send(ack_of(invite, refused))
    first.take_nothing()
    assert [(record.rule_id, record.status) for record in world.records] == [(7, 500)]
    assert any("rule 7" in message and "tenant=acme" in message for message in caplog.messages)


def test_several_headers_are_added_and_taken_off() -> None:
    rule = replace(
        FIRST,
        tran_add_header=b"X-A: 1\nX-B: 2\nX-A: 3",
        tran_remove_header=b"X-C, call-info",
    )
    world, first, _ = with_rules(rule)
    alice = world.phone(CALLER, "192.0.2.10")
    extra = ((b"X-C", b"1"), (b"x-c", b"2"), (b"Call-Info", b"<http://x>"), (b"X-D", b"4"))
    alice.invites(b"sip:1000@example.com", extra=extra)
    sent = first.take_request(b"INVITE").headers
    assert {name: sent.all(name) for name in (b"x-a", b"x-b", b"x-c", b"call-info", b"x-d")} == {
        b"x-a": [b"1", b"3"],
        b"x-b": [b"2"],
        b"x-c": [],
        b"call-info": [],
        b"x-d": [b"4"],
    }


@pytest.mark.parametrize(
    ("wall", "way"),
    [
        (1_795_417_200.0, b"2"),  # Monday 08:00 in Berlin, 07:00 UTC
        (1_795_417_199.0, b"1"),
        (1_782_108_000.0, b"2"),  # a Monday of summer: 08:00 in Berlin, 06:00 UTC
        (1_782_107_999.0, b"1"),
    ],
)
def test_hours_are_those_of_the_domain(wall: float, way: bytes) -> None:
    world, first, second = with_rules(
        replace(SECOND, priority=1, hours="Mon-Fri 08:00-18:00"), FIRST
    )
    world.node.directory.put_domains([replace(EXAMPLE, time_zone="Europe/Berlin")])
    world.wall = wall - world.clock.time()
    calls(world)
    assert came_by(second if way == b"2" else first) == [way]


@pytest.mark.parametrize(
    ("fields", "applies"),
    [
        ({"enabled": False}, False),
        ({"valid_from": 2_000_000_000.0}, False),
        ({"valid_until": 1_700_000_000.0}, False),
        ({"valid_from": 1_700_000_000.0, "valid_until": 2_000_000_000.0}, True),
        ({"request_domain": b"example.com"}, True),
        ({"request_domain": b"elsewhere.org"}, False),
        ({"from_username": b"Alice"}, True),
        ({"from_username": b"bob"}, False),
        ({"match_user_agent": b"Snom"}, True),
        ({"match_user_agent": b"snom"}, False),
        ({"match_user_agent": b"Snom/9"}, False),
        ({"match_regex": "0{3}$"}, True),
        ({"match_regex": "^0"}, False),
        ({"match_regex": "("}, False),
    ],
)
def test_what_a_rule_asks_for(fields: dict[str, object], applies: bool) -> None:
    world, first, second = with_rules(replace(FIRST, **fields), SECOND)
    alice = world.phone(CALLER, "192.0.2.10")
    alice.invites(b"sip:1000@example.com", extra=((b"User-Agent", b"Snom/8"),))
    assert came_by(first if applies else second) == [b"1" if applies else b"2"]
