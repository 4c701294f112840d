"""Calls that are ended from outside: BYE to both sides, CANCEL while it rings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from media.ng import Delete
from proxy.directory.model import Translation
from proxy.routing.hang_up import hang_up
from proxy.sip.message import Request
from proxy.sip.uri import parse_uri
from tests.harness.builders import Dialog, respond
from tests.routing.world import EXAMPLE, SDP, UserAgent, World

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
ALWAYS = replace(EXAMPLE, media_policy="always")


async def answered(protocol: str = "udp") -> tuple[World, UserAgent, UserAgent, Dialog, Dialog]:
    """A call that goes on, and both sides' dialogs."""
    world = World(ALWAYS)
    alice = world.phone(ALICE, "192.0.2.10", protocol=protocol)
    bob = world.registered(BOB, "192.0.2.20", protocol=protocol)
    invite = alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    ok = bob.answers(came, 200, body=SDP)
    answer = alice.take_response(200)
    caller = Dialog(invite, answer, is_caller=True)
    alice.send(caller.request(b"ACK", via=alice.via))
    bob.take_request(b"ACK")
    return world, alice, bob, caller, Dialog(came, ok, is_caller=False)


def public_id(world: World) -> str:
    return world.call().public_id


def as_from(bye: Request, dialog: Dialog) -> None:
    """The BYE is what the other side of that dialog would have sent."""
    assert bye.call_id == dialog.call_id
    assert (bye.from_tag, bye.to_tag) == (dialog.remote_tag, dialog.local_tag)
    assert bye.cseq.number > dialog.cseq
    assert not bye.headers.has(b"route")
    assert bye.headers.first(b"reason") == b'SIP;cause=480;text="Ended by the platform"'


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_both_sides_hear_a_bye(protocol: str) -> None:
    world, alice, bob, caller, callee = await answered(protocol)
    said = hang_up(public_id(world), world.node, world.layer.own_requests)
    await world.settled()
    assert said == "hung up"
    to_alice, to_bob = alice.take_request(b"BYE"), bob.take_request(b"BYE")
    as_from(to_alice, caller)
    as_from(to_bob, callee)
    assert to_alice.uri_raw == alice.contact.strip(b"<>")
    assert to_bob.uri_raw == bob.contact.strip(b"<>")
    alice.send(respond(to_alice, 200))
    bob.send(respond(to_bob, 200))
    world.clock.advance(40)
    alice.take_nothing()  # answered, so not sent again
    bob.take_nothing()
    assert [(one.status, one.reason, one.ended_by) for one in world.records] == [
        (200, b"Hung up", "proxy")
    ]
    assert len(world.relays[0].taken(Delete)) == 1
    assert world.layer.transactions == (0, 0)


@pytest.mark.parametrize("is_reported", [False, True])
async def test_a_bye_that_crosses_ours_changes_nothing(is_reported: bool) -> None:
    """The caller hangs up as well: before the relay's last words are there, or after."""
    world, alice, bob, caller, _ = await answered()
    assert hang_up(public_id(world), world.node, world.layer.own_requests) == "hung up"
    if is_reported:
        await world.settled()
    alice.send(caller.request(b"BYE", via=alice.via))
    await world.settled()
    for _ in range(2):
        bob.take_request(b"BYE")
    assert world.elsewhere == []
    assert [(one.status, one.reason, one.ended_by) for one in world.records] == [
        (200, b"Hung up", "proxy")
    ]


async def test_each_side_is_told_of_the_caller_whom_it_has_seen() -> None:
    """A rule shows another caller: the BYE to whom he was shown to must not give away who he is."""
    world = World()
    shown = Translation(1, 1, b"example.com", tran_from_user=b"+15550100", tran_from_display="Shop")
    world.add_rules(EXAMPLE, shown)
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    alice.invites(b"sip:bob@example.com")
    came = bob.take_request(b"INVITE")
    bob.answers(came, 200)
    alice.take_response(200)
    assert hang_up(public_id(world), world.node, world.layer.own_requests) == "hung up"
    await world.settled()
    to_alice, to_bob = alice.take_request(b"BYE"), bob.take_request(b"BYE")
    assert to_bob.headers.first(b"from") == came.headers.first(b"from")
    assert to_bob.from_.uri.serialise() == b"sip:+15550100@example.com"
    assert to_alice.to.uri.serialise() == b"sip:alice@example.com"


async def test_a_call_that_came_through_us_twice() -> None:
    """Between both passages somebody else's proxy: each BYE leaves on the outer side of both."""
    world = World()
    shown = Translation(1, 1, b"example.com", match_regex="^1$", tran_from_user=b"+15550100")
    world.add_rules(EXAMPLE, replace(shown, tran_user=b"bob", tran_domain=b"elsewhere.org"))
    far = world.far(b"elsewhere.org", "192.0.2.99")
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    alice.invites(b"sip:1@example.com")
    came = far.take_request(b"INVITE")
    onward = came.copy()
    onward.uri = parse_uri(b"sip:bob@example.com")
    onward.headers.prepend(b"record-route", b"<sip:192.0.2.99;lr>")
    onward.headers.prepend(b"via", far.via)
    onward.headers.set(b"from", b"<sip:+15550100@elsewhere.org>;tag=" + (came.from_.tag or b""))
    far.send(onward)
    far.take_response(100)
    bob.answers(bob.take_request(b"INVITE"), 200)
    answer = far.take_response(200)
    answer.headers.remove_first_value(b"via")
    far.send(answer)
    alice.take_response(200)
    assert hang_up(public_id(world), world.node, world.layer.own_requests) == "hung up"
    await world.settled()
    alice.take_request(b"BYE")
    to_bob = bob.take_request(b"BYE")
    assert not to_bob.headers.has(b"route")


async def test_a_phone_that_is_gone_holds_nothing_up() -> None:
    world, alice, bob, _, _ = await answered("tcp")
    world.air.break_flow(bob.flow)
    world.air.refused.add(("tcp", "192.0.2.20", 5060))
    assert hang_up(public_id(world), world.node, world.layer.own_requests) == "hung up"
    await world.settled()
    alice.take_request(b"BYE")
    world.clock.advance(40)
    assert world.layer.transactions == (0, 0)


async def test_a_call_that_rings_is_cancelled() -> None:
    world = World(ALWAYS)
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    bob.answers(came, 180)
    alice.take_response(180)
    assert hang_up(public_id(world), world.node, world.layer.own_requests) == "cancelled"
    await world.settled()
    alice.take_response(480)
    bob.take_request(b"CANCEL")
    assert [(one.status, one.ended_by) for one in world.records] == [(480, "proxy")]


async def test_a_call_of_an_earlier_life_can_be_ended_too() -> None:
    world, alice, bob, _, _ = await answered()
    (call,) = world.node.calls._calls.values()
    again = World(ALWAYS)
    again.node.calls.adopt([call])
    again.air.phones = world.air.phones
    assert hang_up(call.public_id, again.node, again.layer.own_requests) == "hung up"
    await again.settled()
    alice.take_request(b"BYE")
    bob.take_request(b"BYE")


def test_a_call_that_is_not_here() -> None:
    world = World()
    assert hang_up("0" * 32, world.node, world.layer.own_requests) == "not here"
