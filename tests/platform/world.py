"""A tenant with one of everything, its people, and a client that speaks as any of them."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from fedsip_platform.api import tokens
from fedsip_platform.api.models import Token
from fedsip_platform.audit.models import Entry
from fedsip_platform.calls.models import CallRecord, FailedSignIn, KeptMessages, LiveCall
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.federation.models import DomainCheck, FederationRule, Refusal
from fedsip_platform.federation.services import create_rule
from fedsip_platform.gateway import services as gateway
from fedsip_platform.gateway.models import AllowedOrigin
from fedsip_platform.location.models import Binding
from fedsip_platform.people import services as people
from fedsip_platform.people.models import Invitation
from fedsip_platform.routing import services as routing
from fedsip_platform.tasks.models import Job
from fedsip_platform.tenants.models import Membership, Person, Tenant
from fedsip_platform.webhooks import services as webhooks
from fedsip_platform.webhooks.models import Delivery
from proxy.observe.message_frames import flow_line, frame

PASSWORD = "correct horse battery staple"


@dataclass
class World:
    """One tenant with one of everything, and its people by role."""

    tenant: Tenant
    domain: Domain
    user: Subscriber
    rule: Translation
    binding: Binding
    call: CallRecord
    live_call: LiveCall
    peer_rule: FederationRule
    origin: AllowedOrigin
    routes: dict[str, Any]
    """What routing has beside rules, by the address of its resource."""
    people: dict[str, Person] = field(default_factory=dict)
    token: Token | None = None
    invitation: Invitation | None = None

    @property
    def job(self) -> Job:
        """A job of this tenant that waits."""
        return Job.objects.get_or_create(tenant=self.tenant, kind="export_users")[0]

    @property
    def delivery(self) -> Delivery:
        """What a webhook of this tenant is to be told."""
        found = Delivery.objects.filter(webhook__tenant=self.tenant).first()
        if found is None:
            url = f"https://hooks.{self.domain}/"
            webhook, _ = webhooks.create(self.tenant, url, ["call.ended"])
            found = webhooks.test(webhook)
        return found

    @property
    def session(self) -> UserSession:
        """A browser in which the owner is signed in."""
        owner = self.people["owner"]
        found = UserSession.objects.filter(user=owner).first()
        if found is None:
            store = SessionStore()
            store.create()
            found = UserSession.objects.create(
                user=owner, session_key=store.session_key, ip="192.0.2.7", user_agent="A browser"
            )
        return found

    def membership(self, role: str) -> Membership:
        return Membership.objects.get(tenant=self.tenant, role=role)

    def audit_entry(self) -> Entry:
        """One of the changes that made this world."""
        return Entry.objects.filter(tenant=self.tenant).latest("pk")


class Api:
    """Speaks to /api/v1 over HTTPS, as a person with a session or as a program with a token."""

    def __init__(self, person: Person | None = None, token: str | None = None) -> None:
        self._client = Client(raise_request_exception=True)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        if person is not None:
            self._client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> HttpResponse:
        """One request. A PATCH says If-Match: * unless the headers say otherwise."""
        given = {} if body is None else {"data": body, "content_type": "application/json"}
        path = path.removeprefix("https://testserver")  # a link of an answer
        address = path if path.startswith("/") else f"/api/v1/{path}"
        send = getattr(self._client, method)
        usual = {**self._headers, **({"If-Match": "*"} if method == "patch" else {})}
        return send(address, secure=True, headers={**usual, **(headers or {})}, **given)

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.call("get", path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.call("post", path, body, headers)

    def put(self, path: str, body: Any = None) -> HttpResponse:
        return self.call("put", path, body)

    def patch(self, path: str, body: Any = None) -> HttpResponse:
        return self.call("patch", path, body)

    def delete(self, path: str) -> HttpResponse:
        return self.call("delete", path)


def make_person(email: str, **fields: Any) -> Person:
    person = Person(email=email, **fields)
    person.set_unusable_password()  # argon2 takes its time, and most tests force the session
    person.save()
    return person


def make_call(tenant: Tenant, domain: Domain, **fields: Any) -> CallRecord:
    """A call of alice's to bob, a minute long, that ended just now."""
    now = timezone.now()
    return CallRecord.objects.create(
        **{
            "call_id": f"call@{domain.name}",
            "tenant": tenant,
            "domain": domain,
            "caller": f"sip:alice@{domain.name}",
            "callee": f"sip:bob@{domain.name}",
            "request_uri": f"sip:bob@{domain.name}",
            "started_at": now - timedelta(seconds=70),
            "ringing_at": now - timedelta(seconds=69),
            "answered_at": now - timedelta(seconds=60),
            "ended_at": now,
            "status": 200,
            "reason": "BYE",
            "ended_by": "callee",
            **fields,
        }
    )


def make_message(
    call_id: str, at: datetime, *, text: str = "BYE sip:x SIP/2.0\r\n\r\n", way: str = "in",
    protocol: str = "udp", local: str = "198.51.100.1:5060", remote: str = "192.0.2.10:5060",
    **whose: Any,
) -> KeptMessages:  # fmt: skip
    """A row with one message of a call, as a proxy writes it."""
    framed = frame(
        text.encode(), at=round(at.timestamp() * 1_000_000), is_sent=way == "out", flow=0,
        size=len(text.encode()),
    )  # fmt: skip
    return KeptMessages.objects.create(
        call_id=call_id, at=at, flows=flow_line(protocol, local, remote), messages=framed, **whose
    )


def make_live_call(tenant: Tenant, domain: Domain, **fields: Any) -> LiveCall:
    """A call of alice's to carol, answered a minute ago."""
    now = timezone.now()
    return LiveCall.objects.create(
        **{
            "public_id": uuid.uuid4(),
            "call_id": f"live@{domain.name}",
            "tenant": tenant,
            "domain": domain,
            "caller": f"sip:alice@{domain.name}",
            "callee": f"sip:carol@{domain.name}",
            "request_uri": f"sip:carol@{domain.name}",
            "started_at": now - timedelta(seconds=62),
            "answered_at": now - timedelta(seconds=60),
            "node_id": "a",
            **fields,
        }
    )


def make_routes(domain: Domain, user: Subscriber) -> dict[str, Any]:
    """An alias, a forward, a ring group, a trunk with a gateway, an outbound policy."""
    trunk = routing.create_trunk(domain, "carrier", inbound_addresses=["192.0.2.1"])
    return {
        "aliases": routing.create_alias(domain, "1000", "alice"),
        "forwards": routing.create_forward(user, "busy", "+15551234567"),
        "ring-groups": routing.create_ring_group(domain, "sales", members=["alice"]),
        "trunks": trunk,
        "gateways": routing.create_gateway(trunk, "sbc.carrier.example"),
        "outbound-policies": routing.create_outbound_policy(domain, caller_id="+15550000000"),
    }


def make_world(slug: str, domain_name: str) -> World:
    tenant = services.create_tenant(slug.capitalize(), slug)
    domain = services.create_domain(tenant, domain_name)
    user = services.create_subscriber(domain, "alice", "a good password", display_name="Alice")
    rule = services.create_translation(domain, match_regex="^1000$", tran_user="eric")
    now = timezone.now()
    binding = Binding.objects.create(
        binding_id=secrets.token_hex(8),
        aor=user.aor,
        domain=domain,
        subscriber=user,
        contact="sip:alice@192.0.2.7:5060",
        contact_key="sip:alice@192.0.2.7:5060",
        expires_at=now + timedelta(hours=1),
        registered_at=now,
        updated_at=now,
    )
    call = make_call(tenant, domain)
    live_call = make_live_call(tenant, domain)
    FailedSignIn.objects.create(domain=domain, aor=user.aor, address="192.0.2.9", hour=now)
    peer_rule = create_rule(domain, "bad.example", allow=False)
    Refusal.objects.create(
        domain=domain, peer="bad.example", direction="in", why="denied", day=now.date(),
        amount=1, last_at=now,
    )  # fmt: skip
    origin = gateway.allow_origin(tenant, f"https://www.{domain_name}")
    DomainCheck.objects.create(
        domain=domain, state="fine", checked_at=now, changed_at=now,
        certificate={
            "names": [domain_name], "expires_at": (now + timedelta(days=60)).isoformat(),
            "issuer": "An Authority", "is_self_signed": False, "source": "node",
        },
    )  # fmt: skip
    routes = make_routes(domain, user)
    world = World(tenant, domain, user, rule, binding, call, live_call, peer_rule, origin, routes)
    for role in ("owner", "admin", "viewer"):
        person = make_person(f"{role}@{domain_name}")
        Membership.objects.create(person=person, tenant=tenant, role=role)
        world.people[role] = person
    world.invitation, _ = people.invite(tenant, f"new@{domain_name}", "viewer")
    assert world.job
    assert world.delivery
    world.token, _ = tokens.create(world.people["owner"], "theirs")
    return world
