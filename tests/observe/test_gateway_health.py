"""How a node finds gateways and its registrations there, as it is written for people to see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.observe.gateway_health import GatewayHealthWriter
from proxy.routing.carrier_registrations import Registered
from proxy.routing.gateway_checks import Health
from tests.harness.database import Administrator

pytestmark = pytest.mark.db

HEALTH = Health(7, True, 200, 12, 1_800_000_000.0, 1_700_000_000.0)
REGISTERED = Registered(7, 200, "OK", 1_800_000_600.0, 1_800_000_000.0, 1_700_000_000.0)
HEALTHS = "SELECT gateway_id, is_alive, status FROM routing_gatewayhealth ORDER BY gateway_id"
REGISTRATIONS = """
    SELECT node_id, gateway_id, status, reason, extract(epoch FROM until)::bigint
    FROM routing_gatewayregistration ORDER BY node_id, gateway_id
"""


async def test_what_is_new_is_written_and_what_is_gone_taken_away(fresh_url: str) -> None:
    health, registered = [HEALTH], [REGISTERED, replace(REGISTERED, gateway_id=8)]
    writer = GatewayHealthWriter(
        fresh_url, node_id="a", findings=lambda: health, registrations=lambda: registered
    )
    administrator = Administrator(fresh_url)
    with_old = replace(REGISTERED, gateway_id=9)
    earlier = GatewayHealthWriter(
        fresh_url, node_id="a", findings=list, registrations=lambda: [with_old]
    )
    other = GatewayHealthWriter(
        fresh_url, node_id="b", findings=list, registrations=lambda: [with_old]
    )
    for one in (earlier, other, writer):
        await one.write()
    until = 1_800_000_600
    of_other = ("b", 9, 200, "OK", until)
    assert administrator.ask(HEALTHS) == [(7, True, 200)]
    assert administrator.ask(REGISTRATIONS) == [
        ("a", 7, 200, "OK", until), ("a", 8, 200, "OK", until), of_other,
    ]  # fmt: skip
    registered[:] = [
        replace(REGISTERED, status=403, reason="No\0", until=0.0, checked_at=1.8e9 + 9)
    ]
    await writer.write()
    assert administrator.ask(REGISTRATIONS) == [("a", 7, 403, "No", None), of_other]
    registered.clear()
    await writer.write()
    assert administrator.ask(REGISTRATIONS) == [of_other]
    administrator.close()
    for one in (earlier, other, writer):
        await one.close()
