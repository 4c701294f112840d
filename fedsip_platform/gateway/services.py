"""All writes of this app: sites whose pages may connect, whose phone is whose, whom it calls often;
and passes."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fedsip_platform.changes import Conflict, ServiceError, delete, save
from fedsip_platform.directory.models import MediaPolicy, Subscriber
from fedsip_platform.people import services as people
from fedsip_platform.routing import destinations
from fedsip_platform.tenants.models import Person, Tenant
from proxy.sip import passes

from .models import AllowedOrigin, Favourite

MOST_ORIGINS: Final = 100
MOST_FAVOURITES: Final = 50
PASS_SECONDS: Final = 3600
SHORTEST_PASS_SECONDS: Final = 60
_NUMBER: Final = re.compile(r"\+?[\d\s()./-]+", re.ASCII)  # with what people write between digits


@transaction.atomic
def allow_origin(tenant: Tenant, origin: str) -> AllowedOrigin:
    """Let the pages of a site use the tenant's telephony. Raises ServiceError."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    if tenant.origins.count() >= MOST_ORIGINS:
        raise Conflict(
            "origin",
            _("%(tenant)s has %(most_origins)s sites already; remove one first.")
            % {"tenant": tenant, "most_origins": MOST_ORIGINS},
        )
    return save(AllowedOrigin(tenant=tenant, origin=origin))


def forget_origin(allowed: AllowedOrigin) -> None:
    """Its pages open no more WebSockets; those that are open stay."""
    delete(allowed)


@transaction.atomic
def give_phone(person: Person, subscriber: Subscriber) -> Subscriber:
    """Make a user the person's own, as whom she telephones in the dashboard; what was her own in
    the same tenant before is free again. Raises ServiceError."""
    tenant = subscriber.domain.tenant
    if not person.is_operator and not person.memberships.filter(tenant=tenant).exists():
        raise ServiceError(
            "person",
            _("%(person)s does not belong to the tenant of %(subscriber)s.")
            % {"person": person, "subscriber": subscriber},
        )
    if subscriber.person_id not in (None, person.pk):
        raise Conflict(
            "person", _("%(subscriber)s is somebody else's own.") % {"subscriber": subscriber}
        )
    for other in person.subscribers.filter(domain__tenant=tenant).exclude(pk=subscriber.pk):
        people.own(other, None)
    return people.own(subscriber, person)


def phone_of(person: Person) -> Subscriber | None:
    """The SIP user as whom the person telephones: the first of her own, an enabled one if any."""
    users = person.subscribers.select_related("domain__tenant")
    return users.order_by("-enabled", "aor").first()


@transaction.atomic
def add_favourite(subscriber: Subscriber, address: str, name: str = "") -> Favourite:
    """Keep whom the user calls often. Raises ServiceError."""
    Subscriber.objects.select_for_update(no_key=True).get(pk=subscriber.pk)
    if subscriber.favourites.count() >= MOST_FAVOURITES:
        raise Conflict(
            "address",
            _("%(most_favourites)s favourites are all; remove one first.")
            % {"most_favourites": MOST_FAVOURITES},
        )
    typed = address.strip().removeprefix("sip:")
    if _NUMBER.fullmatch(typed):
        typed = re.sub(r"[^+\d]", "", typed)
    try:
        whole = destinations.normal(typed, subscriber.domain)
    except ValidationError as error:
        raise ServiceError("address", " ".join(error.messages)) from error
    return save(Favourite(subscriber=subscriber, address=whole, name=name.strip()))


def remove_favourite(favourite: Favourite) -> None:
    """She calls him no more often than others."""
    delete(favourite)


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
    relay_in_reserve: bool = False
    """Whether calls with other browsers begin past a relay that may take them over."""
    ice_servers: tuple[str, ...] = ()
    """STUN servers as URIs (RFC 7064); none where all sound goes by the relay."""

    @property
    def token(self) -> str:
        """All of it as one text, for the widget."""
        text = json.dumps(asdict(self), separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def make_pass(subscriber: Subscriber, host: str, *, seconds: int = PASS_SECONDS) -> PhonePass:
    """A pass for the user's page, which knows us as `host`. Raises ServiceError."""
    if not SHORTEST_PASS_SECONDS <= seconds <= passes.LONGEST_SECONDS:
        raise ServiceError(
            "seconds",
            _("Give %(shortest_pass_seconds)s to %(longest_seconds)s seconds.")
            % {
                "shortest_pass_seconds": SHORTEST_PASS_SECONDS,
                "longest_seconds": passes.LONGEST_SECONDS,
            },
        )
    if not subscriber.enabled or not subscriber.domain.enabled:
        raise Conflict("", _("%(subscriber)s is disabled.") % {"subscriber": subscriber})
    made = passes.make_pass(
        settings.WEB.cluster_key(),
        subscriber.username.encode(),
        subscriber.domain.name.encode(),
        subscriber.ha1_md5.encode(),
        expires_at=int(timezone.now().timestamp()) + seconds,
    )
    policy = subscriber.media_policy or subscriber.domain.media_policy
    return PhonePass(
        subscriber.aor,
        subscriber.display_name,
        made.username.decode(),
        made.password.decode(),
        f"wss://{host}{settings.WEB.sip_path}",
        made.expires_at,
        policy == MediaPolicy.AUTO,
        () if policy == MediaPolicy.ALWAYS else _ice_servers(host),
    )


def _ice_servers(host: str) -> tuple[str, ...]:
    """Where browsers learn the address that other browsers reach them at. Only those need to know
    it: the relay learns it from their checks."""
    if settings.WEB.stun == "off":
        return ()
    own = urlsplit(f"//{host}").hostname or ""
    own = f"[{own}]" if ":" in own else own
    servers = settings.WEB.stun or f"{own}:{settings.WEB.sip_port}"
    return tuple(f"stun:{server.strip()}" for server in servers.split(","))
