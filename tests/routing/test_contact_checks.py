"""UDP phones behind a NAT that have gone silent are signed out, and no others."""

from __future__ import annotations

from dataclasses import replace

from proxy.location.store import Bindings
from proxy.routing import registrar
from proxy.routing.contact_checks import ContactChecks
from tests.harness.builders import respond
from tests.routing.world import EXAMPLE, UserAgent, World

ALICE = b"alice@example.com"
BEHIND_NAT = b"<sip:alice@10.0.0.7>"


def world_with_a_phone(**policy: object) -> tuple[World, UserAgent]:
    world = World(replace(EXAMPLE, **policy))
    world.node.bindings = Bindings(
        on_removed=lambda binding: registrar.let_flow_go(binding, world.node)
    )
    world.node.checks = ContactChecks(3.0)
    return world, world.registered(ALICE, "203.0.113.5", 40_000, contact=BEHIND_NAT)


def a_round(world: World) -> None:
    """Every contact is asked once."""
    for _ in range(3):
        world.node.checks.tick(world.node, world.layer.own_requests)


def test_a_phone_that_answered_once_and_then_no_more_is_signed_out() -> None:
    world, phone = world_with_a_phone()
    a_round(world)
    asked = phone.take_request(b"OPTIONS")
    assert asked.uri_raw == b"sip:alice@10.0.0.7"
    assert asked.headers.first(b"max-forwards") == b"70"
    phone.send(respond(asked, 501))  # any answer will do
    a_round(world)
    world.clock.advance(31)
    assert world.bindings(ALICE)
    world.clock.advance(2)
    assert len(phone.inbox) == 11  # one, and ten retransmissions of Timer E
    assert not world.bindings(ALICE)
    assert (len(world.node.checks), world.node.checks.dropped) == (0, 1)
    assert not world.air.kept_alive


def test_a_phone_that_never_answers_stays() -> None:
    world, _ = world_with_a_phone()
    for _ in range(3):
        a_round(world)
        world.clock.advance(40)
    assert world.bindings(ALICE)


def test_one_that_registers_meanwhile_stays() -> None:
    world, phone = world_with_a_phone()
    a_round(world)
    phone.send(respond(phone.take_request(b"OPTIONS"), 200))
    a_round(world)
    phone.inbox.clear()
    world.clock.advance(0.4)
    phone.registers(contact=BEHIND_NAT)
    world.clock.advance(40)
    assert world.bindings(ALICE)


def test_only_udp_phones_behind_a_nat_are_asked() -> None:
    world, _ = world_with_a_phone()
    world.registered(b"bob@example.com", "192.0.2.20")
    world.registered(b"carol@example.com", "203.0.113.6", protocol="tcp")
    assert len(world.node.checks) == 1
    assert len(world_with_a_phone(nat_keepalive=False)[0].node.checks) == 0


def test_they_are_spread_over_the_interval() -> None:
    checks = ContactChecks(120.0)
    for number in range(1200):
        checks.watch(ALICE, f"b{number}")  # type: ignore[arg-type]
    assert {len(bucket) for bucket in checks._buckets} == {10}
    for number in range(1200):
        checks.leave(f"b{number}")
    assert len(checks) == 0


def test_after_a_restart_they_are_asked_again() -> None:
    world, _ = world_with_a_phone()
    again = World()
    again.node.bindings = world.node.bindings
    registrar.resume_keep_alives(again.node)
    assert len(again.node.checks) == 1
