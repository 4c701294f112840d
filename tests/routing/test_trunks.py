"""Trunks: out by gateways with failover, in by address, as whom, and to where one may."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory.model import Alias, Forward, Gateway, OutboundPolicy, Translation, Trunk
from proxy.sip.message import Request
from proxy.sip.uri import Aor
from tests.harness.builders import Dialog, ack_of
from tests.routing.world import EXAMPLE, UserAgent, World

ALICE, BOB = Aor(b"alice@example.com"), Aor(b"bob@example.com")
RULE = Translation(5, 1, b"example.com", match_regex=r"^\+", tran_strip=1, tran_trunk=b"carrier")
EVERYWHERE = ("international", "national", "other")
UNITED_STATES = replace(EXAMPLE, e164_country=b"US")
TRUNK = Trunk(1, 1, b"carrier", ("192.0.2.91",))


def with_trunk(*gateways: Gateway) -> World:
    world = World()
    world.add_rules(EXAMPLE, RULE)
    world.add_routes(TRUNK, *gateways)
    return world


def dials(world: World, uri: bytes = b"sip:+15551234567@example.com") -> tuple[UserAgent, Request]:
    alice = world.phone(ALICE, "192.0.2.10")
    return alice, alice.invites(uri)


def test_out_by_the_first_gateway_then_by_its_backup() -> None:
    world = with_trunk(
        Gateway(1, 1, b"a.carrier.example", priority=10),
        Gateway(2, 1, b"b.carrier.example", 5080, b"udp", priority=20),
    )
    first = world.far(b"a.carrier.example", "192.0.2.91")
    second = world.far(b"b.carrier.example", "192.0.2.92")
    alice, _ = dials(world)
    invite = first.take_request(b"INVITE")
    assert invite.uri.serialise() == b"sip:15551234567@a.carrier.example"
    first.answers(invite, 503)
    backup = second.take_request(b"INVITE")
    assert backup.uri.serialise() == b"sip:15551234567@b.carrier.example:5080;transport=udp"
    second.answers(backup, 200)
    alice.take_response(200)


def test_a_gateway_that_refuses_the_call_is_no_dead_one() -> None:
    world = with_trunk(
        Gateway(1, 1, b"a.carrier.example"), Gateway(2, 1, b"b.carrier.example", priority=20)
    )
    first = world.far(b"a.carrier.example", "192.0.2.91")
    second = world.far(b"b.carrier.example", "192.0.2.92")
    alice, _ = dials(world)
    first.answers(first.take_request(b"INVITE"), 404)
    alice.take_response(404)
    second.take_nothing()


def test_a_gateway_that_is_known_dead_is_tried_last() -> None:
    world = with_trunk(
        Gateway(1, 1, b"a.carrier.example"), Gateway(2, 1, b"b.carrier.example", priority=20)
    )
    world.node.dead_gateways.add(1)
    world.far(b"a.carrier.example", "192.0.2.91").take_nothing()
    second = world.far(b"b.carrier.example", "192.0.2.92")
    dials(world)
    second.take_request(b"INVITE")


def test_the_next_rule_when_the_first_ones_trunk_is_dead() -> None:
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    main = replace(RULE, tran_add_header=b"X-Way: 1")
    elsewhere = replace(main, tran_trunk=b"", tran_domain=b"other.carrier.example")
    backup = replace(elsewhere, translation_id=6, priority=100, tran_add_header=b"X-Way: 2")
    world.add_rules(EXAMPLE, main, backup)
    first = world.far(b"a.carrier.example", "192.0.2.91")
    second = world.far(b"other.carrier.example", "192.0.2.92")
    alice, invite = dials(world)
    sent = first.take_request(b"INVITE")
    assert sent.headers.all(b"x-way") == [b"1"]
    first.answers(sent, 503)
    again = second.take_request(b"INVITE")
    assert again.headers.all(b"x-way") == [b"2"]
    second.answers(again, 486)
    alice.send(ack_of(invite, alice.take_response(486)))
    assert [record.rule_id for record in world.records] == [6]


def test_headers_are_taken_off_and_a_caller_is_shown() -> None:
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    rule = Translation(5, 1, b"example.com", tran_trunk=b"carrier", tran_remove_header=b"X-A",
                       tran_from_user=b"+15550000000", tran_from_display='Acme "Ltd"')  # fmt: skip
    world.add_rules(EXAMPLE, rule)
    carrier = world.far(b"a.carrier.example", "192.0.2.91")
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:+15551234567@example.com", extra=((b"X-A", b"1"), (b"X-B", b"2")))
    sent = carrier.take_request(b"INVITE")
    assert (sent.headers.all(b"x-a"), sent.headers.all(b"x-b")) == ([], [b"2"])
    assert sent.headers.first(b"from") == (
        b'"Acme \\"Ltd\\"" <sip:+15550000000@example.com>;tag=' + (sent.from_tag or b"")
    )
    assert sent.headers.all(b"p-asserted-identity") == [b"<sip:+15550000000@example.com>"]


@pytest.mark.parametrize("name", ["Acme\u00a0Ltd", "A\u200bB", "\u5c71\u3000\u7530", "A\u2009B"])
@pytest.mark.parametrize("is_by_rule", [True, False])
def test_a_name_with_spaces_of_any_width_is_shown(name: str, is_by_rule: bool) -> None:
    """As UTF-8 between quotes (RFC 3261 s25.1)."""
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    world.add_rules(EXAMPLE, replace(RULE, tran_from_display=name if is_by_rule else ""))
    if not is_by_rule:
        world.add_routes(OutboundPolicy(1, 1, ALICE, b"", name, EVERYWHERE))
    carrier = world.far(b"a.carrier.example", "192.0.2.91")
    dials(world)
    shown = carrier.take_request(b"INVITE").from_
    assert shown.display == b'"%b"' % name.encode()


def test_a_policys_name_that_was_written_past_the_services() -> None:
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    world.add_routes(OutboundPolicy(1, 1, ALICE, b"", "A\r\nVia: B", EVERYWHERE))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:+15551234567@example.com"))
    assert alice.take_response(500).reason == b"Caller name cannot be shown"


def test_a_dialog_keeps_what_each_side_has_seen() -> None:
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    world.add_routes(OutboundPolicy(1, 1, ALICE, b"+15550000000", "", EVERYWHERE))
    carrier = world.far(b"a.carrier.example", "192.0.2.91")
    alice, invite = dials(world)
    sent = carrier.take_request(b"INVITE")
    carrier.answers(sent, 200)
    answered = alice.take_response(200)
    assert answered.headers.first(b"from") == invite.headers.first(b"from")

    bye = Dialog(invite, answered, is_caller=True).request(b"BYE", via=alice.via)
    alice.send(bye)
    came = carrier.take_request(b"BYE")
    assert came.headers.first(b"from") == sent.headers.first(b"from")
    carrier.answers(came, 200)
    assert alice.take_response(200).headers.first(b"from") == bye.headers.first(b"from")


def test_the_other_side_of_the_dialog() -> None:
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    world.add_routes(OutboundPolicy(1, 1, ALICE, b"+15550000000", "", EVERYWHERE))
    carrier = world.far(b"a.carrier.example", "192.0.2.91")
    alice, invite = dials(world)
    sent = carrier.take_request(b"INVITE")
    ok = carrier.answers(sent, 200)
    alice.take_response(200)
    bye = Dialog(sent, ok, is_caller=False).request(b"BYE", via=carrier.via)
    carrier.send(bye)
    came = alice.take_request(b"BYE")
    assert came.headers.first(b"to") == invite.headers.first(b"from")
    alice.answers(came, 200)
    assert carrier.take_response(200).headers.first(b"to") == bye.headers.first(b"to")


@pytest.mark.parametrize(
    ("policy", "dialled", "status"),
    [
        (("national",), b"+12125551234", 100),
        (("national",), b"+442071838750", 403),
        (("international",), b"+442071838750", 100),
        (("national",), b"+19005551234", 403),
        ((), b"+12125551234", 403),
    ],
)
def test_allowed_destinations(policy: tuple[str, ...], dialled: bytes, status: int) -> None:
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    world.node.directory.put_domains([UNITED_STATES])
    world.add_rules(UNITED_STATES, Translation(5, 1, b"example.com", tran_trunk=b"carrier"))
    world.add_routes(OutboundPolicy(1, 1, ALICE, classes=policy))
    world.far(b"a.carrier.example", "192.0.2.91")
    alice = world.phone(ALICE, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:" + dialled + b"@example.com"))
    alice.take_response(status)


def test_patterns_of_a_policy() -> None:
    world = World()
    world.add_routes(
        OutboundPolicy(1, 1, Aor(b""), classes=(), allow_regex="^friend", deny_regex="foe$")
    )
    far = world.far(b"elsewhere.org", "192.0.2.77")
    alice = world.phone(ALICE, "192.0.2.10")
    for user, status in ((b"friend", 100), (b"friendfoe", 403), (b"other", 403)):
        alice.authenticates(alice.asks(b"INVITE", b"sip:" + user + b"@elsewhere.org"))
        alice.take_response(status)
    far.take_request(b"INVITE")


def test_in_by_address_to_the_number() -> None:
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    bob = world.registered(BOB, "192.0.2.20")
    world.add_routes(Alias(1, Aor(b"+15550001111@example.com"), BOB))
    carrier = world.phone(b"+442071838750@carrier.example", "192.0.2.91")
    carrier.sends(b"INVITE", b"sip:15550001111@198.51.100.1")
    invite = bob.take_request(b"INVITE")
    assert invite.from_.uri.serialise() == b"sip:+442071838750@carrier.example"


@pytest.mark.parametrize(
    ("host", "proved", "comes"),
    [
        (b"198.51.100.1", (b"carrier.example", b"sbc.carrier.example"), True),
        (b"example.com", (b"sbc.carrier.example",), True),
        (b"198.51.100.1", (b"other.example",), False),
        (b"198.51.100.9", (b"sbc.carrier.example",), False),
    ],
)
def test_in_by_certificate(host: bytes, proved: tuple[bytes, ...], comes: bool) -> None:
    """Its Request-URI names the domain, or our address, as that of a carrier known by its own."""
    world = World()
    bob = world.registered(BOB, "192.0.2.20")
    world.add_routes(
        Trunk(1, 1, b"carrier", (), b"sbc.carrier.example"),
        Alias(1, Aor(b"+15550001111@example.com"), BOB),
    )
    carrier = world.phone(b"+442071838750@carrier.example", "192.0.2.91", protocol="tls")
    world.air.certificates[carrier.flow] = proved
    carrier.sends(b"INVITE", b"sip:15550001111@" + host)
    if comes:
        bob.take_request(b"INVITE")
    else:
        carrier.take_response(403)
        bob.take_nothing()


def test_strangers_do_not_call_by_our_address() -> None:
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    bob = world.registered(BOB, "192.0.2.20")
    world.add_routes(Alias(1, Aor(b"+15550001111@example.com"), BOB))
    stranger = world.phone(b"eve@carrier.example", "192.0.2.66")
    stranger.sends(b"INVITE", b"sip:15550001111@198.51.100.1")
    stranger.take_response(403)
    bob.take_nothing()


def test_a_carrier_does_not_borrow_our_users_names() -> None:
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    world.registered(BOB, "192.0.2.20")
    carrier = world.phone(ALICE, "192.0.2.91")
    carrier.sends(b"INVITE", b"sip:bob@example.com")
    carrier.take_response(403)


def test_a_diverted_call_tells_the_carrier_whose_it_is() -> None:
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    world.add_routes(Forward(1, BOB, "always", b"+15551234567@example.com"))
    carrier = world.far(b"a.carrier.example", "192.0.2.91")
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:bob@example.com")
    sent = carrier.take_request(b"INVITE")
    assert sent.headers.all(b"diversion") == [
        b"<sip:bob@example.com>;reason=unconditional;counter=1"
    ]
    assert sent.headers.all(b"history-info")[0].startswith(b"<sip:bob@example.com?Reason=")


@pytest.mark.parametrize(("caller", "host"), [(ALICE, "192.0.2.10"), (b"eve@x.test", "192.0.2.66")])
def test_diversions_of_before_are_below_ours_and_never_a_strangers(
    caller: bytes, host: str
) -> None:
    world = with_trunk(Gateway(1, 1, b"a.carrier.example"))
    world.add_routes(Forward(1, BOB, "always", b"+15551234567@example.com"))
    carrier = world.far(b"a.carrier.example", "192.0.2.91")
    before = b"<sip:boss@example.com>;reason=no-answer"
    phone, how = world.phone(caller, host), {"extra": ((b"diversion", before),)}
    if caller == ALICE:
        phone.authenticates(phone.asks(b"INVITE", b"sip:bob@example.com", **how))
    else:
        phone.sends(b"INVITE", b"sip:bob@example.com", **how)
    ours = b"<sip:bob@example.com>;reason=unconditional;counter=1"
    expected = [ours, before] if caller == ALICE else [ours]
    assert carrier.take_request(b"INVITE").headers.all(b"diversion") == expected
