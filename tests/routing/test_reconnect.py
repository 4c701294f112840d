"""A browser whose socket was cut comes back by another one, and its dialogs find it there."""

from __future__ import annotations

import pytest

from proxy.location.store import Bindings
from proxy.routing import registrar
from proxy.sip.message import Request
from tests.harness.builders import Dialog
from tests.routing.world import UserAgent, World

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
CONTACT = b"<sip:k3j2@d5f6.invalid;transport=ws>"
INSTANCE = b';+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>";reg-id=1'
OUTBOUND = (b"supported", b"path, gruu, outbound")


def world() -> World:
    made = World()
    made.node.bindings = Bindings(on_removed=lambda gone: registrar.let_flow_go(gone, made.node))
    return made


def browser(
    world: World, port: int, contact: bytes = CONTACT + INSTANCE, **how: bytes
) -> UserAgent:
    one = world.phone(ALICE, "203.0.113.5", port, "wss")
    one.registers(OUTBOUND, contact=contact, **how)
    return one


def cut(world: World, one: UserAgent) -> None:
    """As server.py does when a connection ends."""
    world.air.break_flow(one.flow)
    world.layer.flow_closed(one.flow)
    world.node.bindings.drop(world.node.flows.take(one.flow))


@pytest.mark.parametrize("caller", ["browser", "desk"])
def test_a_request_in_the_dialog_finds_the_new_socket(caller: str) -> None:
    made = world()
    first = browser(made, 40_001)
    desk = made.registered(BOB, "192.0.2.20")
    request = info_of_the_desk(first, desk, caller)
    cut(made, first)
    assert made.bindings(ALICE) == []
    again = browser(made, 40_002, call_id=b"again")
    desk.send(request)
    came = again.take_request(b"INFO")
    assert not came.headers.has(b"route")


def test_nobody_there_is_430() -> None:
    made = world()
    first = browser(made, 40_001)
    desk = made.registered(BOB, "192.0.2.20")
    request = info_of_the_desk(first, desk, "browser")
    cut(made, first)
    desk.send(request)
    desk.take_response(430)


def test_another_device_of_the_same_user_is_not_taken_for_it() -> None:
    made = world()
    first = browser(made, 40_001)
    desk = made.registered(BOB, "192.0.2.20")
    request = info_of_the_desk(first, desk, "browser")
    cut(made, first)
    other = browser(made, 40_002, CONTACT + INSTANCE.replace(b"FF>", b"00>"), call_id=b"other")
    desk.send(request)
    desk.take_response(430)
    other.take_nothing()


def test_without_outbound_the_same_contact_is_the_same_device() -> None:
    """JsSIP keeps its Contact over reconnections."""
    made = world()
    first = browser(made, 40_001, CONTACT)
    desk = made.registered(BOB, "192.0.2.20")
    request = info_of_the_desk(first, desk, "browser")
    cut(made, first)
    again = browser(made, 40_002, CONTACT, call_id=b"again")
    desk.send(request)
    again.take_request(b"INFO")


def test_after_a_restart_of_the_node() -> None:
    """The tokens of an earlier life are dead, and the bindings in them are found all the same."""
    made = world()
    first = browser(made, 40_001)
    desk = made.registered(BOB, "192.0.2.20")
    request = info_of_the_desk(first, desk, "browser")
    after = World(boot_id=b"new1")
    again = browser(after, 40_009, call_id=b"again")
    desk_again = after.phone(BOB, "192.0.2.20")
    desk_again.send(request)
    again.take_request(b"INFO")


def info_of_the_desk(one: UserAgent, desk: UserAgent, caller: str) -> Request:
    """Have them talk, and return an INFO that the desk phone would send."""
    if caller == "browser":
        one.invites(b"sip:bob@example.com", contact=CONTACT)
        invite = desk.take_request(b"INVITE")
        answer = desk.answers(invite, 200)
        one.take_response(200)
    else:
        invite = desk.invites(b"sip:alice@example.com")
        one.answers(one.take_request(b"INVITE"), 200, contact=CONTACT)
        answer = desk.take_response(200)
    dialog = Dialog(invite, answer, is_caller=caller == "desk")
    return dialog.request(b"INFO", via=desk.via)
