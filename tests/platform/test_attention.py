"""What the overview says wants attention, and where each of it leads."""

from __future__ import annotations

import pytest
from django.utils import timezone

from fedsip_platform.directory import services
from fedsip_platform.routing.models import Gateway, GatewayHealth
from fedsip_platform.webhooks.models import Delivery
from tests.platform.browsing import Visitor
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def test_what_is_wrong_is_said_with_its_page(acme: World, rival: World) -> None:
    viewer = Visitor(acme.people["viewer"])
    assert "Wants attention" not in viewer.reads("/t/acme/")
    now = timezone.now()
    for world in (acme, rival):
        GatewayHealth.objects.create(
            node_id="a", gateway=world.routes["gateways"], is_alive=False, checked_at=now,
            changed_at=now,
        )  # fmt: skip
        Delivery.objects.filter(pk=world.delivery.pk).update(state="failed")
    services.update_tenant(acme.tenant, max_subscribers=1)
    services.update_domain(acme.domain, enabled=False)
    shown = viewer.reads("/t/acme/").partition("Wants attention")[2]
    for text in (
        "A gateway of the trunk carrier of example.com does not answer.",
        "No more fits: Users, all 1 used.",
        "example.com is off",
        "1 delivery to https://hooks.example.com/ was given up.",
        f"/t/acme/routing/trunks/{acme.routes['trunks'].public_id}",
    ):
        assert text in shown, text
    assert shown.index("does not answer") < shown.index("is off")
    assert "example.net" not in shown


def test_what_was_turned_off_is_left_alone(acme: World) -> None:
    now = timezone.now()
    GatewayHealth.objects.create(
        node_id="a", gateway=acme.routes["gateways"], is_alive=False, checked_at=now, changed_at=now
    )
    Gateway.objects.update(enabled=False)
    assert "Wants attention" not in Visitor(acme.people["viewer"]).reads("/t/acme/")
