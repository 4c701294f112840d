"""Nobody reaches another tenant's things: every operation of the API, as every kind of caller.

The operations are read from the URLconf, so a new one without a line in the tables below fails.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib import admin
from django.utils import timezone

from fedsip_platform.api import throttles, tokens
from fedsip_platform.calls.models import BlockedSource, HangUp, RegistrationSample
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.location.models import Binding
from fedsip_platform.people import services as people
from fedsip_platform.tenants.models import Person
from tests.platform.aims import AIMED, ROUTES, allowed, blocked, node, operations
from tests.platform.world import Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]


# About the caller alone, or open to all.
ABOUT_ONESELF = {
    ("me", "get"),
    ("me/phone", "get"),
    ("me/phone/pass", "post"),
    ("me/phone/favourites", "post"),
    ("session", "get"),
    ("session", "post"),
    ("session", "delete"),
    ("schema", "get"),
    ("locate", "get"),
    ("health", "get"),
    ("docs", "get"),
}

# These answer 200, with one's own things only.
LISTS = {
    (name, "get")
    for name in (
        *("tenants", "domains", "users", "registrations", "translations", "tokens", "audit"),
        *("calls", "live-calls", "failed-sign-ins", "origins"),
        *("federation-rules", "refusals", "certificates"),
        *("people", "invitations", "jobs", "webhooks", "webhook-deliveries"),
    )
} | {(name, "get") for name in ROUTES}

# These answer figures of one's own alone.
FIGURES = {("calls/by-hour", "get")}
SAMPLES = {("registrations/over-time", "get")}

# The same as a download.
EXPORTS = {("audit/export", "get"), ("calls/export", "get")}

# Users that are one's own (test_own_users_in_the_api.py), whom they call often, one's browsers.
OWN_LISTS = {(f"me/{name}", "get") for name in ("users", "phone/favourites", "sessions")}

# These too, and are empty for everybody but operators.
OPERATORS_LISTS = {(name, "get") for name in ("blocks", "allowed-sources", "nodes", "relays")}

# These answer row by row; others' rows are refused one by one.
ROW_BY_ROW = {("users/bulk", "post")}


def test_every_operation_has_a_line_here() -> None:
    known = (
        ABOUT_ONESELF
        | LISTS
        | FIGURES
        | SAMPLES
        | EXPORTS
        | ROW_BY_ROW
        | OPERATORS_LISTS
        | OWN_LISTS
        | set(AIMED)
    )
    assert set(operations()) == known


# Who has no role in any tenant, of whom one has a user of acme's that is her own.
OUTSIDE = ("nobody's", "subscriber")


@pytest.fixture
def callers(acme: World, operator: Person) -> dict[str, Api]:
    owner, subscriber = acme.people["owner"], make_person("alice@people.example")
    people.own(acme.user, subscriber)
    texts = {
        "read token": tokens.create(owner, "r", "read")[1],
        "write token": tokens.create(owner, "w", "write")[1],
        "narrow token": tokens.create(owner, "n", "write", tenant=acme.tenant)[1],
        "operator's narrow token": tokens.create(operator, "o", "write", tenant=acme.tenant)[1],
    }
    return {
        **{role: Api(person) for role, person in acme.people.items()},
        "nobody's": Api(make_person("stranger@example.org")),
        "subscriber": Api(subscriber),
        **{name: Api(token=text) for name, text in texts.items()},
    }


def rows(rival: World) -> list[Any]:
    """All that the rival has, as it stands in the database."""
    return [
        *Domain.objects.filter(tenant=rival.tenant).values(),
        *Subscriber.objects.filter(domain=rival.domain).values(),
        *Translation.objects.filter(domain=rival.domain).values(),
        *Binding.objects.filter(domain=rival.domain).values(),
        *type(rival.tenant).objects.filter(pk=rival.tenant.pk).values(),
        *rival.people["owner"].tokens.values(),
        *HangUp.objects.values(),
        *(type(each).objects.values().get(pk=each.pk) for each in rival.routes.values()),
        *BlockedSource.objects.filter(lifted_at__isnull=False).values(),
        *rival.tenant.origins.values(),
    ]


def test_others_things_cannot_be_reached(rival: World, callers: dict[str, Api]) -> None:
    before = rows(rival)
    for name, caller in callers.items():
        for (path, method), aims in AIMED.items():
            for aim in aims:
                address, body = aim(rival)
                answer = caller.call(method, address, body)
                where = f"{name}: {method} {path}: {answer.content!r}"
                assert answer.status_code in (403, 404), where
                assert answer.headers["Content-Type"] == "application/problem+json", where
                assert b"Alice" not in answer.content, where
    assert rows(rival) == before


def test_lists_show_ones_own_alone(rival: World, acme: World, callers: dict[str, Api]) -> None:
    for name, caller in callers.items():
        for path, _ in LISTS:
            answer = caller.get(path)
            if path == "tokens" and "token" in name:
                assert answer.status_code == 403
                continue
            assert answer.status_code == 200, name
            assert b"rival" not in answer.content, f"{name}: {path}"
            assert b"example.net" not in answer.content, f"{name}: {path}"
            if name in OUTSIDE:
                assert answer.json()["results"] == []
            elif path not in ("tokens", "audit", "people"):
                assert len(answer.json()["results"]) == 1, f"{name}: {path}"


def test_figures_are_of_ones_own_alone(rival: World, acme: World, callers: dict[str, Api]) -> None:
    for name, caller in callers.items():
        for path, _ in FIGURES:
            hours = caller.get(path).json()["results"]
            assert sum(hour["answered"] for hour in hours) == (name not in OUTSIDE), name


def test_samples_are_of_ones_own_alone(rival: World, acme: World, callers: dict[str, Api]) -> None:
    now = timezone.now()
    for world, devices in ((acme, 3), (rival, 500)):
        RegistrationSample.objects.create(tenant=world.tenant, at=now, devices=devices)
    for name, caller in callers.items():
        for path, _ in SAMPLES:
            samples = caller.get(path).json()["results"]
            assert [each["devices"] for each in samples] == [3] * (name not in OUTSIDE), name


def test_exports_hold_ones_own_alone(rival: World, acme: World, callers: dict[str, Api]) -> None:
    for name, caller in callers.items():
        for path, _ in EXPORTS:
            answer = caller.get(path)
            text = b"".join(answer.streaming_content)
            assert answer.status_code == 200, name
            assert b"rival" not in text, f"{name}: {path}"
            assert b"example.net" not in text, f"{name}: {path}"
            assert (b"example.com" in text) == (name not in OUTSIDE), f"{name}: {path}"


def test_what_is_the_platforms_is_the_operators_alone(
    callers: dict[str, Api], as_operator: Api
) -> None:
    blocked(), allowed(), node()
    for path, _ in OPERATORS_LISTS:
        for name, caller in callers.items():
            assert caller.get(path).json()["results"] == [], name
        assert len(as_operator.get(path).json()["results"]) == 1


def test_rows_about_others_things_are_refused(rival: World, callers: dict[str, Api]) -> None:
    before = rows(rival)
    body = [
        {"address": rival.user.aor, "password": "another password"},
        {"address": f"eve@{rival.domain.name}", "password": "a good password"},
    ]
    for name, caller in callers.items():
        for path, method in ROW_BY_ROW:
            answer = caller.call(method, path, body)
            if answer.status_code == 403 and name == "read token":
                continue
            lines = [json.loads(line) for line in answer.getvalue().splitlines()]
            assert [line["status"] for line in lines[:-1]] == ["refused", "refused"], name
    assert rows(rival) == before


def test_filters_do_not_open_the_door(rival: World, callers: dict[str, Api]) -> None:
    queries = (
        "audit?tenant=rival",
        "audit?key=alice@example.net",
        "domains?tenant=rival",
        "domains?q=example.net",
        "users?domain=example.net",
        "users?q=alice@example.net",
        "registrations?domain=example.net",
        "registrations?address=alice@example.net",
        "translations?domain=example.net",
        "calls?domain=example.net",
        "calls?address=alice@example.net",
        "calls?call_id=call@example.net",
        "live-calls?domain=example.net",
        "failed-sign-ins?user=alice@example.net",
    )
    for caller in callers.values():
        for query in queries:
            assert caller.get(query).json()["results"] == []


def test_strangers_are_asked_who_they_are(acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles, "ANONYMOUS_PER_MINUTE", 1000)
    stranger = Api()
    for (_, method), aims in AIMED.items():
        address, body = aims[0](acme)
        answer = stranger.call(method, address, body)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for path, _ in LISTS | {("me", "get")}:
        assert stranger.get(path).status_code == 401


def test_viewers_change_nothing_of_their_own(acme: World) -> None:
    viewer = Api(acme.people["viewer"])
    reader = Api(token=tokens.create(acme.people["owner"], "r", "read")[1])
    before = rows(acme)
    for caller in (viewer, reader):
        for (path, method), aims in AIMED.items():
            ones_own = ("tokens", "me/users", "me/sessions", "me/phone/favourites")
            if method == "get" or path.startswith(ones_own):
                continue  # what is somebody's own is no matter of roles
            for aim in aims:
                address, body = aim(acme)
                answer = caller.call(method, address, body)
                assert answer.status_code == 403, f"{method} {path}: {answer.content!r}"
    assert rows(acme)[:5] == before[:5]  # all but the tokens, which note their last use


def test_djangos_admin_is_for_operators(acme: World, operator: Person) -> None:
    addresses = ["/admin/"]
    for model in admin.site._registry:
        addresses.append(f"/admin/{model._meta.app_label}/{model._meta.model_name}/")
    owner, them = Api(acme.people["owner"]), Api(operator)
    for address in addresses:
        answer = owner.get(address)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")
        assert them.get(address).status_code == 200, address


def test_disabled_people_are_nobody(acme: World) -> None:
    owner = acme.people["owner"]
    program = Api(token=tokens.create(owner, "w", "write")[1])
    person = Api(owner)
    assert program.get("me").status_code == 200
    owner.is_active = False
    owner.save()
    assert program.get("me").status_code == 401
    assert person.get("me").status_code == 401


def test_leaving_a_tenant_takes_effect_at_once(acme: World) -> None:
    owner = acme.people["owner"]
    program = Api(token=tokens.create(owner, "w", "write", tenant=acme.tenant)[1])
    assert program.get("domains/example.com").status_code == 200
    owner.memberships.all().delete()
    assert program.get("domains/example.com").status_code == 404
