"""Lists of the API: filters, orders, pages and sparse fields, of each resource."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from fedsip_platform.api import tokens
from fedsip_platform.api.urls import router
from fedsip_platform.calls.models import CallRecord, FailedSignIn, RegistrationSample
from fedsip_platform.directory import services
from fedsip_platform.federation.models import DomainCheck
from fedsip_platform.location.models import Binding
from fedsip_platform.routing.models import GatewayHealth
from tests.platform.world import Api, World, make_call

pytestmark = [pytest.mark.db, pytest.mark.django_db]

RESOURCES = [(path, view) for path, view, _ in router.registry]


def found(api: Api, query: str, field: str) -> list[Any]:
    answer = api.get(query)
    assert answer.status_code == 200, answer.content
    return [each[field] for each in answer.json()["results"]]


@pytest.fixture
def everything(acme: World, as_operator: Api) -> Api:
    as_operator.put("blocks/192.0.2.1", {})
    as_operator.put("allowed-sources/192.0.2.0/24", {})
    return as_operator


@pytest.mark.parametrize(("path", "view"), RESOURCES)
def test_a_list_shows_the_fields_that_are_asked(everything: Api, path: str, view: Any) -> None:
    for row in everything.get(path).json()["results"]:
        for field, value in row.items():
            sparse = everything.get(f"{path}?fields={field}").json()["results"]
            assert {field: value} in sparse, f"{path}: {field}"
    refused = everything.get(f"{path}?fields=secret_things")
    assert refused.status_code == 400
    assert refused.json()["errors"] == [
        {"field": "fields", "reason": "There is no field secret_things."}
    ]


@pytest.mark.parametrize(("path", "view"), RESOURCES)
def test_a_list_goes_by_each_of_its_orders(everything: Api, path: str, view: Any) -> None:
    whole = everything.get(path).json()["results"]
    for word in view.orders:
        for asked in (word, f"-{word}"):
            rows: list[Any] = []
            address: str | None = f"/api/v1/{path}?order={asked}&limit=1"
            while address is not None:
                page = everything.get(address).json()
                rows += page["results"]
                address = page["next"]
            assert sorted(map(str, rows)) == sorted(map(str, whole)), f"{path}: {asked}"
    refused = everything.get(f"{path}?order=password")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "order"


@pytest.mark.parametrize(("path", "view"), RESOURCES)
def test_each_filter_is_checked(everything: Api, path: str, view: Any) -> None:
    for name, each in view.filters.items():
        if each.is_text:
            assert everything.get(f"{path}?{name}=nothing-has-this").json()["results"] == []
            continue
        refused = everything.get(f"{path}?{name}=rubbish")
        assert refused.status_code == 400, f"{path}: {name}"
        assert [one["field"] for one in refused.json()["errors"]] == [name]


def test_users_by_name_and_back(acme: World, as_admin: Api) -> None:
    for username, name in (("bob", "Zed"), ("carol", ""), ("dora", ""), ("erin", "Bea")):
        services.create_subscriber(acme.domain, username, "a good password", display_name=name)
    expected = ["", "", "Alice", "Bea", "Zed"]
    assert found(as_admin, "users?order=name", "display_name") == expected
    assert found(as_admin, "users?order=-name", "display_name") == expected[::-1]
    page = as_admin.get("users?order=name&limit=2").json()
    second = as_admin.get(page["next"]).json()
    assert [each["username"] for each in second["results"]] == ["alice", "erin"]
    back = as_admin.get(second["previous"]).json()
    assert back["results"] == page["results"]


def test_users_by_how_they_stand(acme: World, as_admin: Api) -> None:
    for name in ("bob", "carol"):
        services.create_subscriber(acme.domain, name, "a good password")
    services.disable_subscriber(acme.domain.subscribers.get(username="carol"))
    FailedSignIn.objects.update(aor="bob@example.com", last_at=timezone.now())
    for word, names in {
        "online": ["alice"],
        "offline": ["bob"],
        "never": ["bob", "carol"],
        "failing": ["bob"],
        "disabled": ["carol"],
    }.items():
        assert found(as_admin, f"users?standing={word}", "username") == names, word
    Binding.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert found(as_admin, "users?standing=online", "username") == []


def test_calls_by_what_became_of_them(acme: World, as_admin: Api) -> None:
    CallRecord.objects.all().delete()
    carrier = services.create_translation(acme.domain, match_regex="^9", tran_trunk="carrier")
    failed = {"answered_at": None, "status": 503, "reason": "Service Unavailable"}
    for call_id, fields in {
        "good": {},
        "out": {**failed, "rule_id": carrier.pk},
        "in": {"caller_address": "udp 192.0.2.1:5060", "verdict": ["loss_caller"]},
        "near": {"caller_address": "udp 192.0.2.11:5060", "verdict": ["other_address_callee"]},
        "given up": {**failed, "status": 487},
        "rule": {"rule_id": acme.rule.pk},
    }.items():
        make_call(acme.tenant, acme.domain, call_id=call_id, **fields)
    for query, ids in {
        f"rule={acme.rule.public_id}": {"rule"},
        "trunk=Carrier@example.com": {"out", "in"},
        "trunk=none@example.com": set(),
        "verdict=loss_caller": {"in"},
        "result=bad": {"in"},
        "result=failed": {"out"},
        "result=answered": {"good", "in", "near", "rule"},
        "status=503": {"out"},
        "until=2020-01-01T00:00:00Z": set(),
        "since=2020-01-01T00:00:00Z&answered=false": {"out", "given up"},
    }.items():
        assert set(found(as_admin, f"calls?{query}", "call_id")) == ids, query


def test_exports_have_the_columns_that_are_asked(acme: World, as_admin: Api) -> None:
    answer = as_admin.get("calls/export?fields=call_id,status")
    assert b"".join(answer.streaming_content).split() == [
        b"call_id,status",
        b"call@example.com,200",
    ]
    audit = as_admin.get("audit/export?fields=kind&action=create&kind=domain")
    assert b"".join(audit.streaming_content).split() == [b"kind", b"domain"]


def test_registrations_over_time(acme: World, as_admin: Api) -> None:
    now = timezone.now()
    for hours, devices in ((1, 3), (30, 2)):
        at = now - timedelta(hours=hours)
        RegistrationSample.objects.create(tenant=acme.tenant, at=at, devices=devices, users=1)
    assert found(as_admin, "registrations/over-time", "devices") == [3]
    since = (now - timedelta(days=2)).isoformat().replace("+", "%2B")
    query = f"registrations/over-time?since={since}&fields=devices"
    assert as_admin.get(query).json()["results"] == [{"devices": 2}, {"devices": 3}]
    for text in ("yesterday", "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"):
        refused = as_admin.get(f"registrations/over-time?since={text}")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "since")


def test_what_wants_attention(acme: World, as_admin: Api) -> None:
    now = timezone.now()
    gateway = acme.routes["gateways"]
    GatewayHealth.objects.create(
        node_id="a", gateway=gateway, is_alive=False, checked_at=now, changed_at=now
    )
    DomainCheck.objects.update(
        state="failing", problems=["The SRV record is missing."], changed_at=now
    )
    told = as_admin.get("tenants/acme/attention").json()
    assert {
        "text": "example.com: The SRV record is missing.",
        "is_bad": True,
        "kind": "domain",
        "thing": str(acme.domain.public_id),
        "since": now.isoformat().replace("+00:00", "Z"),
    } in told
    trunk = str(acme.routes["trunks"].public_id)
    assert trunk in [each["thing"] for each in told if each["kind"] == "trunk"]
    assert as_admin.get("tenants/acme/attention?fields=kind").json()[0].keys() == {"kind"}
    assert found(as_admin, "domains?check=failing", "name") == ["example.com"]
    assert found(as_admin, "domains?check=fine", "name") == []
    assert found(as_admin, "gateways?alive=false", "host") == ["sbc.carrier.example"]


def test_ones_own_sessions(acme: World) -> None:
    other = acme.session
    owner = Api(acme.people["owner"])
    assert other.pk in found(owner, "me/sessions", "id")
    assert owner.get(f"me/sessions/{other.pk}").json()["address"] == "192.0.2.7"
    assert Api(acme.people["admin"]).delete(f"me/sessions/{other.pk}").status_code == 404
    assert owner.delete(f"me/sessions/{other.pk}").status_code == 204
    assert other.pk not in found(owner, "me/sessions", "id")
    assert not other.exists()


def test_owners_end_others_tokens_for_their_tenant(acme: World) -> None:
    admin = acme.people["admin"]
    narrow, _ = tokens.create(admin, "narrow", tenant=acme.tenant)
    wide, _ = tokens.create(admin, "wide")
    owner = Api(acme.people["owner"])
    seen = found(owner, "tokens?person=admin@example.com", "name")
    assert seen == ["narrow"]
    assert owner.delete(f"tokens/{wide.public_id}").status_code == 404
    assert owner.delete(f"tokens/{narrow.public_id}").status_code == 204
    assert found(Api(acme.people["viewer"]), "tokens", "name") == []
