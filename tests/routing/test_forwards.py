"""Call forwards: each condition, chains, circles, and what the call says of its way."""

from __future__ import annotations

from itertools import pairwise

import pytest

from proxy.directory.model import Alias, Forward, Translation
from proxy.sip.uri import Aor
from tests.harness.builders import ack_of, cancel_of
from tests.routing.world import EXAMPLE, World

ALICE, BOB, CAROL = (Aor(name + b"@example.com") for name in (b"alice", b"bob", b"carol"))


def forward(number: int, aor: Aor, condition: str, target: bytes, seconds: int = 20) -> Forward:
    return Forward(number, aor, condition, target, seconds)


def test_always_the_phone_does_not_ring() -> None:
    world = World()
    bob, carol = world.registered(BOB, "192.0.2.20"), world.registered(CAROL, "192.0.2.30")
    world.add_routes(forward(1, BOB, "always", CAROL))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:bob@example.com")
    invite = carol.take_request(b"INVITE")
    bob.take_nothing()
    assert invite.headers.all(b"history-info") == [
        b"<sip:bob@example.com?Reason=SIP%3Bcause%3D302>;index=1",
        b"<sip:carol@192.0.2.30:5060;cause=302>;index=1.1;mp=1",
    ]
    carol.answers(invite, 200)
    alice.take_response(200)


@pytest.mark.parametrize(("status", "goes"), [(486, True), (600, True), (480, False), (403, False)])
def test_busy(status: int, goes: bool) -> None:
    world = World()
    bob, carol = world.registered(BOB, "192.0.2.20"), world.registered(CAROL, "192.0.2.30")
    world.add_routes(forward(1, BOB, "busy", CAROL))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:bob@example.com")
    bob.answers(bob.take_request(b"INVITE"), status)
    bob.take_request(b"ACK")
    if goes:
        carol.answers(carol.take_request(b"INVITE"), 200)
        alice.take_response(200)
    else:
        carol.take_nothing()
        alice.take_response(status)


def test_no_answer_after_its_time() -> None:
    world = World()
    bob, carol = world.registered(BOB, "192.0.2.20"), world.registered(CAROL, "192.0.2.30")
    world.add_routes(forward(1, BOB, "no_answer", CAROL, seconds=12))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:bob@example.com")
    invite = bob.take_request(b"INVITE")
    bob.answers(invite, 180)
    alice.take_response(180)
    world.clock.advance(11.9)
    carol.take_nothing()
    world.clock.advance(0.2)
    bob.take_request(b"CANCEL")
    bob.answers(invite, 487)
    carol.answers(carol.take_request(b"INVITE"), 200)
    alice.take_response(200)


def test_not_registered() -> None:
    world = World()
    carol = world.registered(CAROL, "192.0.2.30")
    world.add_routes(forward(1, BOB, "not_registered", CAROL), forward(2, BOB, "busy", ALICE))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:bob@example.com")
    carol.answers(carol.take_request(b"INVITE"), 200)
    alice.take_response(200)


def test_a_phone_that_answers_nothing_is_not_there() -> None:
    world = World()
    bob, carol = world.registered(BOB, "192.0.2.20"), world.registered(CAROL, "192.0.2.30")
    world.add_routes(forward(1, BOB, "not_registered", CAROL))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:bob@example.com")
    bob.take_request(b"INVITE")
    world.clock.advance(33)
    carol.take_request(b"INVITE")


def test_only_invites_are_forwarded() -> None:
    world = World()
    bob = world.registered(BOB, "192.0.2.20")
    world.add_routes(forward(1, BOB, "always", CAROL))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.authenticates(alice.asks(b"MESSAGE", b"sip:bob@example.com"))
    bob.take_request(b"MESSAGE")


def test_calls_that_go_in_circles_end() -> None:
    world = World()
    world.add_routes(forward(1, BOB, "always", CAROL), forward(2, CAROL, "always", BOB))
    alice = world.phone(ALICE, "192.0.2.10")
    invite = alice.authenticates(alice.asks(b"INVITE", b"sip:bob@example.com"))
    response = alice.take_response(482)
    alice.send(ack_of(invite, response))
    assert response.reason == b"Too many diversions"


def test_a_chain_of_forwards_has_its_end() -> None:
    world = World()
    users = [Aor(b"u%d@example.com" % n) for n in range(8)]
    for number, (one, next_one) in enumerate(pairwise(users)):
        world.add_user(one, EXAMPLE)
        world.add_routes(forward(number, one, "always", next_one))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:u0@example.com"))
    alice.take_response(482)


def test_a_number_is_dialled_as_the_user_would_on_his_account() -> None:
    world = World()
    world.add_rules(
        EXAMPLE,
        Translation(7, 1, b"example.com", from_username=b"bob", match_regex=r"^\+1",
                    tran_domain=b"carrier.example"),
    )  # fmt: skip
    world.add_routes(forward(1, BOB, "always", b"+15551234567@example.com"))
    carrier = world.far(b"carrier.example", "192.0.2.99")
    stranger = world.far(b"elsewhere.org", "192.0.2.77")
    stranger.sends(b"INVITE", b"sip:bob@example.com")
    assert carrier.take_request(b"INVITE").uri.serialise() == b"sip:+15551234567@carrier.example"


def test_a_forward_to_nobody_answers_as_calling_him_does() -> None:
    world = World()
    bob = world.registered(BOB, "192.0.2.20")
    world.add_routes(forward(1, BOB, "busy", CAROL))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:bob@example.com")
    bob.answers(bob.take_request(b"INVITE"), 486)
    alice.take_response(486)


def test_cancel_ends_it_all() -> None:
    world = World()
    bob, carol = world.registered(BOB, "192.0.2.20"), world.registered(CAROL, "192.0.2.30")
    world.add_routes(forward(1, BOB, "no_answer", CAROL, seconds=12))
    alice = world.phone(ALICE, "192.0.2.10")
    invite = alice.invites(b"sip:bob@example.com")
    ringing = bob.take_request(b"INVITE")
    bob.answers(ringing, 180)
    alice.send(cancel_of(invite))
    bob.take_request(b"CANCEL")
    bob.answers(ringing, 487)
    world.clock.advance(60)
    carol.take_nothing()


@pytest.mark.parametrize("dialled", [b"1000", b"+15551234567"])
def test_aliases(dialled: bytes) -> None:
    world = World()
    bob = world.registered(BOB, "192.0.2.20")
    world.add_routes(
        Alias(1, Aor(b"1000@example.com"), BOB), Alias(2, Aor(b"+15551234567@example.com"), BOB)
    )
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:" + dialled + b"@example.com")
    bob.take_request(b"INVITE")
