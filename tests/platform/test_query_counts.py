"""How often pages ask the database: the same for one row as for a page full of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fedsip_platform.api import tokens
from fedsip_platform.calls.models import FailedSignIn
from fedsip_platform.directory import services
from fedsip_platform.federation.models import Refusal
from fedsip_platform.federation.services import create_rule
from fedsip_platform.people import services as people
from fedsip_platform.routing import services as routing
from fedsip_platform.routing.models import GatewayHealth
from fedsip_platform.tenants.models import Membership
from fedsip_platform.webhooks import services as webhooks
from tests.platform.test_dashboard_isolation import SHOWN, address
from tests.platform.world import Api, World, make_call, make_live_call, make_message, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]

MANY = 12
# Deletion pages count what goes with the thing; they show no lists.
PAGES = [name for name in SHOWN if not name.endswith("-delete")]
MOST = 40
"""Of one page: frame, session and all. More is a page that wants to be looked at."""


def grow(world: World) -> None:
    """Twelve more of everything that a tenant has."""
    tenant, domain, now = world.tenant, world.domain, timezone.now()
    for n in range(MANY):
        other = services.create_domain(tenant, f"d{n}.{domain}")
        user = services.create_subscriber(domain, f"user{n}", "a good password")
        services.create_subscriber(other, f"user{n}", "a good password")
        services.create_translation(domain, match_regex=f"^{n}$", tran_user="x", priority=n)
        routing.create_alias(domain, f"7{n}", "alice")
        routing.create_ring_group(domain, f"group{n}", members=["alice"])
        trunk = routing.create_trunk(domain, f"trunk{n}")
        for host in ("a", "b"):
            gateway = routing.create_gateway(trunk, f"{host}{n}.example")
            GatewayHealth.objects.create(
                node_id="a", gateway=gateway, is_alive=True, checked_at=now, changed_at=now
            )
        GatewayHealth.objects.create(
            node_id=f"n{n}", gateway=world.routes["gateways"], is_alive=True, checked_at=now,
            changed_at=now,
        )  # fmt: skip
        routing.create_gateway(world.routes["trunks"], f"c{n}.example")
        routing.create_outbound_policy(domain, user)
        create_rule(domain, f"peer{n}.example")
        Refusal.objects.create(
            domain=domain, peer=f"p{n}", direction="in", why="denied", day=now.date(), amount=1,
            last_at=now,
        )  # fmt: skip
        FailedSignIn.objects.create(domain=domain, aor=f"x{n}@x", address="192.0.2.9", hour=now)
        call = make_call(tenant, domain, call_id=f"c{n}", started_at=now - timedelta(minutes=n))
        make_live_call(tenant, domain, call_id=f"l{n}")
        make_message(
            world.call.call_id, call.started_at, tenant=tenant, domain=domain, node_id="a",
            text="OPTIONS sip:x SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n",
        )  # fmt: skip
        webhook, _ = webhooks.create(tenant, f"https://h{n}.example/", ["call.ended"])
        webhooks.test(webhook)
        webhooks.test(world.delivery.webhook)
        person = make_person(f"p{n}@example.org")
        Membership.objects.create(person=person, tenant=tenant, role="admin")
        people.invite(tenant, f"i{n}@example.org", "viewer")
        tokens.create(world.people["owner"], f"t{n}", tenant=tenant)


def counts(world: World) -> dict[str, int]:
    """By page: how many queries it takes the owner."""
    client = Api(world.people["owner"])._client
    found = {}
    for name in PAGES:
        path = address(name, world, SHOWN[name], world)
        client.get(path, secure=True)  # what is remembered for a while is asked once
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answer = client.get(path, secure=True)
            if answer.streaming:
                answer.getvalue()
        assert answer.status_code == 200, path
        found[name] = len(asked)
    return found


def test_long_lists_ask_no_more_than_short_ones(acme: World) -> None:
    before = counts(acme)
    grow(acme)
    after = counts(acme)
    grown = {name: (before[name], after[name]) for name in PAGES if after[name] > before[name]}
    assert grown == {}
    assert {name: amount for name, amount in after.items() if amount > MOST} == {}
