"""Every address of the dashboard, as every kind of person, aimed at another tenant's things.

The addresses are read from the URLconfs, those of people's accounts too, so a new one without a
line in the tables below fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse

from admin_ui import urls
from fedsip_platform.audit.models import Entry
from fedsip_platform.calls import services
from fedsip_platform.calls.models import AllowedSource, BlockedSource, HangUp
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.federation.models import FederationRule
from fedsip_platform.location.models import Binding
from fedsip_platform.people import urls as people_urls
from fedsip_platform.people.models import Invitation
from fedsip_platform.people.services import invite, own
from fedsip_platform.routing.models import (
    Alias,
    Forward,
    Gateway,
    OutboundPolicy,
    RingGroup,
    Trunk,
)
from fedsip_platform.tasks.models import Job
from fedsip_platform.tenants.models import Membership, Person, Tenant
from fedsip_platform.webhooks.models import Delivery, Webhook
from tests.platform.world import Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]

Keys = Callable[[World], dict[str, Any]]


def nothing(world: World) -> dict[str, Any]:
    return {}


def of_user(world: World) -> dict[str, Any]:
    return {"key": world.user.public_id}


def of_job(world: World) -> dict[str, Any]:
    return {"key": world.job.public_id}


def of_domain(world: World) -> dict[str, Any]:
    return {"key": world.domain.public_id}


def of_rules(world: World) -> dict[str, Any]:
    return {"domain_key": world.domain.public_id}


def of_rule(world: World) -> dict[str, Any]:
    return {"key": world.rule.public_id}


def of_call(world: World) -> dict[str, Any]:
    return {"key": world.call.public_id}


def of_live_call(world: World) -> dict[str, Any]:
    return {"key": world.live_call.public_id}


def of_owner(world: World) -> dict[str, Any]:
    return {"owner_key": world.domain.public_id}


def of_trunk(world: World) -> dict[str, Any]:
    return {"owner_key": world.routes["trunks"].public_id}


def of_users_own(world: World) -> dict[str, Any]:
    return {"owner_key": world.user.public_id}


def of_route(resource: str) -> Keys:
    return lambda world: {"key": world.routes[resource].public_id}


def of_peer(world: World) -> dict[str, Any]:
    return {"key": world.peer_rule.public_id}


def of_webhook(world: World) -> dict[str, Any]:
    return {"key": world.delivery.webhook.public_id}


def of_member(world: World) -> dict[str, Any]:
    return {"key": world.membership("viewer").public_id}


def of_entry(world: World) -> dict[str, Any]:
    made = Entry.objects.get(thing=world.rule.public_id)
    return {"domain_key": world.domain.public_id, "entry_key": made.public_id}


def of_nobodys_job(name: str) -> str:
    """A job of the whole platform."""
    return reverse(name, args=[Job.objects.create(kind="check_domains").public_id])


# Name of the pages, what a new one belongs to, and one that is there.
OWNED: dict[str, tuple[Keys, Keys]] = {
    "alias": (of_owner, of_route("aliases")),
    "group": (of_owner, of_route("ring-groups")),
    "trunk": (of_owner, of_route("trunks")),
    "gateway": (of_trunk, of_route("gateways")),
    "peer": (of_owner, of_peer),
    "policy": (of_owner, of_route("outbound-policies")),
    "forward": (of_users_own, of_route("forwards")),
}
# Pages that show something, and what their address needs beside the tenant.
SHOWN: dict[str, Keys] = {
    "overview": nothing,
    "search": nothing,
    "calls": nothing,
    "call": of_call,
    "call-export": nothing,
    "call-packets": of_call,
    "users": nothing,
    "user-new": nothing,
    "user-import": nothing,
    "user-export": nothing,
    "user": of_user,
    "user-delete": of_user,
    "jobs": nothing,
    "job": of_job,
    "domains": nothing,
    "domain-new": nothing,
    "domain": of_domain,
    "certificates": nothing,
    "domain-delete": of_domain,
    "routing": nothing,
    "rule-new": of_rules,
    "rule": of_rule,
    "rule-delete": of_rule,
    "rule-history": of_rules,
    "softphone": nothing,
    "security": nothing,
    "developers": nothing,
    "api-reference": nothing,
    "settings": nothing,
    "limits": nothing,
    "audit": nothing,
    "audit-export": nothing,
    "person-remove": of_member,
    "webhooks": nothing,
    "webhook-new": nothing,
    "webhook": of_webhook,
    "webhook-delete": of_webhook,
    "aliases": nothing,
    "groups": nothing,
    "trunks": nothing,
    "peers": nothing,
    "dialling": nothing,
    **{f"{name}-new": owner for name, (owner, _) in OWNED.items()},
    **{name: one for name, (_, one) in OWNED.items()},
    **{f"{name}-delete": one for name, (_, one) in OWNED.items()},
}
# Addresses that change something; all of them take POST.
CHANGING: dict[str, tuple[Keys, dict[str, Any]]] = {
    "softphone": (nothing, {"address": "alice@example.net"}),
    "call-hang-up": (of_live_call, {}),
    "user-new": (nothing, {"username": "eve", "display_name": ""}),
    "user-import": (nothing, {"import": "1"}),
    "user": (of_user, {"display_name": "Eve"}),
    "user-password": (of_user, {}),
    "user-disable": (of_user, {}),
    "user-enable": (of_user, {}),
    "user-delete": (of_user, {}),
    "user-owner": (of_user, {"email": "eve@example.org"}),
    "user-owner-remove": (of_user, {}),
    "user-export-job": (nothing, {}),
    "call-export-job": (nothing, {}),
    "audit-export-job": (nothing, {}),
    "domains-check": (nothing, {}),
    "job-cancel": (of_job, {}),
    "job-result": (of_job, {}),
    "user-bulk": (nothing, {"action": "disable"}),
    "device-sign-out": (lambda world: {"binding_id": world.binding.pk}, {}),
    "domain-new": (nothing, {"name": "new.example"}),
    "domain": (of_domain, {"note": "taken"}),
    "domain-check": (of_domain, {}),
    "domain-delete": (of_domain, {}),
    "rule-new": (of_rules, {"tran_user": "eve", "priority": "1", "weight": "1"}),
    "rule": (of_rule, {"tran_user": "eve", "priority": "1", "weight": "1"}),
    "rule-switch": (of_rule, {}),
    "rule-delete": (of_rule, {}),
    "rule-order": (of_rules, {}),
    "rule-restore": (of_entry, {}),
    "token-new": (nothing, {"name": "stolen", "scopes": "write"}),
    "token-withdraw": (lambda world: {"key": world.token.public_id}, {}),
    "settings": (nothing, {"email": "eve@example.org", "role": "owner"}),
    "person-role": (of_member, {"role": "owner"}),
    "person-remove": (of_member, {}),
    "invitation-withdraw": (lambda world: {"key": world.invitation.public_id}, {}),
    "limits": (nothing, {"name": "Taken"}),
    "webhook-new": (nothing, {"url": "https://evil.example/", "events": "call.ended"}),
    "webhook": (of_webhook, {"url": "https://evil.example/", "events": "call.ended"}),
    "webhook-test": (of_webhook, {}),
    "webhook-delete": (of_webhook, {}),
    "delivery-retry": (lambda world: {"key": world.delivery.public_id}, {}),
    **{f"{name}-new": (owner, {"name": "eve"}) for name, (owner, _) in OWNED.items()},
    **{name: (one, {"note": "taken"}) for name, (_, one) in OWNED.items()},
    **{f"{name}-delete": (one, {}) for name, (_, one) in OWNED.items()},
}
# What only owners may, beside looking.
OF_OWNERS = {
    *("settings", "person-role", "person-remove", "invitation-withdraw", "limits"),
    *("user-owner", "user-owner-remove"),
}
# Lists of one domain, which must be one's own.
OF_A_DOMAIN = {"routing", "aliases", "groups", "trunks", "peers", "dialling"}
OF_EVERYBODY = {"home", "theme", "words", "words-of-widget", "phone", "mine"}
# Of whoever owns the user, whatever her tenants: test_own_pages.py.
OF_OWN_USERS = {"my-user", "my-password", "my-device-sign-out", "my-forward-delete"}
# Of one's account, with a secret or a key in them.
OF_A_KEY = {
    *("invitation", "account_reset_password_from_key", "mfa_remove_webauthn", "mfa_edit_webauthn"),
    "session-end",
    *("openid_connect_login", "openid_connect_callback"),  # the provider's, of nobody here
}
OF_OPERATORS = {
    "platform": lambda world: reverse("platform"),
    "tenant-new": lambda world: reverse("tenant-new"),
    "tenant": lambda world: reverse("tenant", args=[world.tenant.slug]),
    "blocks": lambda world: reverse("blocks"),
    "platform-certificates": lambda world: reverse("platform-certificates"),
    "platform-audit": lambda world: reverse("platform-audit"),
    "platform-jobs": lambda world: reverse("platform-jobs"),
    "platform-job": lambda world: of_nobodys_job("platform-job"),
}
FILES_OF_OPERATORS = {"platform-audit-export"}
# These take POST alone, also from operators.
CHANGED_BY_OPERATORS: dict[str, Callable[[], str]] = {
    "block-lift": lambda: reverse("block-lift", args=[services.block("203.0.113.7").public_id]),
    "allowed-new": lambda: reverse("allowed-new"),
    "platform-audit-export-job": lambda: reverse("platform-audit-export-job"),
    "platform-domains-check": lambda: reverse("platform-domains-check"),
    "platform-job-cancel": lambda: of_nobodys_job("platform-job-cancel"),
    "platform-job-result": lambda: of_nobodys_job("platform-job-result"),
    "domain-vouch": lambda: reverse("domain-vouch", args=[Domain.objects.all()[0].public_id]),
    "allowed-remove": lambda: reverse(
        "allowed-remove", args=[services.allow("198.51.100.0/24").public_id]
    ),
}


def address(name: str, of: World, keys: Keys, through: World) -> str:
    """The page of a thing of `of`, below the address of `through`'s tenant."""
    return reverse(name, kwargs={"slug": through.tenant.slug, **keys(of)})


@pytest.fixture
def callers(acme: World) -> dict[str, Api]:
    subscriber = make_person("alice@people.example")
    own(acme.user, subscriber)
    outside = {"nobody's": make_person("stranger@example.org"), "subscriber": subscriber}
    return {role: Api(person) for role, person in (acme.people | outside).items()}


def rows(world: World) -> list[Any]:
    """All that a tenant has, as it stands in the database."""
    return [
        *Domain.objects.filter(tenant=world.tenant).values(),
        *Subscriber.objects.filter(domain=world.domain).values(),
        *Translation.objects.filter(domain=world.domain).values(),
        *Binding.objects.filter(domain=world.domain).values(),
        *world.people["owner"].tokens.values(),
        *Tenant.objects.filter(pk=world.tenant.pk).values(),
        *Membership.objects.filter(tenant=world.tenant).values(),
        *Invitation.objects.filter(tenant=world.tenant).values(),
        *Webhook.objects.filter(tenant=world.tenant).values(),
        *Delivery.objects.filter(webhook__tenant=world.tenant).values(),
        *FederationRule.objects.filter(domain=world.domain).values(),
        *Alias.objects.filter(domain=world.domain).values(),
        *RingGroup.objects.filter(domain=world.domain).values(),
        *Trunk.objects.filter(domain=world.domain).values(),
        *Gateway.objects.filter(trunk__domain=world.domain).values(),
        *OutboundPolicy.objects.filter(domain=world.domain).values(),
        *Forward.objects.filter(user__domain=world.domain).values(),
        *HangUp.objects.filter(public_id=world.live_call.public_id).values(),
    ]


def test_every_address_has_a_line_here() -> None:
    assert {pattern.name for pattern in urls.of_tenant} == SHOWN.keys() | CHANGING.keys()
    others = {pattern.name for pattern in urls.urlpatterns if getattr(pattern, "name", None)}
    of_operators = OF_OPERATORS.keys() | FILES_OF_OPERATORS | CHANGED_BY_OPERATORS.keys()
    assert others == OF_EVERYBODY | OF_OWN_USERS | of_operators


def addresses_of(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names and paths of all patterns, also of those that are included."""
    for each in patterns:
        path = prefix + str(each.pattern)
        if hasattr(each, "url_patterns"):
            yield from addresses_of(each.url_patterns, path)
        else:
            yield each.name, path


def test_accounts_show_and_change_ones_own_alone(
    acme: World, rival: World, callers: dict[str, Api]
) -> None:
    before = [*rows(rival), *accounts_of(rival)]
    paths = [path for _, path in addresses_of(people_urls.urlpatterns) if "<" not in path]
    for name in ("owner", "subscriber", "nobody's"):
        for path in sorted({*paths} - {"sign-out"}):
            shown = send(callers[name], "get", f"/{path}").content
            shown += send(callers[name], "post", f"/{path}", {"tenant": "rival"}).content
            assert b"rival" not in shown, f"{name}: {path}"
            assert b"@example.net" not in shown, f"{name}: {path}"
    assert [*rows(rival), *accounts_of(rival)] == before


def test_what_is_somebodys_by_a_key_stays_hers(
    acme: World, rival: World, callers: dict[str, Api]
) -> None:
    keyed = {name for name, path in addresses_of(people_urls.urlpatterns) if "<" in path}
    assert keyed == OF_A_KEY
    factor = Authenticator.objects.create(
        user=rival.people["owner"], type=Authenticator.Type.WEBAUTHN, data={"name": "hers"}
    )
    _, link = invite(rival.tenant, make_person("dora@example.net").email, "owner")
    paths = [
        reverse(name, args=[factor.pk]) for name in ("mfa_remove_webauthn", "mfa_edit_webauthn")
    ]
    paths += [link, "/account/password/reset/key/1-set-password/"]
    before = [*rows(rival), *accounts_of(rival)]
    for name, caller in callers.items():
        for path in paths:
            assert b"hers" not in send(caller, "get", path).content, f"{name}: {path}"
            send(caller, "post", path, {"name": "taken", "password": "a password of my own"})
    assert [*rows(rival), *accounts_of(rival)] == before


def accounts_of(world: World) -> list[Any]:
    """The people of a tenant, and what else they sign in with."""
    of_tenant = {"memberships__tenant": world.tenant}
    factors = Authenticator.objects.filter(user__memberships__tenant=world.tenant)
    return [*Person.objects.filter(**of_tenant).values(), *factors.values()]


def test_who_has_no_role_finds_no_tenant(acme: World, callers: dict[str, Api]) -> None:
    before = rows(acme)
    for name in ("nobody's", "subscriber"):
        for method, path, body in every_address(acme, acme):
            assert send(callers[name], method, path, body).status_code == 404, f"{name}: {path}"
    assert rows(acme) == before


def every_address(of: World, through: World) -> Iterator[tuple[str, str, Any]]:
    for name, keys in SHOWN.items():
        yield "get", address(name, of, keys, through), None
    for name, (keys, body) in CHANGING.items():
        yield "post", address(name, of, keys, through), body


def send(caller: Api, method: str, path: str, body: Any = None) -> Any:
    """As a browser sends a form."""
    given = {} if body is None else {"data": body}
    return getattr(caller._client, method)(path, secure=True, **given)


def test_others_things_cannot_be_reached(
    acme: World, rival: World, callers: dict[str, Api]
) -> None:
    before = rows(rival)
    for name, caller in callers.items():
        for method, path, body in every_address(rival, rival):
            assert send(caller, method, path, body).status_code == 404, f"{name}: {method} {path}"
    assert rows(rival) == before


def test_others_things_cannot_be_reached_through_ones_own_tenant(
    acme: World, rival: World, callers: dict[str, Api]
) -> None:
    before = rows(rival)
    aimed = {name: keys for name, keys in SHOWN.items() if keys is not nothing}
    for role in ("owner", "admin", "viewer"):
        for name, keys in aimed.items():
            path = address(name, rival, keys, acme)
            assert send(callers[role], "get", path).status_code == 404, f"{role}: {path}"
        for name, (keys, body) in CHANGING.items():
            if keys is not nothing:
                path = address(name, rival, keys, acme)
                answer = send(callers[role], "post", path, body)
                assert answer.status_code in (403, 404), f"{role}: {path}"
        posted = {"user": str(rival.user.public_id), "action": "disable"}
        send(callers[role], "post", reverse("user-bulk", args=["acme"]), posted)
    assert rows(rival) == before


def test_lists_and_searches_show_ones_own_alone(
    acme: World, rival: World, callers: dict[str, Api]
) -> None:
    queries = ("", "?q=alice", "?domain=example.net", "?show=online", "?q=example.net")
    for name, keys in SHOWN.items():
        if keys is not nothing:
            continue
        for query in queries:
            answer = send(callers["owner"], "get", reverse(name, args=["acme"]) + query)
            if query == "?domain=example.net" and name in OF_A_DOMAIN:
                assert answer.status_code == 404
                continue
            text = b"".join(answer) if answer.streaming else answer.content
            shown = text.replace(b"domain=example.net", b"").replace(b'value="example.net"', b"")
            assert b"@example.net" not in shown, f"{name}{query}"
            assert b"rival" not in shown, f"{name}{query}"


def test_members_see_every_page(acme: World, callers: dict[str, Api]) -> None:
    for role in ("owner", "admin", "viewer"):
        for name, keys in SHOWN.items():
            path = address(name, acme, keys, acme)
            assert send(callers[role], "get", path).status_code == 200, f"{role}: {path}"


def test_viewers_change_nothing(acme: World, callers: dict[str, Api]) -> None:
    before = rows(acme)
    for name, (keys, body) in CHANGING.items():
        path = address(name, acme, keys, acme)
        assert send(callers["viewer"], "post", path, body).status_code == 403, path
    assert rows(acme) == before


def test_administrators_leave_people_to_owners(acme: World, callers: dict[str, Api]) -> None:
    before = rows(acme)
    for name in OF_OWNERS:
        keys, body = CHANGING[name]
        path = address(name, acme, keys, acme)
        assert send(callers["admin"], "post", path, body).status_code == 403, path
    assert rows(acme) == before


def test_the_platform_is_for_operators(
    acme: World, callers: dict[str, Api], operator: Person
) -> None:
    files = [reverse(name) for name in FILES_OF_OPERATORS]
    for path in [*files, *(find(acme) for find in OF_OPERATORS.values())]:
        for name, caller in callers.items():
            for method in ("get", "post"):
                assert send(caller, method, path).status_code == 404, f"{name}: {path}"
        assert send(Api(operator), "get", path).status_code == 200, path


def test_blocks_are_changed_by_operators_alone(acme: World, callers: dict[str, Api]) -> None:
    paths = [find() for find in CHANGED_BY_OPERATORS.values()]
    before = [*BlockedSource.objects.values(), *AllowedSource.objects.values()]
    for path in [*paths, reverse("blocks")]:
        for name, caller in callers.items():
            body = {"network": "192.0.2.0/24", "address": "192.0.2.1"}
            assert send(caller, "post", path, body).status_code == 404, f"{name}: {path}"
        assert send(Api(), "post", path).status_code == 302, path
    assert [*BlockedSource.objects.values(), *AllowedSource.objects.values()] == before


def test_strangers_are_led_to_the_door(acme: World) -> None:
    for method, path, body in every_address(acme, acme):
        answer = send(Api(), method, path, body)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/sign-in?next="), path


def test_what_is_no_such_thing_is_404(acme: World, callers: dict[str, Api]) -> None:
    owner = callers["owner"]
    for path in ("/t/nothing/", "/t/acme/users/not-a-key", "/t/acme/calls/0", "/t/-/"):
        assert send(owner, "get", path).status_code == 404, path
    forged = ("%00", "bm9uZQ", "WyJhIiwiXHUwMDAwIiwxXQ", "WyJhIiwieCIsInkiXQ", "WyJhIiwxLDJd", "'")
    for cursor in forged:
        for page in ("users", "calls", "domains"):
            query = f"?at={cursor}&order=created_at&q=%00&domain=%00"
            path = reverse(page, args=["acme"]) + query
            assert send(owner, "get", path).status_code == 200, path
