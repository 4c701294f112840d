"""Every method that phones send each other passes, out of dialogs and within them, both ways."""

from __future__ import annotations

import pytest

from proxy.sip.message import Request
from tests.harness.builders import Dialog
from tests.routing.world import UserAgent, World

ALICE = b"alice@example.com"
BOB = b"bob@example.com"


def phones() -> tuple[UserAgent, UserAgent]:
    world = World()
    return world.registered(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")


def passes(request: Request, sender: UserAgent, receiver: UserAgent, *, status: int = 200) -> None:
    """The request arrives as it was but for its way, and so does its answer."""
    sender.send(request)
    came = receiver.take_request(request.method)
    assert came.call_id == request.call_id
    assert came.headers.all(b"cseq") == request.headers.all(b"cseq")
    assert came.headers.all(b"event") == request.headers.all(b"event")
    assert not came.headers.has(b"route")
    receiver.answers(came, status)
    assert sender.take_response(status).headers.all(b"via") == [sent_by(sender, request)]


def sent_by(sender: UserAgent, request: Request) -> bytes:
    """Its own Via as it comes back to it."""
    via = request.via.with_param(b"received", sender.address[0].encode())
    return via.with_param(b"rport", b"%d" % sender.address[1]).serialise()


@pytest.mark.parametrize(
    "method", [b"MESSAGE", b"INFO", b"OPTIONS", b"REFER", b"SUBSCRIBE", b"PUBLISH", b"NOTIFY"]
)
def test_out_of_dialogs(method: bytes) -> None:
    alice, bob = phones()
    event = ((b"event", b"presence"),)
    alice.authenticates(alice.asks(method, b"sip:bob@example.com", extra=event))
    came = bob.take_request(method)
    assert came.headers.all(b"event") == [b"presence"]
    bob.answers(came, 202)
    alice.take_response(202)


@pytest.mark.parametrize("method", [b"PRACK", b"UPDATE", b"INFO", b"MESSAGE", b"REFER", b"NOTIFY"])
@pytest.mark.parametrize("by_caller", [True, False])
@pytest.mark.parametrize("status", [180, 200])
def test_within_the_dialog_of_a_call(method: bytes, by_caller: bool, status: int) -> None:
    alice, bob = phones()
    invite = alice.invites(b"sip:bob@example.com")
    came = bob.take_request(b"INVITE")
    sent = bob.answers(came, status)
    answer = alice.take_response(status)
    dialog = (
        Dialog(invite, answer, is_caller=True) if by_caller else Dialog(came, sent, is_caller=False)
    )
    sender, receiver = (alice, bob) if by_caller else (bob, alice)
    passes(dialog.request(method, via=sender.via, contact=sender.contact), sender, receiver)


def test_within_the_dialog_of_a_subscription() -> None:
    """It may be told before it is confirmed, and is renewed without another challenge."""
    alice, bob = phones()
    event = ((b"event", b"presence"),)
    asked = alice.authenticates(alice.asks(b"SUBSCRIBE", b"sip:bob@example.com", extra=event))
    came = bob.take_request(b"SUBSCRIBE")
    sent = bob.answers(came, 200)
    confirmed = alice.take_response(200)
    bobs = Dialog(came, sent, is_caller=False)
    passes(bobs.request(b"NOTIFY", via=bob.via, contact=bob.contact), bob, alice)
    alices = Dialog(asked, confirmed, is_caller=True)
    passes(alices.request(b"SUBSCRIBE", via=alice.via, contact=alice.contact), alice, bob)
    passes(bobs.request(b"NOTIFY", via=bob.via, contact=bob.contact), bob, alice, status=481)
