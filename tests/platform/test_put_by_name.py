"""PUT by natural key: it may be repeated, it never makes two, and it names what it names."""

from __future__ import annotations

from typing import Any

import pytest

from fedsip_platform.people import services as people
from fedsip_platform.tenants.models import Person
from tests.platform.aims import KEYS, operations
from tests.platform.world import Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]

UNUSED = "3f2b8c1e-6a54-4d0b-9a53-1f7c6e0d2b48"
CHANGED: dict[str, dict[str, Any]] = {
    "aliases": {"note": "front desk"},
    "ring-groups": {"ring_seconds": 9},
    "trunks": {"inbound_addresses": ["192.0.2.9"]},
    "forwards": {"ring_seconds": 30},
    "gateways": {"port": 5061, "transport": "tls"},
    "outbound-policies": {"caller_id": "+15550000001"},
    "federation-rules": {"allow": False, "note": "spam"},
    "origins": {},
    "people": {"role": "admin"},
    "invitations": {"role": "viewer"},
    "allowed-sources": {"note": "the office"},
    "blocks": {"evidence": "asked to"},
}
# Moments, and what a proxy writes.
MOVING = ("updated_at", "last_seen_at", "blocked_until", "link")


def without_moments(thing: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in thing.items() if name not in MOVING}


@pytest.fixture
def everybody(acme: World, as_operator: Api) -> Api:
    """An operator; somebody who signs in and belongs nowhere is there too."""
    make_person("stranger@example.org")
    return as_operator


def address(path: str, key: str) -> str:
    return f"{path}/{key.format(domain='example.com', tenant='acme')}"


# A token's text is shown once, so making it again is never the same; the other is a page's alone.
WITHOUT = {"tokens", "me/phone/favourites"}


def test_each_resource_that_one_can_make_has_it(db: None) -> None:
    there = set(operations())
    made = {
        path for path, method in there if method == "post" and (f"{path}/{{key}}", "get") in there
    }
    put = {path.removesuffix("/{key}") for path, method in there if method == "put"}
    assert made - put == WITHOUT


@pytest.mark.parametrize("path", KEYS)
def test_it_may_be_repeated(everybody: Api, path: str) -> None:
    at, body = address(path, KEYS[path][1]), KEYS[path][2]
    made = everybody.put(at, body)
    assert made.status_code == 201, made.content
    again = everybody.put(at, body)
    assert again.status_code == 200, again.content
    assert without_moments(again.json()) == without_moments(made.json())
    read = everybody.get(at)
    assert without_moments(read.json()) == without_moments(again.json())
    assert everybody.get(f"{path}/{made.json()['id']}").json() == read.json()
    changed = everybody.put(at, CHANGED[path])
    assert changed.json().items() >= CHANGED[path].items(), changed.content
    stale = everybody.call("put", at, body, {"If-Match": read.headers["ETag"]})
    assert stale.status_code == (412 if CHANGED[path] else 200)
    assert everybody.call("put", at, body, {"If-None-Match": "*"}).status_code == 412


@pytest.mark.parametrize("path", KEYS)
def test_what_is_there_already_is_found_by_it(everybody: Api, path: str) -> None:
    at = address(path, KEYS[path][0])
    if path in ("blocks", "allowed-sources"):
        everybody.put(at, {})
    answer = everybody.put(at, {"role": "viewer"} if path in ("people", "invitations") else {})
    assert answer.status_code == 200, answer.content
    assert everybody.delete(at).status_code == 204


@pytest.mark.parametrize("path", KEYS)
def test_nothing_is_made_for_one_who_means_what_is_there(everybody: Api, path: str) -> None:
    at, body = address(path, KEYS[path][1]), KEYS[path][2]
    for tag in ("*", '"of something"'):
        assert everybody.call("put", at, body, {"If-Match": tag}).status_code == 412
    assert everybody.get(at).status_code == 404


@pytest.mark.parametrize(
    ("at", "body", "field"),
    [
        ("users/alice@example.com", {"username": "eve"}, "username"),
        ("users/alice@example.com", {"domain": "example.org"}, "domain"),
        ("domains/example.com", {"name": "example.org"}, "name"),
        ("tenants/acme", {"slug": "globex"}, "slug"),
        ("aliases/1000@example.com", {"name": "2000"}, "name"),
        ("forwards/alice@example.com:busy", {"condition": "always"}, "condition"),
        ("outbound-policies/example.com", {"user": "alice@example.com"}, "user"),
        ("federation-rules/example.com:bad.example", {"direction": "in"}, "direction"),
        ("origins/acme:https://www.example.com", {"origin": "https://x.example"}, "origin"),
        ("allowed-sources/192.0.2.0/24", {"network": "198.51.100.0/24"}, "network"),
        ("blocks/192.0.2.1", {"address": "192.0.2.2"}, "address"),
        ("invitations/acme:new@example.com", {"email": "eve@example.org"}, "email"),
    ],
)
def test_a_body_does_not_name_something_else(
    everybody: Api, at: str, body: dict[str, Any], field: str
) -> None:
    answer = everybody.put(at, body)
    assert answer.status_code == 400, answer.content
    assert [each["field"] for each in answer.json()["errors"]] == [field]


def test_names_in_any_spelling(acme: World, as_admin: Api) -> None:
    assert as_admin.put("domains/bücher.example", {"name": "BÜCHER.example"}).status_code == 201
    user = {"username": "Bob", "domain": "bücher.example", "password": "a good password"}
    assert as_admin.put("users/BOB@Bücher.Example", user).status_code == 201
    assert as_admin.put("users/bob@xn--bcher-kva.example", user).status_code == 200


def test_two_gateways_at_one_host_have_no_name(acme: World, as_admin: Api) -> None:
    at = "gateways/carrier@example.com:sbc.carrier.example"
    trunk = str(acme.routes["trunks"].public_id)
    made = as_admin.post("gateways", {"trunk": trunk, "host": "sbc.carrier.example", "port": 5070})
    assert made.status_code == 201
    for method in ("get", "put", "patch", "delete"):
        assert as_admin.call(method, at, {}).status_code == 409
    assert as_admin.put(f"gateways/{made.json()['id']}", {"port": 5071}).json()["port"] == 5071


def test_invitations_are_not_repeated_after_they_are_accepted(acme: World, everybody: Api) -> None:
    at = "invitations/acme:stranger@example.org"
    assert everybody.put(at, {"role": "viewer"}).json()["link"]
    invitation = acme.tenant.invitations.get(email="stranger@example.org")
    people.accept(invitation, Person.objects.get(email="stranger@example.org"))
    again = everybody.put(at, {"role": "viewer"})
    assert (again.status_code, "link" in again.json()) == (200, False)


def test_owners_put_nobody_into_their_tenant(acme: World, everybody: Api) -> None:
    owner = Api(acme.people["owner"])
    for email in ("stranger@example.org", "unheard-of@example.org"):
        assert owner.put(f"people/acme:{email}", {"role": "admin"}).status_code == 403
    assert owner.put("people/acme:viewer@example.com", {"role": "admin"}).status_code == 200


def test_ids_that_programs_choose(acme: World, as_admin: Api) -> None:
    rule = {"domain": "example.com", "match_regex": "^100$", "tran_user": "alice"}
    webhook = {"url": "https://hooks.example.com/", "events": ["call.ended"]}
    for path, body, change in (
        ("translations", rule, {"tran_user": "bob"}),
        ("webhooks", webhook, {"note": "ours"}),
    ):
        at = f"{path}/3f2b8c1e-6a54-4d0b-9a53-1f7c6e0d2b47"
        made = as_admin.put(at, body)
        assert (made.status_code, made.json()["id"]) == (201, at.partition("/")[2])
        assert as_admin.put(at, body).status_code == 200
        assert as_admin.put(at, change).json().items() >= {**body, **change}.items()
        unnamed = as_admin.put(f"{path}/{UNUSED}", change)
        assert unnamed.status_code == 400
        assert as_admin.put(f"{path}/no-id", body).status_code == 404
