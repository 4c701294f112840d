"""Addresses inside, as users, tenants and strangers name them: nothing is sent there."""

from __future__ import annotations

import logging

import pytest

from proxy.directory.model import Forward, Gateway, Translation, Trunk
from proxy.locate.hop import Hop
from proxy.sip.message import Response
from proxy.sip.uri import Aor
from tests.harness.builders import Dialog
from tests.harness.network import PROXY4
from tests.routing.world import EXAMPLE, UserAgent, World

ALICE, BOB = Aor(b"alice@example.com"), Aor(b"bob@example.com")
INNER = (
    b"127.0.0.1:6379;transport=tcp",
    b"127.0.0.1:5432",
    b"10.0.0.5",
    b"169.254.169.254:80;transport=tcp",
    b"0.0.0.0",
    b"224.0.1.75",
    b"[::1]",
    b"[::ffff:127.0.0.1]:6379;transport=tcp",
    b"[64:ff9b::7f00:1]",
    b"[fd00:ec2::254]",
    PROXY4.encode() + b":6379;transport=tcp",  # the node itself, but not where it listens
)


def world_with_names() -> World:
    world = World()
    for name, address in (
        (b"inner.test", "127.0.0.1"),
        (b"metadata.test", "169.254.169.254"),
        (b"mapped.test", "::ffff:7f00:1"),
    ):
        world.air.zones[name] = [Hop("tcp", address, 6379, None), Hop("udp", address, 5060, None)]
    world.air.zones[b"both.test"] = [Hop("udp", "10.0.0.5", 5060), Hop("udp", "192.0.2.99", 5060)]
    return world


def sent_inside(world: World) -> bool:
    """Whether anything went, or a connection was opened, to where the node is told to go."""
    places = [flow.remote[0] for _, flow in world.air.sent] + [
        hop.address for hop in world.air.opened
    ]
    return any(world.air.guard.why_not(address, 9) for address in places)


def refusal_of(caller: UserAgent, uri: bytes) -> int:
    """The status of the final answer to a call."""
    caller.authenticates(caller.asks(b"INVITE", uri))
    answers = [one for one in caller.inbox if isinstance(one, Response)]
    return answers[-1].status


def refused(world: World) -> set[tuple[str, str]]:
    return {(peer, why) for _, peer, _, why, _ in world.refusals.counts}


@pytest.mark.parametrize("host", [*INNER, b"inner.test", b"metadata.test", b"mapped.test"])
def test_a_user_calls_inside(host: bytes, caplog: pytest.LogCaptureFixture) -> None:
    world = world_with_names()
    alice = world.phone(ALICE, "192.0.2.10")
    with caplog.at_level(logging.WARNING):
        invite = alice.authenticates(alice.asks(b"INVITE", b"sip:x@" + host))
    answer = alice.take_response(403)
    assert answer.reason == b"Inner Address"
    assert answer.headers.all(b"warning")[0].startswith(
        b'399 example.com "example.com sends nothing'
    )
    assert not sent_inside(world)
    [(_, why)] = refused(world)
    assert why == "inner"
    [line] = [one.getMessage() for one in caplog.records]
    assert f"call_id={invite.call_id.decode()} tenant=acme uri=sip:x@" in line


def test_public_servers_of_a_name_are_still_called() -> None:
    world = world_with_names()
    far = world.phone(b"x@both.test", "192.0.2.99")
    world.phone(ALICE, "192.0.2.10").invites(b"sip:x@both.test")
    far.take_request(b"INVITE")
    assert not sent_inside(world)


@pytest.mark.parametrize(
    "route",
    [
        Forward(1, BOB, "always", b"x@127.0.0.1"),
        Forward(1, BOB, "always", b"x@inner.test"),
        Translation(5, 1, b"example.com", match_regex=r"^bob$", tran_domain=b"inner.test"),
    ],
)
def test_what_a_tenant_writes_leads_nowhere_inside(route: Forward | Translation) -> None:
    world = world_with_names()
    if isinstance(route, Forward):
        world.add_routes(route)
    else:
        world.add_rules(EXAMPLE, route)
    alice = world.phone(ALICE, "192.0.2.10")
    assert refusal_of(alice, b"sip:bob@example.com") == 403
    assert not sent_inside(world)


def test_a_gateway_of_a_tenant_leads_nowhere_inside() -> None:
    world = world_with_names()
    world.add_rules(EXAMPLE, Translation(5, 1, b"example.com", match_regex=r"^9", tran_trunk=b"t"))
    world.add_routes(Trunk(1, 1, b"t", ()), Gateway(1, 1, b"127.0.0.1", 6379, b"tcp"))
    alice = world.phone(ALICE, "192.0.2.10")
    assert refusal_of(alice, b"sip:911@example.com") == 403
    assert not sent_inside(world)


@pytest.mark.parametrize(
    "extra",
    [
        (b"record-route", b"<sip:192.0.2.77;lr>"),
        (b"path", b"<sip:10.0.0.5;lr>"),
        (b"path", b"<sip:127.0.0.1:6379;transport=tcp;lr>"),
    ],
)
def test_a_contact_or_path_leads_nowhere_inside(extra: tuple[bytes, bytes]) -> None:
    """Also where the REGISTER came by a proxy, and no flow leads to the phone."""
    world = world_with_names()
    bob = world.phone(BOB, "192.0.2.20")
    bob.registers(extra, (b"supported", b"path"), contact=b"<sip:bob@127.0.0.1:6379;transport=tcp>")
    alice = world.phone(ALICE, "192.0.2.10")
    assert refusal_of(alice, b"sip:bob@example.com") == 480
    assert not sent_inside(world)
    assert {why for _, why in refused(world)} == {"inner"}


@pytest.mark.parametrize("host", ["10.0.0.7", "127.0.0.1", "fd12::7", "::1", "198.51.100.1"])
def test_a_phone_inside_is_reached_where_it_registers_from(host: str) -> None:
    """And so is its side of a dialog: by its flow, not by its Contact. So is one beside us, at the
    address of the node, though that is one of the internet."""
    world = World()
    bob = world.registered(BOB, host, 5080)
    alice = world.phone(ALICE, host, 5070)
    invite = alice.invites(b"sip:bob@example.com")
    got = bob.take_request(b"INVITE")
    answer = bob.answers(got, 200)
    ok = alice.take_response(200)
    alice.send(Dialog(invite, ok, is_caller=True).request(b"INFO", via=alice.via))
    bob.answers(bob.take_request(b"INFO"), 200)
    alice.take_response(200)
    bob.send(Dialog(got, answer, is_caller=False).request(b"INFO", via=bob.via))
    alice.take_request(b"INFO")


def test_the_contact_of_a_far_side_leads_nowhere_inside() -> None:
    world = world_with_names()
    far = world.far(b"far.test", "192.0.2.99")
    alice = world.phone(ALICE, "192.0.2.10")
    invite = alice.invites(b"sip:x@far.test")
    got = far.take_request(b"INVITE")
    far.answers(got, 200, contact=b"<sip:x@127.0.0.1:6379;transport=tcp>")
    dialog = Dialog(invite, alice.take_response(200), is_caller=True)
    for method in (b"ACK", b"INFO"):
        alice.send(dialog.request(method, via=alice.via))
    alice.take_response(403)
    assert not sent_inside(world)


def test_routes_of_a_dialog_lead_nowhere_inside() -> None:
    world = world_with_names()
    far = world.far(b"far.test", "192.0.2.99")
    alice = world.phone(ALICE, "192.0.2.10")
    invite = alice.invites(b"sip:x@far.test")
    far.answers(far.take_request(b"INVITE"), 200)
    dialog = Dialog(invite, alice.take_response(200), is_caller=True)
    routes = (*dialog.route_set, b"<sip:127.0.0.1:6379;transport=tcp;lr>")
    alice.send(dialog.request(b"INFO", via=alice.via, routes=routes))
    alice.take_response(403)
    assert not sent_inside(world)
