"""Temporary GRUUs end to end in memory (RFC 5627): given, hidden, good for one registration."""

from __future__ import annotations

from proxy.sip.message import Request, Response
from tests.harness.builders import Dialog
from tests.routing.world import UserAgent, World

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


def in_dialog(world: World) -> tuple[UserAgent, UserAgent, Request]:
    """A phone that calls by its GRUU, who answered it, and his BYE. Over IPv6 nobody takes a phone
    for one behind a NAT, so that no flow is sealed into its side of the dialog."""
    desk = world.phone(ALICE, "2001:db8::10")
    bob = world.registered(BOB, "2001:db8::20")
    gruu = desk.registers(SUPPORTED, contact=desk.contact + INSTANCE).contacts[0].param(b"pub-gruu")
    contact = b"<%b>" % (gruu or b"").strip(b'"')
    desk.invites(b"sip:bob@example.com", contact=contact)
    invite = bob.take_request(b"INVITE")
    answer = bob.answers(invite, 200)
    desk.take_response(200)
    return desk, bob, Dialog(invite, answer, is_caller=False).request(b"BYE", via=bob.via)


def test_within_a_dialog_it_leads_to_where_the_phone_has_registered() -> None:
    desk, bob, bye = in_dialog(World())
    assert b";gr=" in bye.uri_raw
    bob.send(bye)
    came = desk.take_request(b"BYE")
    assert came.uri_raw == desk.contact.strip(b"<>")
    desk.answers(came, 200)
    bob.take_response(200)


def test_within_a_dialog_a_phone_that_has_signed_out_is_not_found() -> None:
    desk, bob, bye = in_dialog(world := World())
    desk.registers(contact=b"*", call_id=b"out", extra=((b"expires", b"0"),))
    bob.send(bye)
    bob.take_response(480)
    assert [record.status for record in world.records] == [200]
