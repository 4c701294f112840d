"""The ENUM step: numbers at our own domains, where they want it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory.model import Alias, Forward, Gateway, Translation, Trunk
from proxy.locate.hop import Hop
from proxy.sip.uri import Aor, SipUri, parse_uri
from tests.harness.builders import cancel_of
from tests.harness.network import PROXY4

from .world import EXAMPLE, UserAgent, World


def sip(text: bytes) -> SipUri:
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri


def world_with_numbers(*, enum: bool = True) -> World:
    world = World(replace(EXAMPLE, enum=enum, e164=True, e164_country=b"US"))
    world.air.zones[b"elsewhere.test"] = [Hop("udp", "192.0.2.99", 5060)]
    world.air.numbers = {
        "+14085551234": [sip(b"sip:info@elsewhere.test"), sip(b"sip:second@elsewhere.test")],
        "+14085550000": [sip(b"sip:bob@example.com")],
        "+14085559999": [sip(b"sip:info@elsewhere.test")],
    }
    return world


async def called(world: World, uri: bytes) -> UserAgent:
    alice = world.registered(b"alice@example.com", "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", uri))
    await world.settled()
    return alice


@pytest.mark.parametrize("dialled", [b"+14085551234", b"4085551234", b"(408)%20555-1234"])
async def test_number_becomes_the_address_of_the_dns(dialled: bytes) -> None:
    world = world_with_numbers()
    peer = world.phone(b"info@elsewhere.test", "192.0.2.99")
    await called(world, b"sip:" + dialled.replace(b"%20", b"") + b"@example.com")
    assert peer.take_request(b"INVITE").uri_raw == b"sip:info@elsewhere.test"


async def test_number_called_as_sips_becomes_an_address_as_sips() -> None:
    """Whatever scheme the DNS says: RFC 5630 s5.3."""
    world = world_with_numbers()
    world.air.zones[b"elsewhere.test"] = [Hop("tls", "192.0.2.99", 5061)]
    peer = world.phone(b"info@elsewhere.test", "192.0.2.99", 5061, "tls")
    await called(world, b"sips:+14085551234@example.com")
    assert peer.take_request(b"INVITE").uri_raw == b"sips:info@elsewhere.test"


async def test_number_dialled_at_the_address_of_the_proxy() -> None:
    world = world_with_numbers()
    peer = world.phone(b"info@elsewhere.test", "192.0.2.99")
    await called(world, b"sip:+14085551234@" + PROXY4.encode())
    assert peer.take_request(b"INVITE").uri_raw == b"sip:info@elsewhere.test"


async def test_address_may_be_one_of_ours() -> None:
    world = world_with_numbers()
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    await called(world, b"sip:+14085550000@example.com")
    bob.take_request(b"INVITE")


async def test_number_that_is_a_user_is_not_asked_for() -> None:
    world = world_with_numbers()
    world.add_user(b"+14085559999@example.com", EXAMPLE)
    phone = world.registered(b"+14085559999@example.com", "192.0.2.21")
    await called(world, b"sip:+14085559999@example.com")
    phone.take_request(b"INVITE")


@pytest.mark.parametrize(
    ("enum", "uri"),
    [
        (False, b"sip:+14085551234@example.com"),
        (True, b"sip:+14085557777@example.com"),
        (True, b"sip:1000@example.com"),
    ],
)
async def test_number_that_nobody_asks_for_or_knows(enum: bool, uri: bytes) -> None:
    alice = await called(world_with_numbers(enum=enum), uri)
    alice.inbox = alice.inbox[-1:]
    alice.take_response(404)


async def test_the_next_address_when_the_first_cannot_be_reached() -> None:
    world = world_with_numbers()
    world.air.numbers["+14085551234"].append(sip(b"sip:bob@example.com"))
    first = world.phone(b"info@elsewhere.test", "192.0.2.99")
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    alice = await called(world, b"sip:+14085551234@example.com")
    for name in (b"info", b"second"):
        came = first.take_request(b"INVITE")
        assert came.uri.serialise() == b"sip:%b@elsewhere.test" % name
        first.answers(came, 503)
        first.take_request(b"ACK")
    bob.answers(bob.take_request(b"INVITE"), 200)
    alice.inbox = alice.inbox[-1:]
    alice.take_response(200)


async def test_an_address_that_answers_is_the_last_one() -> None:
    world = world_with_numbers()
    first = world.phone(b"info@elsewhere.test", "192.0.2.99")
    alice = await called(world, b"sip:+14085551234@example.com")
    first.answers(first.take_request(b"INVITE"), 486)
    alice.inbox = alice.inbox[-1:]
    alice.take_response(486)
    first.take_request(b"ACK")
    first.take_nothing()


async def test_the_next_address_when_nobody_is_at_the_first() -> None:
    """One of our users without a phone: refused before anything is sent."""
    world = world_with_numbers()
    world.air.numbers["+14085550000"].append(sip(b"sip:info@elsewhere.test"))
    peer = world.phone(b"info@elsewhere.test", "192.0.2.99")
    await called(world, b"sip:+14085550000@example.com")
    peer.take_request(b"INVITE")


NUMBER = rb"+14085551234"
RULE = Translation(5, 1, b"example.com", match_regex="^9$", tran_user=NUMBER)


async def test_number_that_a_rule_makes() -> None:
    world = world_with_numbers()
    world.add_rules(EXAMPLE, RULE)
    peer = world.phone(b"info@elsewhere.test", "192.0.2.99")
    await called(world, b"sip:9@example.com")
    assert peer.take_request(b"INVITE").uri_raw == b"sip:info@elsewhere.test"


async def test_number_that_the_next_rule_makes() -> None:
    world = world_with_numbers()
    first = replace(RULE, translation_id=4, priority=1, tran_domain=b"dead.test", tran_user=b"")
    world.add_rules(EXAMPLE, first, RULE)
    peer = world.phone(b"info@elsewhere.test", "192.0.2.99")
    await called(world, b"sip:9@example.com")
    assert peer.take_request(b"INVITE").uri_raw == b"sip:info@elsewhere.test"


@pytest.mark.parametrize("condition", ["always", "not_registered", "no_answer"])
async def test_number_that_a_user_has_forwarded_to(condition: str) -> None:
    """With both of its addresses, the second when the first cannot be reached."""
    world = world_with_numbers()
    world.add_routes(Forward(1, Aor(b"bob@example.com"), condition, NUMBER + b"@example.com"))
    bob = world.phone(b"bob@example.com", "192.0.2.20")
    if condition != "not_registered":
        bob.registers()
    peer = world.phone(b"info@elsewhere.test", "192.0.2.99")
    await called(world, b"sip:bob@example.com")
    if condition == "no_answer":
        bob.answers(bob.take_request(b"INVITE"), 480)
        await world.settled()
    for name in (b"info", b"second"):
        came = peer.take_request(b"INVITE")
        assert came.uri.serialise().startswith(b"sip:%b@elsewhere.test" % name)
        assert came.headers.has(b"history-info")
        peer.answers(came, 503)
        peer.take_request(b"ACK")


async def test_number_for_a_carrier_is_not_asked_for() -> None:
    world = world_with_numbers()
    world.add_rules(EXAMPLE, replace(RULE, tran_user=b"", match_regex="", tran_trunk=b"carrier"))
    world.add_routes(Trunk(1, 1, b"carrier"), Gateway(1, 1, b"carrier.test"))
    carrier = world.far(b"carrier.test", "192.0.2.91")
    await called(world, b"sip:" + NUMBER + b"@example.com")
    assert carrier.take_request(b"INVITE").uri_raw == b"sip:" + NUMBER + b"@carrier.test"


async def test_number_that_is_an_alias_is_not_asked_for() -> None:
    world = world_with_numbers()
    number = Aor(b"+14085559999@example.com")
    world.add_routes(Alias(1, number, Aor(b"bob@example.com")))
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    await called(world, b"sip:+14085559999@example.com")
    bob.take_request(b"INVITE")


async def test_caller_who_gives_up_while_the_dns_is_asked() -> None:
    world = world_with_numbers()
    world.add_routes(Forward(1, Aor(b"bob@example.com"), "always", NUMBER + b"@example.com"))
    peer = world.phone(b"info@elsewhere.test", "192.0.2.99")
    alice = world.registered(b"alice@example.com", "192.0.2.10")
    invite = alice.authenticates(alice.asks(b"INVITE", b"sip:bob@example.com"))
    alice.send(cancel_of(invite))
    await world.settled()
    peer.take_nothing()
    assert alice.inbox[-1].status == 487
