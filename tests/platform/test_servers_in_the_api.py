"""What the API says of proxies, relays, certificates and health."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fedsip_platform.calls.models import Node
from fedsip_platform.federation.models import DomainCheck
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def beat(node_id: str, *, age: int = 0, **relays: bool) -> None:
    """A proxy's row, so many seconds old."""
    at = timezone.now() - timedelta(seconds=age)
    Node.objects.create(node_id=node_id, started_at=at, seen_at=at, calls=3, relays=relays)


def test_operators_see_proxies_and_relays(as_operator: Api) -> None:
    beat("a", one=True, two=False)
    beat("b", one=False, two=False)
    beat("c", age=60, two=True)
    shown = as_operator.get("nodes").json()["results"]
    assert [(each["id"], each["is_alive"]) for each in shown] == [
        ("a", True), ("b", True), ("c", False),
    ]  # fmt: skip
    assert as_operator.get("nodes/a").json()["relays"] == {"one": True, "two": False}
    assert as_operator.get("relays").json()["results"] == [
        {"name": "one", "answers": True},
        {"name": "two", "answers": False},
    ]


def test_certificates_are_those_of_the_last_checks(acme: World, rival: World) -> None:
    viewer = Api(acme.people["viewer"])
    (shown,) = viewer.get("certificates").json()["results"]
    assert (shown["domain"], shown["issuer"], shown["source"]) == (
        "example.com", "An Authority", "node",
    )  # fmt: skip
    DomainCheck.objects.update(certificate={})
    assert viewer.get("certificates").json()["results"] == []


def test_health_is_of_what_one_may_see(acme: World, rival: World) -> None:
    beat("a", one=False, two=True)
    DomainCheck.objects.filter(domain=rival.domain).update(state="failing")
    parts = {
        each["name"]: each for each in Api(acme.people["viewer"]).get("health").json()["parts"]
    }
    assert {name: part["state"] for name, part in parts.items()} == {
        "proxies": "good", "relays": "warn", "domains": "good", "certificates": "good",
    }  # fmt: skip
    assert parts["relays"]["sentence"] == (
        "A media relay does not answer; new calls go to the others."
    )


@pytest.mark.parametrize(
    ("path", "body", "changed"),
    [
        ("aliases/2000@example.com", {"target": "alice"}, {"note": "front desk"}),
        ("ring-groups/All@Example.com", {"members": ["alice"]}, {"ring_seconds": 9}),
        ("trunks/second@example.com", {}, {"inbound_addresses": ["192.0.2.9"]}),
    ],
)
def test_put_by_name_may_be_repeated(
    acme: World, as_admin: Api, path: str, body: dict[str, object], changed: dict[str, object]
) -> None:
    made = as_admin.put(path, body)
    assert made.status_code == 201, made.content
    assert made.json()["domain"] == "example.com"
    again = as_admin.put(path, body)
    assert again.status_code == 200
    assert again.json() | {"updated_at": ""} == made.json() | {"updated_at": ""}
    assert as_admin.get(path).json() == again.json()
    assert as_admin.put(path, changed).json().items() >= changed.items()
    assert as_admin.put(path.partition("/")[0] + "/nowhere", body).status_code == 404


def test_put_of_a_rule_keeps_the_id_that_was_chosen(acme: World, as_admin: Api) -> None:
    path = "translations/3f2b8c1e-6a54-4d0b-9a53-1f7c6e0d2b47"
    body = {"domain": "example.com", "match_regex": "^100$", "tran_user": "alice"}
    made = as_admin.put(path, body)
    assert (made.status_code, made.json()["id"]) == (201, path.partition("/")[2])
    assert as_admin.put(path, body).status_code == 200
    assert as_admin.put(path, {"tran_user": "bob"}).json()["match_regex"] == "^100$"
    unnamed = as_admin.put("translations/3f2b8c1e-6a54-4d0b-9a53-1f7c6e0d2b48", {"tran_user": "x"})
    assert unnamed.json()["errors"][0]["field"] == "domain"
