"""Temporary GRUUs end to end in memory (RFC 5627): given, hidden, good for one registration."""

from __future__ import annotations

from proxy.sip.message import Response
from tests.routing.world import World

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
INSTANCE = b';+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'
SUPPORTED = (b"supported", b"gruu")


def temporary(answer: Response) -> bytes:
    gruu = (answer.contacts[0].param(b"temp-gruu") or b"").strip(b'"')
    assert gruu.startswith(b"sip:tgruu.")
    assert gruu.endswith(b"@example.com;gr")
    assert b"alice" not in gruu
    return gruu


def test_it_leads_to_that_instance_alone() -> None:
    world = World()
    desk, mobile = (world.phone(ALICE, f"192.0.2.1{n}") for n in (0, 1))
    gruu = temporary(desk.registers(SUPPORTED, contact=desk.contact + INSTANCE))
    mobile.registers()
    bob = world.registered(BOB, "192.0.2.20")
    bob.authenticates(bob.asks(b"MESSAGE", gruu))
    desk.take_request(b"MESSAGE")
    mobile.take_nothing()


def test_each_answer_has_a_new_one_and_all_of_a_registration_are_good() -> None:
    world = World()
    desk = world.phone(ALICE, "192.0.2.10")
    contact = desk.contact + INSTANCE
    first = temporary(desk.registers(SUPPORTED, contact=contact, call_id=b"r"))
    second = temporary(desk.registers(SUPPORTED, contact=contact, call_id=b"r"))
    assert first != second
    bob = world.registered(BOB, "192.0.2.20")
    for gruu in (first, second):
        bob.authenticates(bob.asks(b"MESSAGE", gruu))
        desk.take_request(b"MESSAGE")


def test_those_of_an_earlier_registration_are_good_no_more() -> None:
    world = World()
    desk = world.phone(ALICE, "192.0.2.10")
    contact = desk.contact + INSTANCE
    old = temporary(desk.registers(SUPPORTED, contact=contact, call_id=b"r1"))
    desk.registers(SUPPORTED, contact=contact, call_id=b"r2")
    bob = world.registered(BOB, "192.0.2.20")
    bob.authenticates(bob.asks(b"MESSAGE", old))
    desk.take_nothing()
    assert isinstance(bob.take(), Response)


def test_who_does_not_ask_gets_none() -> None:
    world = World()
    desk = world.phone(ALICE, "192.0.2.10")
    answer = desk.registers(contact=desk.contact + INSTANCE)
    assert answer.contacts[0].param(b"temp-gruu") is None
    assert answer.contacts[0].param(b"pub-gruu") is None
