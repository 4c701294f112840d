"""Aliases, ring groups, trunks, forwards, other domains, dialling: looked after in pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from fedsip_platform.audit.models import Entry
from fedsip_platform.directory import services
from fedsip_platform.federation.models import FederationRule
from fedsip_platform.routing.models import (
    Alias,
    Forward,
    Gateway,
    GatewayHealth,
    GatewayRegistration,
    OutboundPolicy,
    RingGroup,
    Trunk,
)
from tests.platform.browsing import Visitor
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

ROUTING = "/t/acme/routing"


@pytest.fixture
def admin(acme: World) -> Visitor:
    return Visitor(acme.people["admin"])


def new(world: World, at: str) -> str:
    return f"{ROUTING}/{at}/of/{world.domain.public_id}/new"


# Address of the kind, what is typed, what is then in the database, where it is listed, and as what.
MADE: list[tuple[str, dict[str, Any], Any, dict[str, Any], str]] = [
    ("aliases", {"name": " 2000 ", "target": "alice", "enabled": "on"},
     Alias, {"name": "2000", "target": "alice@example.com"}, "2000"),
    ("groups", {"name": "Night", "members": "alice,\nALICE", "strategy": "in_order",
                "ring_seconds": "30", "fallback": "+1555", "enabled": "on"},
     RingGroup, {"name": "night", "members": ["alice@example.com"],
                 "fallback": "+1555@example.com"}, "one after the other, 30 s each"),
    ("trunks", {"name": "second", "inbound_addresses": "192.0.2.9\n2001:db8::/48",
                "options_seconds": "0", "enabled": "on"},
     Trunk, {"name": "second", "inbound_addresses": ["192.0.2.9", "2001:db8::/48"]},
     "none: it leads nowhere"),
    ("peers", {"pattern": "*.BÜCHER.example", "direction": "in", "allow": "on", "enabled": "on"},
     FederationRule, {"pattern": "*.xn--bcher-kva.example", "verified": False}, "without proof"),
    ("dialling", {"user": "Alice", "caller_id": "+15551", "classes": ["national", "emergency"]},
     OutboundPolicy, {"user__aor": "alice@example.com", "classes": ["emergency", "national"]},
     "numbers of the home country"),
]  # fmt: skip


@pytest.mark.parametrize(("at", "typed", "model", "kept", "shown"), MADE)
def test_what_is_typed_is_kept_listed_and_noted(
    acme: World, admin: Visitor, at: str, typed: dict[str, Any], model: Any, kept: Any, shown: str
) -> None:
    page = admin.sends(new(acme, at), **typed)
    assert admin.problems == []
    if "classes" in kept:
        kept = {name: value for name, value in kept.items() if name != "classes"}
        assert sorted(model.objects.get(**kept).classes) == ["emergency", "national"]
    assert model.objects.filter(domain=acme.domain, **kept).exists()
    assert shown in page
    noted = Entry.objects.filter(tenant=acme.tenant, action="create").latest("pk")
    assert (noted.actor, noted.via) == ("admin@example.com", "dashboard")


# What is refused, at which address, and the words beside the field.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("aliases", {"name": "3000", "target": "nobody"}, "There is no user nobody@example.com here."),
    ("aliases", {"name": "3000", "target": "alice@example.net"}, "There is no user"),
    ("aliases", {"name": "alice", "target": "alice"}, "alice@example.com is a user already."),
    ("aliases", {"name": "1000", "target": "alice"}, "This alias exists already."),
    ("groups", {"name": "g", "members": "eve", "strategy": "parallel", "ring_seconds": "20"},
     "There is no user eve@example.com here."),
    ("groups", {"name": "g", "strategy": "parallel", "ring_seconds": "1"}, "greater than or equal"),
    ("trunks", {"name": "t", "inbound_addresses": "10.0.0.0/8", "options_seconds": "30"},
     "is too large"),
    ("trunks", {"name": "t", "inbound_addresses": "here", "options_seconds": "30"}, "no address"),
    ("peers", {"pattern": "evil.example", "direction": "both", "trusted": "on"},
     "A domain that is denied cannot be trusted."),
    ("dialling", {"user": "eve"}, "There is no user eve@example.com."),
    ("dialling", {"deny_regex": "("}, "missing )"),
]  # fmt: skip


@pytest.mark.parametrize(("at", "typed", "reason"), REFUSED)
def test_what_cannot_be_is_refused_beside_its_field(
    acme: World, rival: World, admin: Visitor, at: str, typed: dict[str, Any], reason: str
) -> None:
    admin.sends(new(acme, at), **typed)
    assert admin.status == 200
    assert [text for text in admin.problems if reason in text], admin.problems


def test_a_trunk_has_gateways_with_their_health(acme: World, admin: Visitor) -> None:
    trunk, gateway = acme.routes["trunks"], acme.routes["gateways"]
    page = f"{ROUTING}/trunks/{trunk.public_id}"
    assert "not asked yet" in admin.reads(page)
    now = timezone.now()
    for node, alive in (("a", True), ("b", False)):
        GatewayHealth.objects.create(
            node_id=node, gateway=gateway, is_alive=alive, round_trip_ms=23 if alive else None,
            checked_at=now, changed_at=now - timedelta(minutes=7),
        )  # fmt: skip
    assert "1 proxy gets no answer" in admin.reads(f"{ROUTING}/trunks/")
    GatewayHealth.objects.filter(node_id="b").delete()
    assert "answers in 23 ms" in admin.reads(page)
    host = {"host": "sbc9.carrier.example", "transport": "tls", "priority": "1", "weight": "1"}
    admin.sends(f"{ROUTING}/gateways/of/{trunk.public_id}/new", **host, enabled="on")
    assert "sbc9.carrier.example" in admin.shown
    admin.sends(f"{ROUTING}/gateways/{gateway.public_id}/delete")
    assert Gateway.objects.get(trunk=trunk).host == "sbc9.carrier.example"


def test_how_a_registration_stands(acme: World, admin: Visitor) -> None:
    trunk, gateway, now = acme.routes["trunks"], acme.routes["gateways"], timezone.now()
    page = f"{ROUTING}/trunks/{trunk.public_id}"
    typed = {"name": "carrier", "account": "acme", "registers": "on", "options_seconds": "30"}
    admin.sends(page, **typed, enabled="on")
    assert admin.problems == ["The account needs its password."]
    admin.sends(page, **typed, enabled="on", password="carriers secret")
    assert "not registered yet" in admin.reads(page)
    assert "carriers secret" not in admin.reads(page)
    assert "There is one; leave this empty and it stays." in admin.reads(page)
    row = GatewayRegistration.objects.create(
        node_id="a", gateway=gateway, status=403, reason="Forbidden", checked_at=now, changed_at=now
    )
    assert "refuses our registration (403 Forbidden)" in admin.reads(f"{ROUTING}/trunks/")
    row.status, row.until = 408, now + timedelta(minutes=5)
    row.save()
    assert "registered since" in admin.reads(page)
    row.until = now - timedelta(minutes=5)
    row.save()
    assert "does not answer our registration" in admin.reads(page)
    [listed] = Api(acme.people["admin"]).get("gateways").json()["results"]
    assert [each["status"] for each in listed["registrations"]] == [408]


def test_a_trunk_that_rules_lead_to_stays(acme: World, admin: Visitor) -> None:
    services.create_translation(acme.domain, match_regex="^9", tran_trunk="carrier")
    admin.sends(f"{ROUTING}/trunks/{acme.routes['trunks'].public_id}/delete")
    assert admin.problems == ["1 rules lead to this trunk; change them first."]
    assert Trunk.objects.filter(name="carrier").exists()


def test_only_what_changed_is_written(acme: World, admin: Visitor) -> None:
    group = acme.routes["ring-groups"]
    typed = {"name": "sales", "members": "alice@example.com", "strategy": "parallel",
             "ring_seconds": "25", "enabled": "on"}  # fmt: skip
    admin.sends(f"{ROUTING}/groups/{group.public_id}", **typed)
    noted = Entry.objects.filter(kind="ringgroup", action="change").latest("pk")
    assert noted.changes == {"ring_seconds": [20, 25]}
    admin.sends(f"{ROUTING}/groups/{group.public_id}/delete")
    assert not RingGroup.objects.exists()


def test_a_users_calls_are_told_as_a_line(acme: World, admin: Visitor) -> None:
    page = f"/t/acme/users/{acme.user.public_id}"
    assert "1 device rings" in admin.reads(page)
    assert "when busy" in admin.shown
    for text in ("1000", "sales", "+15550000000"):  # alias, group, number shown
        assert text in admin.shown
    typed = {"condition": "no_answer", "target": "+15557", "ring_seconds": "35", "enabled": "on"}
    admin.sends(f"/t/acme/users/forwards/of/{acme.user.public_id}/new", **typed)
    assert "when nobody answers" in admin.shown
    assert "35 s" in admin.shown
    admin.sends(f"/t/acme/users/forwards/of/{acme.user.public_id}/new", **typed)
    assert admin.problems == ["This user has a forward for that already."]
    always = {**typed, "condition": "always", "target": "+15558"}
    admin.sends(f"/t/acme/users/forwards/of/{acme.user.public_id}/new", **always)
    assert "at once, no phone rings" in admin.shown
    assert "1 device rings" not in admin.shown
    for forward in Forward.objects.all():
        admin.sends(f"/t/acme/users/forwards/{forward.public_id}/delete")
    assert not Forward.objects.exists()


def test_what_was_refused_to_other_domains_stands_beside_their_rules(
    acme: World, rival: World, admin: Visitor
) -> None:
    page = admin.reads(f"{ROUTING}/peers/?domain=example.com")
    assert "a rule denies that domain" in page
    assert "example.com says of all other domains" in page
    assert page.count("bad.example") >= 2


def test_a_domain_of_nobody_here_is_no_page(acme: World, rival: World, admin: Visitor) -> None:
    for tab in ("", "aliases/", "groups/", "trunks/", "peers/", "dialling/"):
        admin.reads(f"{ROUTING}/{tab}?domain=example.net")
        assert admin.status == 404, tab
