"""Calls that a user of ours has forwarded to another domain: on whose account they leave, under
whose name, and what they say of their way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory.model import FederationRule, Forward
from proxy.locate.hop import Hop
from proxy.sip.uri import Aor
from tests.routing.world import EXAMPLE, UserAgent, World

BOB = b"bob@example.com"
FAR = b"carol@far.test"
ALICE, STRANGER = b"alice@example.com", b"eve@elsewhere.test"
TRUSTED = FederationRule(1, 1, b"far.test", "out", verified=False, trusted=True)
BELIEVED = FederationRule(2, 1, b"elsewhere.test", "in", verified=False, trusted=True)
WAY = [
    b"<sip:bob@example.com?Reason=SIP%3Bcause%3D302>;index=1",
    b"<sip:carol@far.test;cause=302>;index=1.1;mp=1",
]


def world_with(*rules: FederationRule, **policy: object) -> tuple[World, UserAgent]:
    """bob has all his calls forwarded to carol of far.test; her phone."""
    world = World(replace(EXAMPLE, **policy))  # type: ignore[arg-type]
    world.node.directory.federation_rules.put(rules)
    world.air.zones[b"far.test"] = [Hop("udp", "192.0.2.99", 5060)]
    world.add_routes(Forward(1, Aor(BOB), "always", FAR, 20))
    return world, world.phone(FAR, "192.0.2.99")


def strangers_call(world: World, *extra: tuple[bytes, bytes]) -> UserAgent:
    eve = world.phone(STRANGER, "192.0.2.66")
    eve.sends(b"INVITE", b"sip:" + BOB, extra=extra)
    return eve


def test_stranger_calls_on_under_his_name_and_bobs_account() -> None:
    world, carol = world_with(TRUSTED)
    strangers_call(world, (b"p-asserted-identity", b"<sip:boss@example.com>"))
    came = carol.take_request(b"INVITE")
    assert came.from_.uri.serialise() == b"sip:" + STRANGER
    assert came.headers.all(b"history-info") == WAY
    assert not came.headers.has(b"p-asserted-identity"), "nobody vouches for who calls"


def test_who_is_asserted_stays_who_calls() -> None:
    world, carol = world_with(TRUSTED, BELIEVED)
    strangers_call(world, (b"p-asserted-identity", b"<sip:%b>" % STRANGER))
    assert carol.take_request(b"INVITE").headers.all(b"p-asserted-identity") == [
        b"<sip:%b>" % STRANGER
    ]
    world.phone(ALICE, "192.0.2.10").invites(b"sip:" + BOB)
    came = carol.take_request(b"INVITE")
    assert came.headers.all(b"p-asserted-identity") == [b"<sip:%b>" % ALICE]
    assert came.from_.uri.serialise() == b"sip:" + ALICE


def test_strangers_are_told_no_asserted_identity() -> None:
    world, carol = world_with(BELIEVED)
    strangers_call(world, (b"p-asserted-identity", b"<sip:%b>" % STRANGER))
    assert not carol.take_request(b"INVITE").headers.has(b"p-asserted-identity")


@pytest.mark.parametrize(
    ("policy", "rules", "status"),
    [
        ({"federation": "closed"}, (), 403),
        ({"federation": "allow_list"}, (), 403),
        ({}, (FederationRule(3, 1, b"far.test", "out", allow=False),), 403),
        ({"calls_out_per_user": 0}, (), 503),
    ],
)
def test_bobs_domain_decides(
    policy: dict[str, object], rules: tuple[FederationRule, ...], status: int
) -> None:
    world, _ = world_with(*rules, **policy)
    eve = strangers_call(world)
    eve.take_response(status)
    assert [key[:3] for key in world.node.refusals.counts] == [(1, "far.test", "out")]


def test_what_strangers_make_of_a_forward_is_bounded() -> None:
    world, carol = world_with(calls_out_per_user=2)
    for number in range(3):
        eve = world.phone(STRANGER, f"192.0.2.{70 + number}")
        eve.sends(b"INVITE", b"sip:" + BOB, call_id=b"%d" % number)
        if number == 2:
            eve.take_response(503)
        else:
            carol.take_request(b"INVITE")


@pytest.mark.parametrize("method", [b"MESSAGE", b"SUBSCRIBE", b"REFER", b"OPTIONS"])
def test_calls_alone_are_forwarded(method: bytes) -> None:
    world, carol = world_with(stranger_methods=b"* REFER")
    eve = world.phone(STRANGER, "192.0.2.66")
    eve.sends(method, b"sip:" + BOB)
    eve.take_response(480)
    carol.take_nothing()


@pytest.mark.parametrize(
    ("caller", "shown"), [(b"mallory@other.example", "other.example"), (STRANGER, "example.com")]
)
async def test_certificate_is_that_of_our_domain_in_from(caller: bytes, shown: str) -> None:
    """Who looks for a proof looks for that domain; for a stranger's, bob's is all that we have."""
    world, _ = world_with()
    world.air.zones[b"far.test"] = [Hop("tls", "192.0.2.98", 5061, "far.test")]
    phone = world.phone(caller, "192.0.2.66")
    if caller == STRANGER:
        phone.sends(b"INVITE", b"sip:" + BOB)
    else:
        phone.invites(b"sip:" + BOB)
    await world.settled()
    assert [hop.shown_as for hop in world.air.opened] == [shown]
