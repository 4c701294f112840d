"""P-Asserted-Identity and Privacy (RFC 3325, RFC 3323)."""

from __future__ import annotations

import pytest

from proxy.directory.model import FederationRule
from proxy.locate.hop import Hop
from proxy.sip.message import Request
from tests.harness.builders import Dialog, respond

from .world import EXAMPLE, World

BOB = b"sip:bob@elsewhere.test"
ALICE = b"sip:alice@example.com"
FORGED = ((b"p-asserted-identity", b"<sip:president@example.com>"),)
ASSERTED = b"p-asserted-identity"


def world_that(*, trusts: bool) -> World:
    world = World()
    world.node.directory.federation_rules.put(
        [FederationRule(1, 1, b"elsewhere.test", verified=False, trusted=trusts)]
    )
    world.air.zones[b"elsewhere.test"] = [Hop("udp", "192.0.2.99", 5060)]
    return world


def call_out(world: World, **how: object) -> Request:
    bob = world.phone(b"bob@elsewhere.test", "192.0.2.99")
    alice = world.registered(b"alice@example.com", "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", BOB, **how))
    return bob.take_request(b"INVITE")


def call_in(world: World, *extra: tuple[bytes, bytes]) -> Request:
    alice = world.registered(b"alice@example.com", "192.0.2.10")
    bob = world.phone(b"bob@elsewhere.test", "192.0.2.99")
    bob.sends(b"INVITE", ALICE, extra=extra)
    return alice.take_request(b"INVITE")


def test_trusted_domain_is_told_who_calls() -> None:
    came = call_out(world_that(trusts=True), extra=FORGED)
    assert came.headers.values(ASSERTED) == [b"<sip:alice@example.com>"]
    assert came.from_.uri.serialise() == ALICE


def test_display_name_is_quoted() -> None:
    world = world_that(trusts=True)
    world.add_user(b"alice@example.com", EXAMPLE, display_name='Alice "A" \\')
    came = call_out(world)
    assert came.headers.values(ASSERTED) == [rb'"Alice \"A\" \\" <sip:alice@example.com>']


def test_other_domains_are_told_nothing() -> None:
    assert not call_out(world_that(trusts=False), extra=FORGED).headers.has(ASSERTED)


def test_phones_assert_nothing_among_us() -> None:
    world = World()
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    world.registered(b"alice@example.com", "192.0.2.10").invites(
        b"sip:bob@example.com", extra=FORGED
    )
    assert not bob.take_request(b"INVITE").headers.has(ASSERTED)


def test_stranger_is_not_believed() -> None:
    assert not call_in(world_that(trusts=False), *FORGED).headers.has(ASSERTED)


def test_trusted_domain_is_believed() -> None:
    assert call_in(world_that(trusts=True), *FORGED).headers.has(ASSERTED)


def test_private_caller_of_a_trusted_domain_is_not_shown() -> None:
    privacy = ((b"privacy", b"id"),)
    came = call_in(world_that(trusts=True), *FORGED, *privacy)
    assert not came.headers.has(ASSERTED)
    assert came.headers.first(b"privacy") == b"id"


def test_user_who_hides_proves_himself_all_the_same() -> None:
    """From names nobody; P-Preferred-Identity says to us alone who it is."""
    how = {
        "from_uri": b"sip:anonymous@anonymous.invalid",
        "extra": ((b"p-preferred-identity", b'"A" <sip:alice@example.com>'), (b"privacy", b"id")),
    }
    came = call_out(world_that(trusts=True), **how)
    assert came.headers.values(ASSERTED) == [b"<sip:alice@example.com>"]
    assert came.from_.uri.serialise() == b"sip:anonymous@anonymous.invalid"
    assert not came.headers.has(b"p-preferred-identity")
    assert not call_out(world_that(trusts=False), **how).headers.has(ASSERTED)


@pytest.mark.parametrize(
    ("preferred", "status"),
    [(b"<sip:carol@example.com>", 403), (b"<sip:x@nowhere.test>", 403), (b"<sip:", 400)],
)
def test_hiding_lets_nobody_through_as_somebody_else(preferred: bytes, status: int) -> None:
    world = world_that(trusts=False)
    alice = world.phone(b"alice@example.com", "192.0.2.10")
    message = alice.asks(
        b"INVITE",
        BOB,
        from_uri=b"sip:anonymous@anonymous.invalid",
        extra=((b"p-preferred-identity", preferred),),
    )
    if preferred == b"<sip:carol@example.com>":
        alice.authenticates(message)
    else:
        alice.send(message)
    alice.take_response(status)


def test_privacy_that_is_critical_and_not_ours_to_give() -> None:
    world = world_that(trusts=False)
    alice = world.phone(b"alice@example.com", "192.0.2.10")
    how = {"extra": ((b"privacy", b"header;critical"),)}
    alice.authenticates(alice.asks(b"INVITE", BOB, **how))
    assert alice.take_response(500).reason == b"Privacy Not Available"


def test_neither_answers_nor_later_requests_assert_anything() -> None:
    world = world_that(trusts=False)
    alice = world.registered(b"alice@example.com", "192.0.2.10")
    bob = world.phone(b"bob@elsewhere.test", "192.0.2.99")
    alice.invites(BOB)
    invite = bob.take_request(b"INVITE")
    answer = respond(invite, 200, contact=bob.contact, extra=FORGED)
    bob.send(answer)
    assert not alice.take_response(200).headers.has(ASSERTED)
    info = Dialog(invite, answer, is_caller=False).request(b"INFO", via=bob.via)
    info.headers.append(*FORGED[0])
    bob.send(info)
    assert not alice.take_request(b"INFO").headers.has(ASSERTED)


@pytest.mark.parametrize("trusts", [True, False])
def test_signed_identity_passes_untouched(trusts: bool) -> None:
    """We neither sign nor check yet (RFC 8224); what others have signed is not ours to break."""
    signed = (b"identity", b"eyJhbGciOiJFUzI1NiJ9.e30.c2ln;info=<https://c.test/c.pem>;alg=ES256")
    assert call_out(world_that(trusts=trusts), extra=(signed,)).headers.all(b"identity") == [
        signed[1]
    ]
    assert call_in(world_that(trusts=trusts), signed).headers.all(b"identity") == [signed[1]]
