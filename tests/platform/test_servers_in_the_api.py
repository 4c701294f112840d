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
