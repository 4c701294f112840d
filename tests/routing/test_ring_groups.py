"""Ring groups: all at once, one after the other, and then somewhere else."""

from __future__ import annotations

from proxy.directory.model import Forward, RingGroup
from proxy.sip.uri import Aor
from tests.routing.world import EXAMPLE, World

ALICE, BOB, CAROL = (Aor(name + b"@example.com") for name in (b"alice", b"bob", b"carol"))
SALES = Aor(b"sales@example.com")


def test_parallel_the_first_who_answers_has_the_call() -> None:
    world = World()
    bob, carol = world.registered(BOB, "192.0.2.20"), world.registered(CAROL, "192.0.2.30")
    world.add_routes(RingGroup(1, SALES, "parallel", (BOB, CAROL)))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:sales@example.com")
    ringing = bob.take_request(b"INVITE")
    bob.answers(ringing, 180)
    carol.answers(carol.take_request(b"INVITE"), 200)
    bob.take_request(b"CANCEL")
    alice.take_response(180)
    alice.take_response(200)


def test_in_order_each_rings_for_a_while_and_who_declines_is_passed_by() -> None:
    world = World()
    world.add_user(b"dave@example.com", EXAMPLE)
    dave = world.registered(b"dave@example.com", "192.0.2.40")
    bob, carol = world.registered(BOB, "192.0.2.20"), world.registered(CAROL, "192.0.2.30")
    members = (BOB, Aor(b"nobody@example.com"), CAROL, Aor(b"dave@example.com"))
    world.add_routes(RingGroup(1, SALES, "in_order", members, ring_seconds=10))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:sales@example.com")
    ringing = bob.take_request(b"INVITE")
    bob.answers(ringing, 180)
    carol.take_nothing()
    world.clock.advance(10.1)
    bob.take_request(b"CANCEL")
    bob.answers(ringing, 487)
    carol.answers(carol.take_request(b"INVITE"), 603)
    dave.answers(dave.take_request(b"INVITE"), 200)
    alice.take_response(180)
    alice.take_response(200)


def test_members_forwards_are_not_followed() -> None:
    world = World()
    bob, carol = world.registered(BOB, "192.0.2.20"), world.registered(CAROL, "192.0.2.30")
    world.add_routes(RingGroup(1, SALES, "parallel", (BOB,)), Forward(1, BOB, "always", CAROL))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:sales@example.com")
    bob.take_request(b"INVITE")
    carol.take_nothing()


def test_the_fallback_takes_what_nobody_answers() -> None:
    world = World()
    bob, carol = world.registered(BOB, "192.0.2.20"), world.registered(CAROL, "192.0.2.30")
    world.add_routes(RingGroup(1, SALES, "parallel", (BOB,), ring_seconds=10, fallback=CAROL))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:sales@example.com")
    ringing = bob.take_request(b"INVITE")
    bob.answers(ringing, 180)
    world.clock.advance(10.1)
    bob.take_request(b"CANCEL")
    bob.answers(ringing, 487)
    carol.take_request(b"INVITE")


def test_a_group_without_anybody() -> None:
    world = World()
    world.add_routes(RingGroup(1, SALES, "parallel", (BOB,)))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:sales@example.com"))
    alice.take_response(480)
