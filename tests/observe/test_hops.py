"""Where a call's INVITE has been, as its record says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from proxy.locate.hop import Hop, Lead
from proxy.locate.records import Naptr, Srv
from proxy.observe.call import Call
from proxy.observe.hops import MOST_HOPS
from tests.harness.builders import cancel_of
from tests.routing.world import SDP, UserAgent, World

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
MALLORY = b"mallory@other.example"
NAPTR = Naptr(10, 20, "s", "SIP+D2U", "_sip._udp.far.example.")
SRV = Srv(10, 0, 5070, "one.far.example.")
LED = (
    Lead("NAPTR", "far.example", NAPTR),
    Lead("SRV", "_sip._udp.far.example", SRV),
    Lead("A", "one.far.example", "203.0.113.1"),
)
TARGET = "sip:x@far.example"


def far(*hops: Hop) -> tuple[World, UserAgent, list[UserAgent]]:
    """Alice, and the servers of far.example, in the order of trying; by TCP nobody is there."""
    world = World()
    world.air.zones[b"far.example"] = list(hops)
    world.air.refused.update(hop.place for hop in hops if hop.transport == "tcp")
    servers = [
        world.phone(b"x@far.example", hop.address, hop.port)
        for hop in hops
        if hop.transport == "udp"
    ]
    return world, world.phone(ALICE, "192.0.2.10"), servers


def ended(call: Call) -> list[tuple[Any, ...]]:
    """Address and end of each hop."""
    ends = ("address", "outcome", "status", "reason")
    return [tuple(row[name] for name in ends) for row in rows(call)]


def rows(call: Call) -> list[dict[str, Any]]:
    return list(json.loads(call.hops)) if call.hops else []


async def test_each_hop_is_kept_with_what_led_there_and_how_it_ended() -> None:
    one = Hop("udp", "203.0.113.1", 5070, leads=LED)
    two, three = Hop("tcp", "203.0.113.2", 5060), Hop("udp", "203.0.113.3", 5060)
    world, alice, (first, third) = far(one, two, three)
    alice.authenticates(alice.asks(b"INVITE", b"sip:x@far.example", body=SDP))
    first.answers(first.take_request(b"INVITE"), 503)
    await world.settled()
    third.answers(third.take_request(b"INVITE"), 486)
    await world.settled()
    (record,) = world.records
    assert ended(record) == [
        ("udp 203.0.113.1:5070", "refused", 503, "Service Unavailable"),
        ("tcp 203.0.113.2:5060", "failed", 0, "connection refused"),
        ("udp 203.0.113.3:5060", "refused", 486, "Busy Here"),
    ]
    assert [row["target"] for row in rows(record)] == [TARGET] * 3
    assert [row["leads"] for row in rows(record)] == [
        [
            'far.example NAPTR 10 20 "s" "SIP+D2U" "" _sip._udp.far.example.',
            "_sip._udp.far.example SRV 10 0 5070 one.far.example.",
            "one.far.example A 203.0.113.1",
        ],
        [],
        [],
    ]


async def test_one_that_says_nothing_and_the_next_that_answers() -> None:
    world, alice, (first, second) = far(
        Hop("udp", "203.0.113.1", 5060), Hop("udp", "203.0.113.2", 5060)
    )
    alice.authenticates(alice.asks(b"INVITE", b"sip:x@far.example", body=SDP))
    first.take_request(b"INVITE")
    world.clock.advance(32)
    second.answers(second.take_request(b"INVITE"), 200, body=SDP)
    await world.settled()
    alice.take_response(100)
    alice.take_response(200)
    call = world.call()
    assert ended(call) == [
        ("udp 203.0.113.1:5060", "silent", 0, ""),
        ("udp 203.0.113.2:5060", "answered", 200, "OK"),
    ]
    began, later = (datetime.fromisoformat(row["at"]) for row in rows(call))
    assert (later - began).total_seconds() == pytest.approx(32)


def test_a_name_that_leads_nowhere() -> None:
    world = World()
    alice = world.phone(ALICE, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:x@nowhere.example"))
    (record,) = world.records
    assert ended(record) == [("", "failed", 0, "no address for nowhere.example")]


async def test_phones_that_ring_together_and_the_one_that_takes_it() -> None:
    world = World()
    alice = world.phone(ALICE, "192.0.2.10")
    desk, mobile = world.registered(BOB, "192.0.2.20"), world.registered(BOB, "192.0.2.21")
    alice.invites(b"sip:bob@example.com")
    rang = desk.take_request(b"INVITE")
    desk.answers(rang, 180)
    call = world.call()
    assert [row["outcome"] for row in rows(call)] == ["ringing", "waiting"]
    mobile.answers(mobile.take_request(b"INVITE"), 200, body=SDP)
    assert sorted(ended(call)) == [
        ("udp 192.0.2.20:5060", "cancelled", 0, ""),
        ("udp 192.0.2.21:5060", "answered", 200, "OK"),
    ]


async def test_one_that_the_caller_gave_up() -> None:
    world = World()
    alice = world.phone(ALICE, "192.0.2.10")
    desk, mobile = world.registered(BOB, "192.0.2.20"), world.registered(BOB, "192.0.2.21")
    invite = alice.invites(b"sip:bob@example.com")
    rang, came = desk.take_request(b"INVITE"), mobile.take_request(b"INVITE")
    for phone, ringing in ((desk, rang), (mobile, came)):
        phone.answers(ringing, 180)
    alice.send(cancel_of(invite))
    desk.answers(rang, 487)
    mobile.answers(came, 487)
    await world.settled()
    terminated = ("cancelled", 487, "Request Terminated")
    assert sorted(ended(world.records[0])) == [
        ("udp 192.0.2.20:5060", *terminated), ("udp 192.0.2.21:5060", *terminated),
    ]  # fmt: skip


async def test_one_phone_alone_is_told_by_the_other_columns() -> None:
    world = World()
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    alice.invites(b"sip:bob@example.com")
    bob.answers(bob.take_request(b"INVITE"), 486)
    await world.settled()
    (record,) = world.records
    assert (record.hop, record.status, record.hops) == ("udp 192.0.2.20:5060", 486, "")


def test_another_tenants_phones_stay_its_own() -> None:
    world = World()
    alice = world.phone(ALICE, "192.0.2.10")
    mallory = world.registered(MALLORY, "192.0.2.66")
    alice.invites(b"sip:" + MALLORY)
    mallory.answers(mallory.take_request(b"INVITE"), 486)
    assert ended(world.records[0]) == []


async def test_no_more_than_can_be_read() -> None:
    hops = [Hop("tcp", f"203.0.113.{number}", 5060) for number in range(MOST_HOPS + 9)]
    world, alice, _ = far(*hops)
    alice.authenticates(alice.asks(b"INVITE", b"sip:x@far.example", body=SDP))
    await world.settled()
    found = rows(world.records[0])
    addresses = [f"tcp {hop.address}:5060" for hop in hops]
    assert [row["address"] for row in found] == [*addresses[: MOST_HOPS - 1], addresses[-1]]


async def test_what_servers_write_has_no_nul_and_an_end() -> None:
    """PostgreSQL takes no NUL, and would refuse the call's record for it."""
    naptr = replace(NAPTR, regexp="a\0b" + "c" * 1000)
    one = Hop("udp", "203.0.113.1", 5060, leads=(Lead("NAPTR", "far.example", naptr),))
    world, alice, (first, second) = far(one, Hop("udp", "203.0.113.2", 5060))
    alice.authenticates(alice.asks(b"INVITE", b"sip:x@far.example", body=SDP))
    first.answers(first.take_request(b"INVITE"), 503, reason=b"a\0b\xff" + b"c" * 1000)
    await world.settled()
    second.answers(second.take_request(b"INVITE"), 486, reason=b"d\0e")
    await world.settled()
    refused, busy = rows(world.records[0])
    assert refused["reason"] == "ab\N{REPLACEMENT CHARACTER}" + "c" * 497
    assert busy["reason"] == "de"
    (lead,) = refused["leads"]
    assert lead.startswith('far.example NAPTR 10 20 "s" "SIP+D2U" "abccc')
    assert len(lead) == 500
