"""Behind a NAT or not (docs/behaviour.md s2 step 7); the talk's rewritten Contact by domain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.routing.nat import is_inside
from tests.harness.builders import Dialog
from tests.routing.world import EXAMPLE, World

ALICE = b"alice@example.com"
BOB = b"bob@example.com"


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        (b"10.0.0.1", True),
        (b"192.168.255.1", True),
        (b"172.16.0.1", True),
        (b"172.31.255.255", True),
        (b"172.32.0.1", False),
        (b"172.15.0.1", False),
        (b"100.64.0.1", True),
        (b"100.127.255.255", True),
        (b"100.128.0.1", False),
        (b"127.0.0.1", True),
        (b"169.254.1.1", True),
        (b"192.0.2.1", False),
        (b"172.example.com", False),
        (b"100.\xff", False),
        (b"example.com", False),
        (b"", False),
    ],
)
def test_inside_addresses(host: bytes, inside: bool) -> None:
    assert is_inside(host) is inside


@pytest.mark.parametrize(
    ("how", "nat"),
    [
        ({}, False),
        ({"contact": b"<sip:bob@10.0.0.1>"}, True),
        ({"contact": b"<sip:bob@9.9.9.9>"}, True),
        ({"contact": b"<sip:bob@phone.example.net>"}, True),
        ({"via": b"SIP/2.0/UDP 10.0.0.1:5060"}, True),
        ({"via": b"SIP/2.0/UDP 203.0.113.9:5061"}, True),
        ({"via": b"SIP/2.0/UDP phone.example.net"}, True),
        ({"via": b"SIP/2.0/UDP 203.0.113.9"}, False),
        ({"contact": b"<sip:bob@10.0.0.1>", "record": True}, False),
    ],
)
def test_what_tells_a_nat(how: dict[str, bytes], nat: bool) -> None:
    world = World()
    phone = world.phone(BOB, "203.0.113.9")
    how = dict(how)
    extra = ((b"record-route", b"<sip:192.0.2.50;lr>"),) if how.pop("record", None) else ()
    phone.registers(*extra, **how)
    assert world.bindings(BOB)[0].nat is nat


def test_over_ipv6_there_is_none() -> None:
    world = World()
    phone = world.phone(BOB, "2001:db8::9")
    phone.registers(contact=b"<sip:bob@[fd00::1]>")
    assert not world.bindings(BOB)[0].nat


def test_a_port_of_a_connection_tells_nothing() -> None:
    world = World()
    phone = world.phone(BOB, "203.0.113.9", 50_000, "tcp")
    phone.registers(via=b"SIP/2.0/TCP 203.0.113.9:5060")
    assert not world.bindings(BOB)[0].nat


def test_contact_stays_as_it_is_by_default() -> None:
    world = World()
    bob = world.registered(BOB, "192.0.2.20")
    alice = world.phone(ALICE, "203.0.113.9", 40_000)
    alice.invites(b"sip:bob@example.com", contact=b"<sip:alice@10.0.0.1>")
    assert bob.take_request(b"INVITE").headers.all(b"contact") == [b"<sip:alice@10.0.0.1>"]


async def test_a_call_between_two_nats_with_aliases() -> None:
    """docs/behaviour.md s2 step 7 and s5, as the talk's own call shows it."""
    world = World(replace(EXAMPLE, nat_alias_contact=True))
    alice = world.phone(ALICE, "203.0.113.9", 40_000)
    bob = world.registered(BOB, "203.0.113.10", 41_000, contact=b"<sip:bob@10.0.0.2>")
    invite = alice.invites(
        b"sip:bob@example.com", contact=b'"Alice" <sip:alice@10.0.0.1;ob>;+x="y"'
    )
    came = bob.take_request(b"INVITE")
    assert came.uri.serialise() == b"sip:bob@10.0.0.2"
    assert came.headers.all(b"contact") == [
        b'"Alice" <sip:alice@203.0.113.9:40000;ob;nat=yes>;+x="y"'
    ]
    bob.answers(came, 200, contact=b"<sip:bob@10.0.0.2>")
    ok = alice.take_response(200)
    assert ok.headers.all(b"contact") == [b"<sip:bob@203.0.113.10:41000;nat=yes>"]
    caller = Dialog(invite, ok, is_caller=True)
    alice.send(caller.request(b"ACK", via=alice.via))
    assert bob.take_request(b"ACK").uri.serialise() == b"sip:bob@203.0.113.10:41000"
    alice.send(caller.request(b"INVITE", via=alice.via, contact=b"<sip:alice@10.0.0.1>"))
    again = bob.take_request(b"INVITE")
    assert again.headers.all(b"contact") == [b"<sip:alice@203.0.113.9:40000;nat=yes>"]
    bob.answers(again, 200, contact=b"<sip:bob@10.0.0.2>")
    alice.take_response(100)
    assert alice.take_response(200).headers.all(b"contact") == [
        b"<sip:bob@203.0.113.10:41000;nat=yes>"
    ]
    callee = Dialog(came, ok, is_caller=False)
    bob.send(callee.request(b"BYE", via=bob.via))
    assert alice.take_request(b"BYE").uri.serialise() == b"sip:alice@203.0.113.9:40000;ob"


async def test_without_aliases_flows_carry_the_same_call() -> None:
    world = World()
    alice = world.phone(ALICE, "203.0.113.9", 40_000)
    bob = world.registered(BOB, "203.0.113.10", 41_000, contact=b"<sip:bob@10.0.0.2>")
    invite = alice.invites(b"sip:bob@example.com", contact=b"<sip:alice@10.0.0.1>")
    came = bob.take_request(b"INVITE")
    bob.answers(came, 200, contact=b"<sip:bob@10.0.0.2>")
    ok = alice.take_response(200)
    alice.send(Dialog(invite, ok, is_caller=True).request(b"ACK", via=alice.via))
    bob.take_request(b"ACK")
    bob.send(Dialog(came, ok, is_caller=False).request(b"BYE", via=bob.via))
    alice.take_request(b"BYE")
