"""Nobody reaches another tenant's things: every operation of the API, as every kind of caller.

The operations are read from the URLconf, so a new one without a line in the tables below fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from fedsip_platform.api import tokens
from fedsip_platform.calls import services as calls
from fedsip_platform.calls.models import AllowedSource, BlockedSource, HangUp
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.location.models import Binding
from fedsip_platform.tenants.models import Person
from tests.platform.world import Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]

METHODS = ("get", "post", "put", "patch", "delete")

# About the caller alone, or open to all.
ABOUT_ONESELF = {
    ("me", "get"),
    ("me/phone", "get"),
    ("me/phone/pass", "post"),
    ("session", "get"),
    ("session", "post"),
    ("session", "delete"),
    ("schema", "get"),
    ("locate", "get"),
    ("docs", "get"),
}

# What routing has beside rules: a body that makes one in the rival's domain.
ROUTES: dict[str, Callable[[World], dict[str, Any]]] = {
    "aliases": lambda rival: {"domain": rival.domain.name, "name": "2000", "target": "alice"},
    "forwards": lambda rival: {
        "user": rival.user.aor,
        "condition": "always",
        "target": "eve@evil.example",
    },
    "ring-groups": lambda rival: {"domain": rival.domain.name, "name": "all", "members": []},
    "trunks": lambda rival: {"domain": rival.domain.name, "name": "evil"},
    "gateways": lambda rival: {
        "trunk": str(rival.routes["trunks"].public_id),
        "host": "evil.example",
    },
    "outbound-policies": lambda rival: {"domain": rival.domain.name, "user": rival.user.aor},
}

# These answer 200, with one's own things only.
LISTS = {
    (name, "get")
    for name in (
        *("tenants", "domains", "users", "registrations", "translations", "tokens", "audit"),
        *("calls", "live-calls", "failed-sign-ins", "origins"),
        *("federation-rules", "refusals"),
        *("people", "invitations", "jobs", "webhooks", "webhook-deliveries"),
    )
} | {(name, "get") for name in ROUTES}

# The same as a download.
EXPORTS = {("audit/export", "get"), ("calls/export", "get")}

# These too, and are empty for everybody but operators.
OPERATORS_LISTS = {("blocks", "get"), ("allowed-sources", "get")}

# These answer row by row; others' rows are refused one by one.
ROW_BY_ROW = {("users/bulk", "post")}

Call = Callable[[World], tuple[str, Any]]


def blocked() -> str:
    """The id of a block, which is the platform's."""
    return str(calls.block("198.51.100.7").public_id)


def allowed() -> str:
    """The id of an allowed network, which is the platform's."""
    made, _ = AllowedSource.objects.get_or_create(network="198.51.100.0/24")
    return str(made.public_id)


# Each aims at the rival's things.
AIMED: dict[tuple[str, str], list[Call]] = {
    ("tenants", "post"): [lambda rival: ("tenants", {"name": "New", "slug": "new"})],
    ("tenants/{key}", "get"): [
        lambda rival: (f"tenants/{rival.tenant.public_id}", None),
        lambda rival: (f"tenants/{rival.tenant.slug}", None),
    ],
    ("tenants/{key}/usage", "get"): [lambda rival: (f"tenants/{rival.tenant.slug}/usage", None)],
    ("tenants/{key}", "patch"): [
        lambda rival: (f"tenants/{rival.tenant.slug}", {"name": "Taken"}),
        lambda rival: (f"tenants/{rival.tenant.slug}", {"enabled": False}),
    ],
    ("tenants/{key}", "delete"): [lambda rival: (f"tenants/{rival.tenant.slug}", None)],
    ("domains", "post"): [
        lambda rival: ("domains", {"tenant": rival.tenant.slug, "name": "new.example"})
    ],
    ("domains/{key}", "get"): [
        lambda rival: (f"domains/{rival.domain.public_id}", None),
        lambda rival: (f"domains/{rival.domain.name}", None),
    ],
    ("domains/{key}", "put"): [
        lambda rival: (f"domains/{rival.domain.name}", {"note": "taken"}),
        lambda rival: (f"domains/{rival.domain.name.upper()}", {"note": "taken"}),
        lambda rival: ("domains/new.example", {"tenant": rival.tenant.slug}),
    ],
    ("domains/{key}", "patch"): [
        lambda rival: (f"domains/{rival.domain.public_id}", {"note": "taken"})
    ],
    ("domains/{key}/dns", "get"): [lambda rival: (f"domains/{rival.domain.name}/dns", None)],
    ("domains/{key}", "delete"): [lambda rival: (f"domains/{rival.domain.name}", None)],
    ("users", "post"): [
        lambda rival: (
            "users",
            {"domain": rival.domain.name, "username": "eve", "password": "a good password"},
        )
    ],
    ("users/{key}", "get"): [
        lambda rival: (f"users/{rival.user.public_id}", None),
        lambda rival: (f"users/{rival.user.aor}", None),
    ],
    ("users/{key}", "put"): [
        lambda rival: (f"users/{rival.user.aor}", {"password": "a good password"}),
        lambda rival: (f"users/eve@{rival.domain.name}", {"password": "a good password"}),
    ],
    ("users/{key}", "patch"): [
        lambda rival: (f"users/{rival.user.aor}", {"password": "another password"})
    ],
    ("users/{key}", "delete"): [lambda rival: (f"users/{rival.user.public_id}", None)],
    ("users/{key}/pass", "post"): [
        lambda rival: (f"users/{rival.user.aor}/pass", {"seconds": 600}),
        lambda rival: (f"users/{rival.user.public_id}/pass", {}),
    ],
    ("me/phone", "put"): [lambda rival: ("me/phone", {"address": rival.user.aor})],
    ("origins", "post"): [
        lambda rival: ("origins", {"tenant": rival.tenant.slug, "origin": "https://evil.example"})
    ],
    ("origins/{key}", "get"): [lambda rival: (f"origins/{rival.origin.public_id}", None)],
    ("origins/{key}", "delete"): [lambda rival: (f"origins/{rival.origin.public_id}", None)],
    ("registrations/{key}", "get"): [
        lambda rival: (f"registrations/{rival.binding.binding_id}", None)
    ],
    ("registrations/{key}", "delete"): [
        lambda rival: (f"registrations/{rival.binding.binding_id}", None)
    ],
    ("translations", "post"): [
        lambda rival: ("translations", {"domain": rival.domain.name, "tran_user": "eve"})
    ],
    ("translations/try", "get"): [
        lambda rival: (f"translations/try?caller=alice@{rival.domain.name}&dialled=1000", None)
    ],
    ("translations/{key}", "get"): [lambda rival: (f"translations/{rival.rule.public_id}", None)],
    ("translations/{key}", "patch"): [
        lambda rival: (f"translations/{rival.rule.public_id}", {"tran_user": "eve"})
    ],
    ("translations/{key}", "delete"): [
        lambda rival: (f"translations/{rival.rule.public_id}", None)
    ],
    ("federation-rules", "post"): [
        lambda rival: ("federation-rules", {"domain": rival.domain.name, "pattern": "*"})
    ],
    ("federation-rules/{key}", "get"): [
        lambda rival: (f"federation-rules/{rival.peer_rule.public_id}", None)
    ],
    ("federation-rules/{key}", "patch"): [
        lambda rival: (f"federation-rules/{rival.peer_rule.public_id}", {"allow": True})
    ],
    ("federation-rules/{key}", "delete"): [
        lambda rival: (f"federation-rules/{rival.peer_rule.public_id}", None)
    ],
    ("people/{key}", "get"): [
        lambda rival: (f"people/{rival.membership('owner').public_id}", None)
    ],
    ("people/{key}", "patch"): [
        lambda rival: (f"people/{rival.membership('admin').public_id}", {"role": "owner"})
    ],
    ("people/{key}", "delete"): [
        lambda rival: (f"people/{rival.membership('viewer').public_id}", None)
    ],
    ("invitations", "post"): [
        lambda rival: (
            "invitations",
            {"tenant": rival.tenant.slug, "email": "eve@example.org", "role": "owner"},
        ),
        lambda rival: ("invitations", {"email": "eve@example.org", "user": rival.user.aor}),
    ],
    ("invitations/{key}", "get"): [
        lambda rival: (f"invitations/{rival.invitation.public_id}", None)
    ],
    ("invitations/{key}", "delete"): [
        lambda rival: (f"invitations/{rival.invitation.public_id}", None)
    ],
    ("webhooks", "post"): [
        lambda rival: (
            "webhooks",
            {"tenant": rival.tenant.slug, "url": "https://eve.example/", "events": ["call.ended"]},
        )
    ],
    ("webhooks/{key}", "get"): [
        lambda rival: (f"webhooks/{rival.delivery.webhook.public_id}", None)
    ],
    ("webhooks/{key}", "patch"): [
        lambda rival: (
            f"webhooks/{rival.delivery.webhook.public_id}",
            {"url": "https://eve.example/"},
        )
    ],
    ("webhooks/{key}", "delete"): [
        lambda rival: (f"webhooks/{rival.delivery.webhook.public_id}", None)
    ],
    ("webhooks/{key}/test", "post"): [
        lambda rival: (f"webhooks/{rival.delivery.webhook.public_id}/test", None)
    ],
    ("webhook-deliveries/{key}", "get"): [
        lambda rival: (f"webhook-deliveries/{rival.delivery.public_id}", None)
    ],
    ("webhook-deliveries/{key}/retry", "post"): [
        lambda rival: (f"webhook-deliveries/{rival.delivery.public_id}/retry", None)
    ],
    ("jobs/{key}", "get"): [lambda rival: (f"jobs/{rival.job.public_id}", None)],
    ("jobs/{key}", "delete"): [lambda rival: (f"jobs/{rival.job.public_id}", None)],
    ("jobs/{key}/result", "get"): [lambda rival: (f"jobs/{rival.job.public_id}/result", None)],
    ("users/export", "post"): [
        lambda rival: ("users/export", {"tenant": rival.tenant.slug}),
        lambda rival: ("users/export", {"tenant": rival.tenant.slug, "domain": rival.domain.name}),
    ],
    ("users/import", "post"): [
        lambda rival: (f"users/import?tenant={rival.tenant.slug}", "address\n")
    ],
    ("audit/{key}", "get"): [lambda rival: (f"audit/{rival.audit_entry().public_id}", None)],
    ("calls/{key}", "get"): [lambda rival: (f"calls/{rival.call.public_id}", None)],
    ("calls/{key}/messages", "get"): [
        lambda rival: (f"calls/{rival.call.public_id}/messages", None),
        lambda rival: (f"calls/{rival.live_call.public_id}/messages", None),
    ],
    ("calls/{key}/pcap", "get"): [lambda rival: (f"calls/{rival.call.public_id}/pcap", None)],
    ("live-calls/{key}", "get"): [lambda rival: (f"live-calls/{rival.live_call.public_id}", None)],
    ("live-calls/{key}", "delete"): [
        lambda rival: (f"live-calls/{rival.live_call.public_id}", None)
    ],
    ("blocks", "post"): [lambda rival: ("blocks", {"address": "192.0.2.1"})],
    ("blocks/{key}", "get"): [lambda rival: (f"blocks/{blocked()}", None)],
    ("blocks/{key}", "delete"): [lambda rival: (f"blocks/{blocked()}", None)],
    ("allowed-sources", "post"): [
        lambda rival: ("allowed-sources", {"network": "192.0.2.0/24"}),
    ],
    ("allowed-sources/{key}", "get"): [lambda rival: (f"allowed-sources/{allowed()}", None)],
    ("allowed-sources/{key}", "delete"): [lambda rival: (f"allowed-sources/{allowed()}", None)],
    ("tokens", "post"): [
        lambda rival: ("tokens", {"name": "stolen", "tenant": rival.tenant.slug}),
        lambda rival: ("tokens", {"name": "x", "tenant": rival.tenant.slug, "scope": "write"}),
    ],
    ("tokens/{key}", "get"): [lambda rival: (f"tokens/{rival.token.public_id}", None)],
    ("tokens/{key}", "delete"): [lambda rival: (f"tokens/{rival.token.public_id}", None)],
}


def _aimed_at_routes() -> Iterator[tuple[tuple[str, str], list[Call]]]:
    for path, body in ROUTES.items():

        def make(rival: World, path: str = path, body: Any = body) -> tuple[str, Any]:
            return path, body(rival)

        def reach(rival: World, path: str = path) -> tuple[str, Any]:
            return f"{path}/{rival.routes[path].public_id}", None

        def change(rival: World, path: str = path) -> tuple[str, Any]:
            return f"{path}/{rival.routes[path].public_id}", {"enabled": False}

        yield (path, "post"), [make]
        yield (f"{path}/{{key}}", "get"), [reach]
        yield (f"{path}/{{key}}", "patch"), [change]
        yield (f"{path}/{{key}}", "delete"), [reach]


AIMED |= dict(_aimed_at_routes())


def operations() -> Iterator[tuple[str, str]]:
    """Every (path, method) below /api/v1/ that the URLconf leads somewhere."""
    yield from _operations(get_resolver().url_patterns, "")


def _operations(patterns: list[Any], prefix: str) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _operations(pattern.url_patterns, path)
        elif path.startswith("api/"):
            yield from ((_readable(path), method) for method in _methods(pattern))


def _methods(pattern: URLPattern) -> list[str]:
    actions = getattr(pattern.callback, "actions", None)
    if actions is not None:
        return [method for method in actions if method in METHODS]
    return [method for method in METHODS if hasattr(pattern.callback.view_class, method)]


def _readable(path: str) -> str:
    path = path.removeprefix("api/v1/").replace("(?P<key>[^/]+)", "{key}")
    return path.replace("^", "").replace("$", "").replace("\\Z", "")


def test_every_operation_has_a_line_here() -> None:
    known = ABOUT_ONESELF | LISTS | EXPORTS | ROW_BY_ROW | OPERATORS_LISTS | set(AIMED)
    assert set(operations()) == known


@pytest.fixture
def callers(acme: World, operator: Person) -> dict[str, Api]:
    owner = acme.people["owner"]
    texts = {
        "read token": tokens.create(owner, "r", "read")[1],
        "write token": tokens.create(owner, "w", "write")[1],
        "narrow token": tokens.create(owner, "n", "write", tenant=acme.tenant)[1],
        "operator's narrow token": tokens.create(operator, "o", "write", tenant=acme.tenant)[1],
    }
    return {
        **{role: Api(person) for role, person in acme.people.items()},
        "nobody's": Api(make_person("stranger@example.org")),
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
            if name == "nobody's":
                assert answer.json()["results"] == []
            elif path not in ("tokens", "audit", "people"):
                assert len(answer.json()["results"]) == 1, f"{name}: {path}"


def test_exports_hold_ones_own_alone(rival: World, acme: World, callers: dict[str, Api]) -> None:
    for name, caller in callers.items():
        for path, _ in EXPORTS:
            answer = caller.get(path)
            text = b"".join(answer.streaming_content)
            assert answer.status_code == 200, name
            assert b"rival" not in text, f"{name}: {path}"
            assert b"example.net" not in text, f"{name}: {path}"
            assert (b"example.com" in text) == (name != "nobody's"), f"{name}: {path}"


def test_what_is_the_platforms_is_the_operators_alone(
    callers: dict[str, Api], as_operator: Api
) -> None:
    blocked(), allowed()
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


def test_strangers_are_asked_who_they_are(acme: World) -> None:
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
            if method == "get" or path.startswith("tokens"):
                continue
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
