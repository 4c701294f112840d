"""One request or more for each operation of the API, each aimed at things of the given world.

test_isolation.py sends them as everybody else; it fails where an operation has none here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from fedsip_platform.calls import services as calls
from fedsip_platform.calls.models import AllowedSource, Node
from fedsip_platform.gateway.models import Favourite
from tests.platform.world import World

UNUSED = "3f2b8c1e-6a54-4d0b-9a53-1f7c6e0d2b47"
METHODS = ("get", "post", "put", "patch", "delete")

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

# By the address of a resource: the natural key of the rival's thing there, and of one that is not
# there yet, with the body that makes it.
KEYS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "aliases": ("1000@{domain}", "evil@{domain}", {"target": "alice"}),
    "ring-groups": ("sales@{domain}", "evil@{domain}", {}),
    "trunks": ("carrier@{domain}", "evil@{domain}", {}),
    "forwards": ("alice@{domain}:busy", "alice@{domain}:always", {"target": "eve@evil.example"}),
    "gateways": ("carrier@{domain}:sbc.carrier.example", "carrier@{domain}:evil.example", {}),
    "outbound-policies": ("{domain}", "alice@{domain}", {}),
    "federation-rules": ("{domain}:bad.example", "{domain}:*.evil.example:in", {}),
    "origins": ("{tenant}:https://www.{domain}", "{tenant}:https://evil.example", {}),
    "people": ("{tenant}:viewer@{domain}", "{tenant}:stranger@example.org", {"role": "owner"}),
    "invitations": ("{tenant}:new@{domain}", "{tenant}:eve@example.org", {"role": "owner"}),
    "allowed-sources": ("198.51.100.0/24", "192.0.2.0/24", {}),
    "blocks": ("198.51.100.7", "192.0.2.1", {}),
}

Call = Callable[[World], tuple[str, Any]]


def blocked() -> str:
    """The id of a block, which is the platform's."""
    return str(calls.block("198.51.100.7").public_id)


def allowed() -> str:
    """The id of an allowed network, which is the platform's."""
    made, _ = AllowedSource.objects.get_or_create(network="198.51.100.0/24")
    return str(made.public_id)


def favourite(world: World) -> str:
    """The id of one of its user's favourites."""
    made, _ = Favourite.objects.get_or_create(subscriber=world.user, address="bob@elsewhere.test")
    return str(made.public_id)


def node() -> str:
    """A proxy, which is the platform's."""
    now = timezone.now()
    times = {"started_at": now, "seen_at": now, "relays": {"Alice's relay": True}}
    Node.objects.update_or_create(node_id="a", defaults=times)
    return "a"


# Each aims at the rival's things.
AIMED: dict[tuple[str, str], list[Call]] = {
    ("tenants", "post"): [lambda rival: ("tenants", {"name": "New", "slug": "new"})],
    ("tenants/{key}", "get"): [
        lambda rival: (f"tenants/{rival.tenant.public_id}", None),
        lambda rival: (f"tenants/{rival.tenant.slug}", None),
    ],
    ("tenants/{key}/usage", "get"): [lambda rival: (f"tenants/{rival.tenant.slug}/usage", None)],
    ("tenants/{key}/attention", "get"): [
        lambda rival: (f"tenants/{rival.tenant.slug}/attention", None)
    ],
    ("tenants/{key}", "patch"): [
        lambda rival: (f"tenants/{rival.tenant.slug}", {"name": "Taken"}),
        lambda rival: (f"tenants/{rival.tenant.slug}", {"enabled": False}),
    ],
    ("tenants/{key}", "put"): [
        lambda rival: (f"tenants/{rival.tenant.slug}", {"name": "Taken"}),
        lambda rival: ("tenants/globex", {"name": "Globex"}),
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
    ("domains/{key}/vouch", "post"): [lambda rival: (f"domains/{rival.domain.name}/vouch", None)],
    ("domains/{key}/check", "get"): [lambda rival: (f"domains/{rival.domain.name}/check", None)],
    ("domains/{key}/check", "post"): [lambda rival: (f"domains/{rival.domain.name}/check", None)],
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
    ("users/{key}/owner", "delete"): [
        lambda rival: (f"users/{rival.user.aor}/owner", None),
        lambda rival: (f"users/{rival.user.public_id}/owner", None),
    ],
    ("users/{key}/pass", "post"): [
        lambda rival: (f"users/{rival.user.aor}/pass", {"seconds": 600}),
        lambda rival: (f"users/{rival.user.public_id}/pass", {}),
    ],
    **{
        (f"me/users/{{key}}{rest}", method): [
            lambda rival, at=at, body=body: (f"me/users/{rival.user.aor}{at}", body)
        ]
        for rest, method, at, body in (
            ("", "get", "", None),
            ("", "patch", "", {"password": "another password"}),
            ("/devices", "get", "/devices", None),
            ("/devices/{device}", "delete", "/devices/x", None),
            ("/calls", "get", "/calls", None),
            ("/forwards", "post", "/forwards", {"condition": "always", "target": "eve@evil.test"}),
            ("/forwards/{forward}", "delete", f"/forwards/{UNUSED}", None),
        )
    },
    **{
        ("me/sessions/{key}", method): [lambda rival: (f"me/sessions/{rival.session.pk}", None)]
        for method in ("get", "delete")
    },
    ("me/phone", "put"): [lambda rival: ("me/phone", {"address": rival.user.aor})],
    **{
        ("me/phone/favourites/{key}", method): [
            lambda rival: (f"me/phone/favourites/{favourite(rival)}", None)
        ]
        for method in ("get", "delete")
    },
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
    ("translations/effect", "post"): [
        lambda rival: ("translations/effect", {"domain": rival.domain.name, "tran_user": "eve"}),
    ],
    ("translations/{key}", "get"): [lambda rival: (f"translations/{rival.rule.public_id}", None)],
    ("translations/{key}", "put"): [
        lambda rival: (f"translations/{rival.rule.public_id}", {"tran_user": "eve"}),
        lambda rival: (
            f"translations/{rival.rule.public_id}",
            {"domain": rival.domain.name, "tran_user": "eve"},
        ),
        lambda rival: (f"translations/{UNUSED}", {"domain": rival.domain.name}),
    ],
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
    ("webhooks/{key}", "put"): [
        lambda rival: (
            f"webhooks/{rival.delivery.webhook.public_id}",
            {"url": "https://eve.example/"},
        ),
        lambda rival: (
            f"webhooks/{UNUSED}",
            {"tenant": rival.tenant.slug, "url": "https://eve.example/", "events": ["call.ended"]},
        ),
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
    ("domains/check", "post"): [
        lambda rival: ("domains/check", {"tenant": rival.tenant.slug}),
    ],
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
    ("nodes/{key}", "get"): [lambda rival: (f"nodes/{node()}", None)],
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
        lambda rival: ("tokens", {"name": "x", "tenant": rival.tenant.slug, "scopes": ["write"]}),
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


def _aimed_by_key() -> Iterator[tuple[tuple[str, str], list[Call]]]:
    """PUT by natural key: of what is there, and of what is not."""
    for path, (present, absent, body) in KEYS.items():

        def put(rival: World, path: str = path, key: str = "", body: Any = body) -> tuple[str, Any]:
            made = {"blocks": blocked, "allowed-sources": allowed}.get(path)
            if made:
                made()
            named = key.format(domain=rival.domain.name, tenant=rival.tenant.slug)
            return f"{path}/{named}", body

        yield (f"{path}/{{key}}", "put"), [partial(put, key=key) for key in (present, absent)]


AIMED |= dict(_aimed_at_routes()) | dict(_aimed_by_key())


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
    path = re.sub(r"\(\?P<(\w+)>\[[^]]*\](?:\+|\{36\})\)", r"{\1}", path.removeprefix("api/v1/"))
    return path.replace("^", "").replace("$", "").replace("\\Z", "")
