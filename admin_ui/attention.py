"""What wants attention, in sentences with the page where it is mended; the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from admin_ui.frame import Place
from fedsip_platform.directory.models import SERVED, Domain
from fedsip_platform.federation import wellbeing
from fedsip_platform.federation.models import CheckState, DomainCheck
from fedsip_platform.routing.models import GatewayHealth, Trunk
from fedsip_platform.tenants import usage
from fedsip_platform.webhooks.models import State, Webhook

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
    address: str
    """Empty where nobody of the tenant can mend it."""
    is_bad: bool = False


def points(place: Place, parts: Sequence[wellbeing.Part]) -> list[Point]:
    """All of them for a tenant: a few queries, however much the tenant has."""
    found = [*_parts(parts), *_checks(place), *_trunks(place), *_limits(place)]
    found += [*_domains(place), *_webhooks(place)]
    return sorted(found, key=lambda point: not point.is_bad)


def _parts(parts: Sequence[wellbeing.Part]) -> list[Point]:
    return [
        Point(part.sentence, "", is_bad=part.state == wellbeing.BAD)
        for part in parts
        if part.sentence
    ]


def _checks(place: Place) -> list[Point]:
    failing = place.scope.visible(DomainCheck.objects.select_related("domain"))
    failing = failing.filter(state=CheckState.FAILING, domain__enabled=True)
    return [
        Point(
            f"{check.domain}: {check.problems[0]}",
            _address(place, "domain", check.domain.public_id),
            is_bad=True,
        )
        for check in failing.order_by("changed_at")[:MOST_OF_A_KIND]
    ]


def _trunks(place: Place) -> list[Point]:
    dead = GatewayHealth.objects.filter(
        gateway__trunk__domain__tenant=place.tenant, gateway__enabled=True, is_alive=False
    )
    trunks = place.scope.visible(Trunk.objects.select_related("domain")).filter(
        enabled=True, pk__in=dead.values("gateway__trunk")
    )
    return [
        Point(
            _("A gateway of the trunk %(trunk)s does not answer.") % {"trunk": trunk},
            _address(place, "trunk", trunk.public_id),
            is_bad=True,
        )
        for trunk in trunks[:MOST_OF_A_KIND]
    ]


def _limits(place: Place) -> list[Point]:
    return [
        Point(
            _("No more fits: %(what)s, all %(n)d used.")
            % {"what": LIMITS[each.name], "n": each.limit},
            _address(place, "limits"),
            is_bad=True,
        )
        for each in usage.of(place.tenant)
        if each.is_full
    ]


def _domains(place: Place) -> list[Point]:
    """Those that are not served, for one reason or the other."""
    unserved = place.scope.visible(Domain.objects.filter(Q(enabled=False) | ~SERVED))
    off = _("%(domain)s is off: nobody registers or calls there.")
    unproved = _("%(domain)s is not served before it is proved to be yours.")
    return [
        Point(
            (unproved if domain.enabled else off) % {"domain": domain},
            _address(place, "domain", domain.public_id),
        )
        for domain in unserved[:MOST_OF_A_KIND]
    ]


def _webhooks(place: Place) -> list[Point]:
    failing = (
        place.scope.visible(Webhook.objects.filter(enabled=True, deliveries__state=State.FAILED))
        .annotate(failed=Count("deliveries"))
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
            _address(place, "webhook", webhook.public_id),
        )
        for webhook in failing[:MOST_OF_A_KIND]
    ]


def _address(place: Place, name: str, *keys: Any) -> str:
    return reverse(name, args=[place.tenant.slug, *keys])
