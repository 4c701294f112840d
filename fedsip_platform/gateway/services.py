"""All writes of this app: sites whose pages may connect, whose phone is whose; and passes."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fedsip_platform.changes import Conflict, ServiceError, delete, save
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.people.services import owned
from fedsip_platform.tenants.models import Person, Tenant
from fedsip_platform.tenants.scope import Scope
from proxy.sip import passes

from .models import AllowedOrigin, PersonalPhone

MOST_ORIGINS: Final = 100
PASS_SECONDS: Final = 3600
SHORTEST_PASS_SECONDS: Final = 60


@transaction.atomic
def allow_origin(tenant: Tenant, origin: str) -> AllowedOrigin:
    """Let the pages of a site use the tenant's telephony. Raises ServiceError."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    if tenant.origins.count() >= MOST_ORIGINS:
        raise Conflict("origin", f"{tenant} has {MOST_ORIGINS} sites already; remove one first.")
    return save(AllowedOrigin(tenant=tenant, origin=origin))


def forget_origin(allowed: AllowedOrigin) -> None:
    """Its pages open no more WebSockets; those that are open stay."""
    delete(allowed)


@transaction.atomic
def give_phone(person: Person, subscriber: Subscriber) -> PersonalPhone:
    """Let a person telephone as this user in the dashboard. Raises ServiceError."""
    tenant_id = subscriber.domain.tenant_id
    if not person.is_operator and not person.memberships.filter(tenant=tenant_id).exists():
        raise ServiceError("person", f"{person} does not belong to the tenant of {subscriber}.")
    take_phone(person)
    return save(PersonalPhone(person=person, subscriber=subscriber))


def take_phone(person: Person) -> None:
    """The person has no phone in the dashboard any more."""
    for phone in PersonalPhone.objects.filter(person=person):
        delete(phone)


def phone_of(person: Person, scope: Scope) -> Subscriber | None:
    """The SIP user as whom the person telephones: the one chosen, while its tenant is in the
    person's scope; else the person's own, where there is one."""
    users = Subscriber.objects.select_related("domain__tenant")
    chosen = scope.visible(users).filter(people__person=person).first()
    return chosen or owned(person).order_by("aor").first()


@dataclass(frozen=True, slots=True)
class PhonePass:
    """What a page needs to telephone as a user, for a while (proxy/sip/passes.py)."""

    address: str
    display_name: str
    username: str
    """Of the digest; not the user's own."""
    password: str
    websocket: str
    """Where to connect."""
    expires_at: int
    """Seconds since the epoch."""

    @property
    def token(self) -> str:
        """All of it as one text, for the widget."""
        text = json.dumps(asdict(self), separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def make_pass(subscriber: Subscriber, host: str, *, seconds: int = PASS_SECONDS) -> PhonePass:
    """A pass for the user's page, which knows us as `host`. Raises ServiceError."""
    if not SHORTEST_PASS_SECONDS <= seconds <= passes.LONGEST_SECONDS:
        raise ServiceError(
            "seconds", f"Give {SHORTEST_PASS_SECONDS} to {passes.LONGEST_SECONDS} seconds."
        )
    if not subscriber.enabled or not subscriber.domain.enabled:
        raise Conflict("", f"{subscriber} is disabled.")
    made = passes.make_pass(
        settings.WEB.cluster_key(),
        subscriber.username.encode(),
        subscriber.domain.name.encode(),
        subscriber.ha1_md5.encode(),
        expires_at=int(timezone.now().timestamp()) + seconds,
    )
    return PhonePass(
        subscriber.aor,
        subscriber.display_name,
        made.username.decode(),
        made.password.decode(),
        f"wss://{host}{settings.WEB.sip_path}",
        made.expires_at,
    )
