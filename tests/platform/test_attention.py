"""What the overview says wants attention, and where each of it leads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fedsip_platform.calls.models import Node
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain
from fedsip_platform.federation.models import DomainCheck
from fedsip_platform.routing import services as routing
from fedsip_platform.routing.models import Gateway, GatewayHealth, GatewayRegistration
from fedsip_platform.tenants import attention
from fedsip_platform.tenants.models import Person
from fedsip_platform.webhooks.models import Delivery
from tests.platform.browsing import Visitor
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def heartbeat(node_id: str = "a", *, age: timedelta = timedelta(), **relays: bool) -> None:
    """A proxy's row, as it was so long ago."""
    seen_at = timezone.now() - age
    fields = {"started_at": seen_at, "seen_at": seen_at, "relays": relays}
    Node.objects.update_or_create(node_id=node_id, defaults=fields)


@pytest.fixture(autouse=True)
def running(acme: World) -> None:
    heartbeat(relay=True)


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
    assert "for your administrators" in shown
    assert "for you" in Visitor(acme.people["admin"]).reads("/t/acme/")
    silent = shown.partition("does not answer")[2].partition("</li>")[0]
    assert f'datetime="{now.isoformat()[:19]}' in silent
    assert "example.net" not in shown


def test_trunks_stand_by_name_and_since_the_first_of_their_gateways(acme: World) -> None:
    now = timezone.now()
    for name in ("z", "y", "b", "a"):
        trunk = routing.create_trunk(acme.domain, name)
        for number, is_alive in enumerate((False, False, True)):
            GatewayHealth.objects.create(
                gateway=routing.create_gateway(trunk, f"{number}.{name}.example.org"),
                node_id="a", is_alive=is_alive, checked_at=now,
                changed_at=now - timedelta(hours=number),
            )  # fmt: skip
    found = [point for point in attention.of(acme.tenant, now=now) if point.kind == "trunk"]
    assert [(point.text, point.since) for point in found] == [
        (f"A gateway of the trunk {name} of example.com does not answer.", now - timedelta(hours=1))
        for name in ("a", "b", "y")
    ]


def test_a_registration_that_a_carrier_refuses(acme: World) -> None:
    """Until another node has one, or the trunk wants none."""
    now, gateway, trunk = timezone.now(), acme.routes["gateways"], acme.routes["trunks"]
    row = GatewayRegistration.objects.create(
        node_id="a", gateway=gateway, status=403, reason="Forbidden", checked_at=now, changed_at=now
    )
    said = lambda: [point.text for point in attention.of(acme.tenant, now=now)]  # noqa: E731
    refused = (
        f"We are not registered with {gateway.host} of the trunk carrier of example.com:"
        " 403 Forbidden."
    )
    assert refused not in said()
    routing.update_trunk(trunk, registers=True, account="acme", password="carriers secret")
    assert refused in said()
    later = now + timedelta(minutes=10)
    GatewayRegistration.objects.create(
        node_id="b", gateway=gateway, status=200, until=later, checked_at=now, changed_at=now
    )
    assert refused not in said()
    GatewayRegistration.objects.filter(node_id="b").delete()
    row.until = later
    row.save()
    assert refused not in said()


def test_a_domain_that_waits_for_its_proof_is_named(acme: World) -> None:
    Domain.objects.filter(pk=acme.domain.pk).update(vouched=False)
    shown = Visitor(acme.people["viewer"]).reads("/t/acme/")
    assert "example.com is not served before it is proved to be yours." in shown


def test_what_was_turned_off_is_left_alone(acme: World) -> None:
    now = timezone.now()
    GatewayHealth.objects.create(
        node_id="a", gateway=acme.routes["gateways"], is_alive=False, checked_at=now, changed_at=now
    )
    Gateway.objects.update(enabled=False)
    assert "Wants attention" not in Visitor(acme.people["viewer"]).reads("/t/acme/")


@pytest.mark.parametrize(
    ("age", "relays", "sentence"),
    [
        (timedelta(seconds=11), {"relay": True}, "No proxy is running"),
        (timedelta(), {"relay": False, "other": True}, "A media relay does not answer"),
        (timedelta(), {"relay": False}, "No media relay answers"),
    ],
)
def test_servers_that_are_away_are_told(
    acme: World, operator: Person, age: timedelta, relays: dict[str, bool], sentence: str
) -> None:
    heartbeat(age=age, **relays)
    assert sentence in Visitor(acme.people["viewer"]).reads("/t/acme/")
    assert sentence in Visitor(operator).reads("/platform/")


def test_one_proxy_of_two_is_silent(acme: World) -> None:
    heartbeat("b", age=timedelta(minutes=1))
    page = Visitor(acme.people["viewer"]).reads("/t/acme/")
    assert "1 proxy is silent" in page
    assert "1 of 2 answer" in page


def test_the_last_check_of_a_domain_is_told(acme: World, rival: World) -> None:
    now = timezone.now()
    soon = (now + timedelta(days=9, hours=1)).isoformat()
    for world, state in ((acme, "failing"), (rival, "fine")):
        DomainCheck.objects.filter(domain=world.domain).update(
            state=state, changed_at=now,
            problems=["SRV of _sip._udp.example.com is missing: 10 10 5060 sip.example.com"],
            certificate={"names": [], "expires_at": soon},
        )  # fmt: skip
    page = Visitor(acme.people["viewer"]).reads("/t/acme/")
    assert "example.com: SRV of _sip._udp.example.com is missing" in page
    assert "0 of 1 fine" in page
    assert "the first ends in 9 days" in page
    assert "1 of 1 fine" in Visitor(rival.people["viewer"]).reads("/t/rival/")
