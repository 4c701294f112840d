"""Which policies a call met, as its record keeps them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.directory.model import Domain, FederationRule
from proxy.locate.hop import Hop
from proxy.observe.call import Call
from proxy.sip.uri import Aor
from tests.harness.builders import Dialog
from tests.routing.world import EXAMPLE, OTHER, SDP, World

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
STRANGER = b"stranger@elsewhere.org"
PLAIN = "relay:auto,srtp:off"


async def refused_by_bob(domain: Domain, alice: str = "192.0.2.10", **bob: Any) -> Call:
    """The record of a call inside a domain, to a user with these policies."""
    world = World(domain)
    if bob:
        world.add_user(BOB, domain, **bob)
    caller, callee = world.phone(ALICE, alice), world.registered(BOB, "192.0.2.20")
    caller.invites(b"sip:bob@example.com", body=SDP)
    await world.settled()
    callee.answers(callee.take_request(b"INVITE"), 486)
    await world.settled()
    (record,) = world.records
    return record


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ({}, f"caller={PLAIN} callee={PLAIN} media=plain"),
        ({"media_policy": "never"}, "caller=relay:never,srtp:off callee=relay:never,srtp:off"
         " media=never"),
        ({"media_policy": "always", "srtp": "offered"}, "caller=relay:always,srtp:offered"
         " callee=relay:always,srtp:offered media=always"),
        ({"srtp": "required"}, "caller=relay:auto,srtp:required callee=relay:auto,srtp:required"
         " media=encryption"),
        ({"codecs": b"opus PCMA"}, f"caller={PLAIN},codecs:opus+pcma"
         f" callee={PLAIN},codecs:opus+pcma media=codecs"),
        ({"e164": True, "e164_country": b"49", "nat_alias_contact": True},
         f"caller={PLAIN},e164,alias callee={PLAIN},e164,alias media=plain"),
    ],
)  # fmt: skip
async def test_those_of_a_domain(policies: dict[str, Any], said: str) -> None:
    assert (await refused_by_bob(replace(EXAMPLE, **policies))).policies == said


async def test_those_of_a_user_go_first() -> None:
    record = await refused_by_bob(EXAMPLE, media_policy="always", codecs=b"opus")
    assert record.policies == (
        f"caller={PLAIN} callee=relay:always,srtp:off,codecs:opus media=always"
    )


async def test_a_caller_behind_a_nat() -> None:
    world = World(EXAMPLE)
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    alice.invites(b"sip:bob@example.com", body=SDP, contact=b"<sip:alice@10.0.0.5>")
    await world.settled()
    bob.answers(bob.take_request(b"INVITE"), 486)
    await world.settled()
    assert world.records[0].policies == f"caller={PLAIN},nat callee={PLAIN} media=nat"


@pytest.mark.parametrize(
    ("alice", "bob", "word"),
    [
        (("192.0.2.10", 50_000, "wss"), ("192.0.2.20", 50_000, "wss"), "browsers"),
        (("192.0.2.10", 50_000, "wss"), ("192.0.2.20", 5060, "udp"), "kinds"),
        (("192.0.2.10", 5060, "udp"), ("2001:db8::9", 5060, "udp"), "family"),
    ],
)
async def test_why_media_goes_by_a_relay(
    alice: tuple[str, int, str], bob: tuple[str, int, str], word: str
) -> None:
    world = World(EXAMPLE)
    caller, callee = world.phone(ALICE, *alice), world.phone(BOB, *bob)
    callee.registers()
    caller.invites(b"sip:bob@example.com", body=SDP)
    await world.settled()
    callee.answers(callee.take_request(b"INVITE"), 486)
    await world.settled()
    assert world.records[0].policies.endswith(f" media={word}")


@pytest.mark.parametrize(("who", "side"), [(0, PLAIN), (1, f"{PLAIN},nat")])
async def test_the_branch_that_answers_counts(who: int, side: str) -> None:
    """Bob has a phone, and a browser, which is always taken for one behind a NAT."""
    world = World(EXAMPLE)
    alice = world.phone(ALICE, "192.0.2.10")
    places = (("192.0.2.20", 5060, "udp"), ("192.0.2.21", 50_000, "wss"))
    bobs = [world.phone(BOB, *place) for place in places]
    for each in bobs:
        each.registers()
    invite = alice.invites(b"sip:bob@example.com", body=SDP)
    await world.settled()
    came = [each.take_request(b"INVITE") for each in bobs]
    bobs[who].answers(came[who], 200, body=SDP)
    await world.settled()
    dialog = Dialog(invite, alice.take_response(200), is_caller=True)
    alice.send(dialog.request(b"BYE", via=alice.via))
    await world.settled()
    world.node.calls.close()
    assert world.records[0].policies == f"caller={PLAIN} callee={side} media=kinds"


async def test_what_was_thought_of_another_domain() -> None:
    domain = replace(EXAMPLE, federation="allow_list")
    world = World(domain)
    world.node.directory.federation_rules.put(
        [FederationRule(1, domain.domain_id, b"far.example", verified=False)]
    )
    hop = Hop("udp", "203.0.113.1", 5060)
    world.air.zones[b"far.example"] = [hop]
    alice, far = world.phone(ALICE, "192.0.2.10"), world.phone(b"x@far.example", hop.address)
    alice.authenticates(alice.asks(b"INVITE", b"sip:x@far.example", body=SDP))
    await world.settled()
    far.answers(far.take_request(b"INVITE"), 486)
    await world.settled()
    (record,) = world.records
    assert record.policies == f"caller={PLAIN} media=plain federation_out=allow_list,rule"


async def test_one_that_was_not_let_out() -> None:
    world = World(replace(EXAMPLE, federation="closed"))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:x@far.example", body=SDP))
    await world.settled()
    (record,) = world.records
    assert (record.status, record.policies) == (403, "federation_out=closed")


async def test_a_stranger_who_comes() -> None:
    world = World(replace(EXAMPLE, federation_in="open"))
    stranger, bob = world.phone(STRANGER, "198.51.100.9"), world.registered(BOB, "192.0.2.20")
    stranger.sends(b"INVITE", b"sip:bob@example.com", body=SDP)
    await world.settled()
    bob.answers(bob.take_request(b"INVITE"), 486)
    await world.settled()
    (record,) = world.records
    assert record.policies == f"callee={PLAIN} media=plain federation_in=open"


async def test_another_tenants_policies_are_not_the_callers_to_know() -> None:
    other = replace(OTHER, tenant_id=77, srtp="offered")
    world = World(EXAMPLE, other)
    carol = Aor(b"carol@" + other.name)
    world.add_user(carol, other)
    alice, far = world.phone(ALICE, "192.0.2.10"), world.registered(carol, "192.0.2.30")
    alice.invites(b"sip:" + carol, body=SDP)
    await world.settled()
    far.answers(far.take_request(b"INVITE"), 486)
    await world.settled()
    assert world.records[0].policies == f"caller={PLAIN} media=plain"
