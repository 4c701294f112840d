"""Whether what a tenant depends on works: proxies, relays, its domains' DNS, its certificates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q
from django.db.models.fields.json import KeyTextTransform
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from admin_ui.frame import Place
from fedsip_platform.calls import nodes
from fedsip_platform.federation.certificates import ENDS_SOON
from fedsip_platform.federation.models import CheckState, DomainCheck

GOOD, WARN, BAD = "good", "warn", "bad"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that must work. `sentence` says what is wrong; empty: nothing is."""

    label: str
    text: str
    state: str
    sentence: str = ""
    address: str = ""


def of(place: Place, *, now: datetime) -> list[Part]:
    """All parts, in two queries."""
    checks = place.scope.visible(DomainCheck.objects.filter(domain__enabled=True)).aggregate(
        all=Count("pk"),
        failing=Count("pk", filter=Q(state=CheckState.FAILING)),
        unknown=Count("pk", filter=Q(state=CheckState.UNKNOWN)),
        ends=Min(KeyTextTransform("expires_at", "certificate")),
    )
    address = reverse("domains", args=[place.tenant.slug])
    parts = [*of_servers(nodes.seen(now=now))]
    if checks["all"]:
        parts.append(_domains(checks, address))
    if checks["ends"]:
        parts.append(_certificates(checks["ends"], now, address))
    return parts


def of_servers(seen: nodes.Seen) -> list[Part]:
    """Proxies and relays."""
    alive, known = len(seen.alive), len(seen.alive) + len(seen.silent)
    text = _("%(n)d of %(all)d answer") % {"n": alive, "all": known}
    if not alive:
        sentence = _("No proxy is running: phones can neither register nor call.")
        return [Part(_("Proxies"), text, BAD, sentence)]
    sentence = ""
    if seen.silent:
        sentence = ngettext(
            "%(n)d proxy is silent; the others have its work.",
            "%(n)d proxies are silent; the others have their work.",
            len(seen.silent),
        ) % {"n": len(seen.silent)}
    parts = [Part(_("Proxies"), text, WARN if seen.silent else GOOD, sentence)]
    answering = sum(seen.relays.values())
    text = _("%(n)d of %(all)d answer") % {"n": answering, "all": len(seen.relays)}
    if answering == len(seen.relays):
        return [*parts, Part(_("Relays"), text, GOOD if answering else "")]
    if answering:
        sentence = _("A media relay does not answer; new calls go to the others.")
        return [*parts, Part(_("Relays"), text, WARN, sentence)]
    sentence = _("No media relay answers: calls whose sound passes it are refused.")
    return [*parts, Part(_("Relays"), text, BAD, sentence)]


def _domains(checks: dict[str, Any], address: str) -> Part:
    """What is wrong with each is said by attention.py."""
    fine = checks["all"] - checks["failing"] - checks["unknown"]
    text = _("%(n)d of %(all)d fine") % {"n": fine, "all": checks["all"]}
    state = BAD if checks["failing"] else WARN if checks["unknown"] else GOOD
    return Part(_("DNS and TLS of domains"), text, state, address=address)


def _certificates(ends: str, now: datetime, address: str) -> Part:
    left = (parse_datetime(ends) or now) - now
    days = max(left, timedelta()).days
    text = ngettext("the first ends in %(n)d day", "the first ends in %(n)d days", days)
    state = BAD if left <= timedelta() else WARN if left < ENDS_SOON else GOOD
    return Part(_("Certificates"), text % {"n": days}, state, address=address)
