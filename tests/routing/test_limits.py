"""Calls at the same time and calls in a second, for each tenant (docs/behaviour.md s3)."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.builders import Dialog
from tests.routing.world import EXAMPLE, SDP, World

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
URI = b"sip:bob@example.com"


async def test_one_call_too_many_is_503() -> None:
    world = World(replace(EXAMPLE, tenant_max_calls=2))
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    invite = alice.invites(URI, body=SDP)
    bob.answers(bob.take_request(b"INVITE"), 200, body=SDP)
    dialog = Dialog(invite, alice.take_response(200), is_caller=True)
    alice.invites(URI, body=SDP)
    assert world.node.calls.of_tenant(1) == 2
    refused = alice.authenticates(alice.asks(b"INVITE", URI))
    answer = alice.take_response(503)
    assert answer.call_id == refused.call_id
    assert answer.headers.first(b"retry-after") == b"10"
    alice.send(dialog.request(b"BYE", via=alice.via))
    await world.settled()
    assert world.node.calls.of_tenant(1) == 1
    alice.invites(URI, body=SDP)
    assert world.node.calls.of_tenant(1) == 2


async def test_calls_of_other_nodes_count() -> None:
    world = World(replace(EXAMPLE, tenant_max_calls=2, tenant_max_calls_per_second=3))
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    use = world.node.platform_use
    use.learns({"b": {"1": [2, 7, 3]}}, now=world.clock.time())
    alice.authenticates(alice.asks(b"INVITE", URI))
    assert alice.take_response(503).reason == b"Too Many Calls"
    use.learns({"b": {"1": [1, 10, 3]}}, now=world.clock.time())
    alice.authenticates(alice.asks(b"INVITE", URI))
    assert alice.take_response(503).reason == b"Too Many Calls Per Second"
    world.clock.advance(1)
    alice.inbox.clear()
    alice.invites(URI, body=SDP)
    bob.take_request(b"INVITE")
    assert use.told(world.node.calls.by_tenant(), now=world.clock.time()) == {"1": [1, 1, 3]}


async def test_one_call_too_many_of_a_user() -> None:
    world = World()
    world.add_user(b"dora@example.com", EXAMPLE, max_calls=1)
    dora, bob = world.phone(b"dora@example.com", "192.0.2.30"), world.registered(BOB, "192.0.2.20")
    invite = dora.invites(URI, body=SDP)
    bob.answers(bob.take_request(b"INVITE"), 200, body=SDP)
    dialog = Dialog(invite, dora.take_response(200), is_caller=True)
    dora.authenticates(dora.asks(b"INVITE", URI))
    assert dora.take_response(503).reason == b"Too Many Calls Of This User"
    world.phone(ALICE, "192.0.2.10").invites(URI, body=SDP)  # others may
    dora.send(dialog.request(b"BYE", via=dora.via))
    await world.settled()
    bob.inbox.clear()
    dora.inbox.clear()
    dora.invites(URI, body=SDP)


async def test_calls_of_a_user_on_other_nodes_count() -> None:
    world = World()
    world.add_user(b"dora@example.com", EXAMPLE, max_calls=2)
    dora, bob = world.phone(b"dora@example.com", "192.0.2.30"), world.registered(BOB, "192.0.2.20")
    use, calls = world.node.platform_use, world.node.calls
    use.learns_of_users({"b": {"dora@example.com": 2}})
    dora.authenticates(dora.asks(b"INVITE", URI))
    assert dora.take_response(503).reason == b"Too Many Calls Of This User"
    use.learns_of_users({"b": {"dora@example.com": 1}})
    dora.inbox.clear()
    dora.invites(URI, body=SDP)
    bob.take_request(b"INVITE")
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(URI, body=SDP)  # who has no limit, and is nobody's to be told of
    told = use.users_told(calls.of_user, now=world.clock.time())
    assert told == {"dora@example.com": 1}


async def test_calls_in_a_second() -> None:
    world = World(replace(EXAMPLE, tenant_max_calls_per_second=2))
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    for _ in range(2):
        alice.invites(URI, body=SDP)
        bob.take_request(b"INVITE")
    alice.authenticates(alice.asks(b"INVITE", URI))
    assert alice.take_response(503).headers.first(b"retry-after") == b"1"
    assert not bob.inbox
    world.clock.advance(1)
    bob.inbox.clear()  # of retransmissions
    again = world.phone(ALICE, "192.0.2.11").invites(URI, body=SDP)
    assert bob.take_request(b"INVITE").cseq == again.cseq


async def test_other_methods_and_tenants_are_not_counted() -> None:
    world = World(replace(EXAMPLE, tenant_max_calls=0))
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    alice.authenticates(alice.asks(b"MESSAGE", URI))
    bob.take_request(b"MESSAGE")
    alice.authenticates(alice.asks(b"INVITE", URI))
    alice.take_response(503)
    assert world.node.calls.of_tenant(1) == 0
