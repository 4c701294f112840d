"""Whose flow is pinged, until when, and again after a restart."""

from __future__ import annotations

from dataclasses import replace

from proxy.location.store import Bindings
from proxy.routing import registrar
from tests.routing.world import EXAMPLE, World

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
BEHIND_NAT = b"<sip:alice@10.0.0.7>"


def world_that_lets_go(**policy: object) -> World:
    """The flows of bindings that go are let go, as the server has it."""
    world = World(replace(EXAMPLE, **policy))
    world.node.bindings = Bindings(
        on_removed=lambda binding: registrar.let_flow_go(binding, world.node)
    )
    return world


def test_unregistered_is_pinged_no_more() -> None:
    world = world_that_lets_go()
    phone = world.registered(ALICE, "203.0.113.5", 40_000, contact=BEHIND_NAT)
    assert world.air.kept_alive == {phone.flow}
    phone.registers((b"expires", b"0"), contact=BEHIND_NAT)
    assert not world.air.kept_alive


def test_two_accounts_of_one_phone_share_its_flow() -> None:
    world = world_that_lets_go()
    phone = world.registered(ALICE, "203.0.113.5", 40_000, contact=BEHIND_NAT)
    phone.aor = BOB
    phone.registers(contact=b"<sip:bob@10.0.0.7>")
    phone.registers((b"expires", b"0"), contact=b"<sip:bob@10.0.0.7>")
    assert world.air.kept_alive == {phone.flow}
    phone.aor = ALICE
    phone.registers((b"expires", b"0"), contact=BEHIND_NAT)
    assert not world.air.kept_alive


def test_another_flow_of_the_same_phone_takes_the_place_of_the_old_one() -> None:
    world = world_that_lets_go()
    world.registered(ALICE, "203.0.113.5", 40_000, contact=BEHIND_NAT)
    again = world.phone(ALICE, "203.0.113.5", 50_000)
    again.registers(contact=BEHIND_NAT, call_id=b"after its NAT forgot it")
    assert world.air.kept_alive == {again.flow}


def test_an_expired_binding_is_pinged_no_more() -> None:
    world = world_that_lets_go()
    world.registered(ALICE, "203.0.113.5", 40_000, contact=BEHIND_NAT)
    world.node.bindings.sweep(wall=world.node.wall() + 4000)
    assert not world.air.kept_alive


def test_after_a_restart_the_pings_go_on() -> None:
    world = world_that_lets_go()
    phone = world.registered(ALICE, "203.0.113.5", 40_000, contact=BEHIND_NAT)
    world.registered(BOB, "192.0.2.20")
    held = list(world.node.bindings)
    later = world_that_lets_go()
    for binding in held:
        later.node.bindings.put(binding)
    later.node.bindings.put(replace(held[0], binding_id="elsewhere", node_id=b"b"))
    registrar.resume_keep_alives(later.node)
    assert later.air.kept_alive == {phone.flow}
    later.node.bindings.forget(held[0].aor, held[0].binding_id)
    assert not later.air.kept_alive


def test_a_domain_without_keep_alives_has_none_after_a_restart() -> None:
    world = world_that_lets_go(nat_keepalive=False)
    world.registered(ALICE, "203.0.113.5", 40_000, contact=BEHIND_NAT)
    registrar.resume_keep_alives(world.node)
    assert not world.air.kept_alive


def test_a_connection_that_closed_before_the_commit_leaves_no_binding() -> None:
    world = world_that_lets_go()
    phone = world.phone(ALICE, "192.0.2.10", 50_000, "tcp")
    message = phone.asks(b"REGISTER", b"sip:example.com", to_uri=b"sip:" + ALICE)
    phone.send(message)
    signed = phone.signs(message, phone.take_response(401))
    world.air.live_flow = lambda flow: None  # type: ignore[method-assign]
    phone.send(signed)
    assert world.bindings(ALICE) == []
