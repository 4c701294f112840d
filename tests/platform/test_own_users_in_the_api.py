"""A person's own SIP users through the API: forwards, devices, calls, password; nobody else's."""

from __future__ import annotations

import pytest

from fedsip_platform.directory.models import Subscriber
from fedsip_platform.location.models import Binding
from fedsip_platform.tenants.models import Person
from tests.platform.world import Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]

ALICE = "me/users/alice@example.com"


@pytest.fixture
def alice(acme: World) -> Person:
    """Who belongs to no tenant and owns a SIP user."""
    person = make_person("alice@mail.example")
    Subscriber.objects.filter(pk=acme.user.pk).update(person=person)
    return person


def test_one_sees_ones_own_alone(acme: World, rival: World, alice: Person) -> None:
    own = Api(alice)
    assert [each["address"] for each in own.get("me/users").json()["results"]] == [acme.user.aor]
    assert own.get(f"me/users/{rival.user.aor}").status_code == 404
    assert own.get(f"me/users/{rival.user.public_id}").status_code == 404
    assert [each["id"] for each in own.get(f"{ALICE}/devices").json()] == [acme.binding.binding_id]
    assert [each["call_id"] for each in own.get(f"{ALICE}/calls").json()] == [acme.call.call_id]
    assert own.get("users/alice@example.com").status_code == 404, "roles are another matter"


def test_one_forwards_ones_calls(acme: World, alice: Person) -> None:
    own = Api(alice)
    body = {"condition": "always", "target": "+15557654321"}
    made = own.post(f"{ALICE}/forwards", body)
    assert made.status_code == 201
    shown = own.get(ALICE).json()["forwards"]
    assert {each["condition"] for each in shown} == {"always", "busy"}
    assert own.delete(f"{ALICE}/forwards/{made.json()['id']}").status_code == 204
    assert own.delete(f"{ALICE}/forwards/{made.json()['id']}").status_code == 404
    refused = own.post(f"{ALICE}/forwards", {"condition": "always", "target": "a b"})
    assert refused.json()["errors"][0]["field"] == "target"


def test_one_changes_ones_password_and_signs_devices_out(acme: World, alice: Person) -> None:
    own, before = Api(alice), acme.user.ha1_md5
    assert own.patch(ALICE, {"password": "a better password"}).status_code == 200
    acme.user.refresh_from_db()
    assert acme.user.ha1_md5 != before
    device = f"{ALICE}/devices/{acme.binding.binding_id}"
    assert own.delete(device).status_code == 204
    assert Binding.objects.get().deleted
    for missing in ("nothing", "%00"):
        assert own.delete(f"{ALICE}/devices/{missing}").status_code == 404
