"""What of a tenant wants attention, in sentences, and what each is about; the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fedsip_platform.directory.models import SERVED
from fedsip_platform.federation import wellbeing
from fedsip_platform.federation.models import CheckState, DomainCheck
from fedsip_platform.routing.models import GatewayRegistration, Trunk
from fedsip_platform.webhooks.models import State

from . import usage
from .models import Tenant

MOST_OF_A_KIND = 3
LIMITS = {
    "domains": gettext_lazy("Domains"),
    "users": gettext_lazy("Users"),
    "rules": gettext_lazy("Rules"),
    "calls": gettext_lazy("Calls at the same time"),
    "calls_per_second": gettext_lazy("Calls begun in a second"),
}


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to look at."""

    text: str
    kind: str = ""
    """domain, trunk, webhook or limits; empty where nobody of the tenant can mend it."""
    thing: UUID | None = None
    """The public id of the domain, trunk or webhook."""
    is_bad: bool = False
    since: datetime | None = None
    """Since when it is so, where that is known."""

    @property
    def is_operators(self) -> bool:
        """Whether the platform's operators mend it, and nobody of the tenant."""
        return not self.kind


def of(tenant: Tenant, *, now: datetime) -> list[Point]:
    """All of them for a tenant, and what of the platform it depends on."""
    checks = DomainCheck.objects.filter(domain__tenant=tenant)
    return points(tenant, wellbeing.of(checks, now=now))


def points(tenant: Tenant, parts: Sequence[wellbeing.Part]) -> list[Point]:
    """All of them for a tenant: a few queries, however much the tenant has."""
    found = [*_parts(parts), *_checks(tenant), *_trunks(tenant)]
    found += [*_registrations(tenant), *_limits(tenant)]
    found += [*_domains(tenant), *_webhooks(tenant)]
    return sorted(found, key=lambda point: not point.is_bad)


def _parts(parts: Sequence[wellbeing.Part]) -> list[Point]:
    return [
        Point(part.sentence, is_bad=part.state == wellbeing.BAD) for part in parts if part.sentence
    ]


def _checks(tenant: Tenant) -> list[Point]:
    failing = DomainCheck.objects.select_related("domain").filter(
        domain__tenant=tenant, state=CheckState.FAILING, domain__enabled=True
    )
    return [
        Point(
            f"{check.domain}: {check.problems[0]}",
            "domain",
            check.domain.public_id,
            is_bad=True,
            since=check.changed_at,
        )
        for check in failing.order_by("changed_at")[:MOST_OF_A_KIND]
    ]


def _registrations(tenant: Tenant) -> list[Point]:
    """Carriers that want us to register, and take no registration."""
    now = timezone.now()
    lost = (
        GatewayRegistration.objects.select_related("gateway__trunk__domain")
        .filter(
            Q(until=None) | Q(until__lt=now),
            gateway__trunk__domain__tenant=tenant,
            gateway__trunk__enabled=True,
            gateway__trunk__registers=True,
            gateway__enabled=True,
        )
        .exclude(gateway__registrations__until__gt=now)  # of another node, which goes on
        .order_by("gateway__trunk__domain__name", "gateway__trunk__name", "gateway__host")
    )
    return [
        Point(
            _("We are not registered with %(host)s of the trunk %(trunk)s: %(status)s %(reason)s.")
            % {
                "host": row.gateway.host,
                "trunk": row.gateway.trunk,
                "status": row.status,
                "reason": row.reason or _("no answer"),
            },
            "trunk",
            row.gateway.trunk.public_id,
            is_bad=True,
            since=row.changed_at,
        )
        for row in lost[:MOST_OF_A_KIND]
    ]


def _trunks(tenant: Tenant) -> list[Point]:
    silent = Q(gateways__enabled=True, gateways__health__is_alive=False)
    trunks = (
        Trunk.objects.select_related("domain")
        .filter(silent, domain__tenant=tenant, enabled=True)
        .annotate(since=Min("gateways__health__changed_at"))
        .order_by("domain__name", "name")
    )
    return [
        Point(
            _("A gateway of the trunk %(trunk)s does not answer.") % {"trunk": trunk},
            "trunk",
            trunk.public_id,
            is_bad=True,
            since=trunk.since,
        )
        for trunk in trunks[:MOST_OF_A_KIND]
    ]


def _limits(tenant: Tenant) -> list[Point]:
    return [
        Point(
            _("No more fits: %(what)s, all %(n)d used.")
            % {"what": LIMITS[each.name], "n": each.limit},
            "limits",
            is_bad=True,
        )
        for each in usage.of(tenant)
        if each.is_full
    ]


def _domains(tenant: Tenant) -> list[Point]:
    """Those that are not served, for one reason or the other."""
    unserved = tenant.domains.filter(Q(enabled=False) | ~SERVED)
    off = _("%(domain)s is off: nobody registers or calls there.")
    unproved = _("%(domain)s is not served before it is proved to be yours.")
    return [
        Point(
            (unproved if domain.enabled else off) % {"domain": domain},
            "domain",
            domain.public_id,
            since=domain.created_at if domain.enabled else None,
        )
        for domain in unserved[:MOST_OF_A_KIND]
    ]


def _webhooks(tenant: Tenant) -> list[Point]:
    failing = (
        tenant.webhooks.filter(enabled=True, deliveries__state=State.FAILED)
        .annotate(failed=Count("deliveries"), since=Min("deliveries__created_at"))
        .order_by("-failed")
    )
    return [
        Point(
            ngettext(
                "%(n)d delivery to %(url)s was given up.",
                "%(n)d deliveries to %(url)s were given up.",
                webhook.failed,
            )
            % {"n": webhook.failed, "url": webhook.url},
            "webhook",
            webhook.public_id,
            since=webhook.since,
        )
        for webhook in failing[:MOST_OF_A_KIND]
    ]
