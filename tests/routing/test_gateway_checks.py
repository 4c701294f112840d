"""Gateways are asked by OPTIONS; the silent are tried last until they answer again."""

from __future__ import annotations

from proxy.directory.model import Gateway, Trunk
from proxy.routing.gateway_checks import GatewayChecks
from tests.routing.world import World


async def test_a_gateway_dies_and_lives_again() -> None:
    world = World()
    world.add_routes(
        Trunk(1, 1, b"carrier", options_seconds=30),
        Gateway(7, 1, b"a.carrier.example", 5070, b"udp"),
    )
    carrier = world.far(b"a.carrier.example", "192.0.2.91")
    checks = GatewayChecks()
    own = world.layer.own_requests

    checks.tick(world.node, own)
    asked = carrier.take_request(b"OPTIONS")
    assert asked.uri.serialise() == b"sip:a.carrier.example:5070;transport=udp"
    carrier.answers(asked, 404)
    assert checks.states[7].is_alive
    checks.tick(world.node, own)
    carrier.take_nothing()

    world.clock.advance(31)
    checks.tick(world.node, own)
    carrier.take_request(b"OPTIONS")
    world.clock.advance(33)
    assert world.node.dead_gateways == {7}
    assert (checks.states[7].is_alive, checks.states[7].status) == (False, 408)
    carrier.inbox.clear()

    checks.tick(world.node, own)
    carrier.answers(carrier.take_request(b"OPTIONS"), 200)
    assert world.node.dead_gateways == set()


async def test_a_gateway_that_is_deleted_is_asked_no_more() -> None:
    world = World()
    world.add_routes(Trunk(1, 1, b"c", options_seconds=5), Gateway(7, 1, b"nowhere.example"))
    checks = GatewayChecks()
    checks.tick(world.node, world.layer.own_requests)
    await world.settled()
    assert world.node.dead_gateways == {7}
    world.node.directory.routes.gateways.put([], [7])
    checks.tick(world.node, world.layer.own_requests)
    assert (world.node.dead_gateways, checks.states) == (set(), {})
