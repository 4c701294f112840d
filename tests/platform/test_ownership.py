"""Whose a domain is: served on an operator's word or the DNS's proof, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from fedsip_platform.audit.models import Entry
from fedsip_platform.directory.models import Domain
from fedsip_platform.federation import ownership
from fedsip_platform.tasks import checks
from fedsip_platform.tenants.models import Person
from tests.harness.dns_server import DnsThread, Zones
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

NAME = "new.example"


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsThread]:
    with DnsThread(Zones({NAME: "@ A 192.0.2.1"})) as server:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", server.address)
        yield server


def publish(dns: DnsThread, *records: str) -> None:
    lines = [f'_fedsip-verify TXT "{value}"' for value in records]
    dns.server.zones = Zones({NAME: "\n".join(lines)})


def added(by: World, name: str = NAME) -> Domain:
    answer = Api(by.people["admin"]).post("domains", {"name": name})
    assert answer.status_code == 201, answer.content
    return Domain.objects.select_related("tenant").get(name=name)


def known_to_proxies() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM proxy_domain")
        return {name for (name,) in cursor.fetchall()}


def test_a_tenant_s_domain_is_served_once_it_is_proved(acme: World, dns: DnsThread) -> None:
    domain = added(acme)
    api = Api(acme.people["admin"])
    assert api.get(f"domains/{NAME}").json()["is_served"] is False
    assert NAME not in known_to_proxies()
    *_, asked_for = api.get(f"domains/{NAME}/dns").json()
    assert (asked_for["kind"], asked_for["state"]) == ("TXT", "missing")

    publish(dns, asked_for["value"])
    *_, proof = api.get(f"domains/{NAME}/dns").json()
    assert proof["state"] == "published"
    assert api.get(f"domains/{NAME}").json()["is_served"] is True
    assert NAME in known_to_proxies()
    assert Entry.objects.filter(action="prove ownership of", key=str(domain)).count() == 1


def test_the_proof_of_new_domains_is_looked_for_by_itself(acme: World, dns: DnsThread) -> None:
    domain = added(acme)
    publish(dns, ownership.record(domain).value)
    checks.check_domains()
    domain.refresh_from_db()
    assert domain.is_served


def test_the_word_of_operators_is_enough(acme: World, operator: Person, dns: DnsThread) -> None:
    by_operator = {"name": "theirs.example", "tenant": acme.tenant.slug}
    assert Api(operator).post("domains", by_operator).json()["is_served"] is True

    domain = added(acme)
    assert Api(acme.people["owner"]).post(f"domains/{NAME}/vouch").status_code == 403
    assert Api(operator).post(f"domains/{NAME}/vouch").json()["vouched"] is True
    assert NAME in known_to_proxies()
    assert Entry.objects.filter(kind="domain", key=str(domain), via="api").count() == 2


def test_operators_vouch_by_a_button(acme: World, operator: Person, dns: DnsThread) -> None:
    domain = added(acme)
    address = reverse("domain", args=[acme.tenant.slug, domain.public_id])
    button = reverse("domain-vouch", args=[domain.public_id])
    owner = Api(acme.people["owner"])
    shown = owner.get(address).content.decode()
    assert "Not served yet" in shown
    assert button not in shown
    assert button in Api(operator).get(address).content.decode()
    assert owner._client.post(button, secure=True).status_code == 404
    assert Api(operator)._client.post(button, secure=True).status_code == 302
    assert "an operator vouches for it" in owner.get(address).content.decode()


def test_nobody_asks_for_proof_where_all_tenants_are_one_s_own(acme: World, settings: Any) -> None:
    settings.WEB = replace(settings.WEB, domain_proof=False)
    assert added(acme).is_served


def test_a_new_name_wants_a_new_proof(acme: World, dns: DnsThread) -> None:
    domain = added(acme)
    publish(dns, ownership.record(domain).value)
    assert ownership.check(domain)[-1].state == "published"
    answer = Api(acme.people["admin"]).patch(f"domains/{NAME}", {"name": "other.example"})
    assert answer.json()["is_served"] is False
    assert {NAME, "other.example"}.isdisjoint(known_to_proxies())


def test_an_unproved_claim_gives_way_to_the_owner(
    acme: World, rival: World, dns: DnsThread
) -> None:
    added(rival)
    api = Api(acme.people["admin"])
    refused = api.post("domains", {"name": NAME.upper()})
    assert refused.status_code == 409
    (problem,) = refused.json()["errors"]
    assert problem["field"] == "name"
    record = ownership._record(acme.tenant, NAME)
    assert str(record) in problem["reason"]

    publish(dns, record.value)
    assert api.post("domains", {"name": NAME}).json()["is_served"] is True
    assert Domain.objects.get(name=NAME).tenant == acme.tenant
    assert Entry.objects.filter(tenant_id=rival.tenant.pk, action="delete", key=NAME).exists()


def test_a_served_domain_gives_way_to_nobody(acme: World, rival: World, dns: DnsThread) -> None:
    added(rival)
    Domain.objects.filter(name=NAME).update(vouched=True)
    publish(dns, ownership._record(acme.tenant, NAME).value)
    refused = Api(acme.people["admin"]).post("domains", {"name": NAME})
    assert refused.status_code == 409
    assert "taken" in refused.json()["errors"][0]["reason"]
