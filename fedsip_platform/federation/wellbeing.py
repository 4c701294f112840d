"""Whether what calls depend on works: proxies, relays, records, our domains' DNS, certificates; in
words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fedsip_platform.calls import nodes

from .certificates import ENDS_SOON
from .models import CheckState, DomainCheck

GOOD, WARN, BAD, UNKNOWN = "good", "warn", "bad", "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that must work. `sentence` says what is wrong and is not told elsewhere."""

    name: str
    """For programs: proxies, relays, records, domains or certificates."""
    label: str
    text: str
    state: str
    sentence: str = ""


def of(checks: QuerySet[DomainCheck], *, now: datetime) -> list[Part]:
    """All parts that there are, for the domains of these checks; in two queries."""
    found = checks.filter(domain__enabled=True).aggregate(
        all=Count("pk"),
        failing=Count("pk", filter=Q(state=CheckState.FAILING)),
        unknown=Count("pk", filter=Q(state=CheckState.UNKNOWN)),
        ends=Min(KeyTextTransform("expires_at", "certificate")),
    )
    parts = of_servers(nodes.seen(now=now))
    if found["all"]:
        parts.append(_domains(found))
    if found["ends"]:
        parts.append(_certificates(found["ends"], now))
    return parts


def of_servers(seen: nodes.Seen) -> list[Part]:
    """Proxies, the relays that they reach, and records of calls where some were lost."""
    parts = [_proxies(seen)]
    if seen.alive:
        parts.append(_relays(seen))
    if any(node.lost_calls for node in seen.alive):
        sentence = _("Some calls are not on record; the proxy's log says why.")
        parts.append(Part("records", _("Records of calls"), _("some are lost"), WARN, sentence))
    return parts


def _proxies(seen: nodes.Seen) -> Part:
    alive, known = len(seen.alive), len(seen.alive) + len(seen.silent)
    text = _("%(n)d of %(all)d answer") % {"n": alive, "all": known}
    label = _("Proxies")
    if not alive:
        sentence = _("No proxy is running: phones can neither register nor call.")
        return Part("proxies", label, text, BAD, sentence)
    if not seen.silent:
        return Part("proxies", label, text, GOOD)
    sentence = ngettext(
        "%(n)d proxy is silent; the others have its work.",
        "%(n)d proxies are silent; the others have their work.",
        len(seen.silent),
    )
    return Part("proxies", label, text, WARN, sentence % {"n": len(seen.silent)})


def _relays(seen: nodes.Seen) -> Part:
    answering, known = sum(seen.relays.values()), len(seen.relays)
    text = _("%(n)d of %(all)d answer") % {"n": answering, "all": known}
    label = _("Relays")
    if answering == known:
        return Part("relays", label, text, GOOD if known else UNKNOWN)
    if answering:
        sentence = _("A media relay does not answer; new calls go to the others.")
        return Part("relays", label, text, WARN, sentence)
    sentence = _("No media relay answers: calls whose sound passes it are refused.")
    return Part("relays", label, text, BAD, sentence)


def _domains(checks: dict[str, Any]) -> Part:
    """Each domain's check says in its own words what is wrong."""
    fine = checks["all"] - checks["failing"] - checks["unknown"]
    text = _("%(n)d of %(all)d fine") % {"n": fine, "all": checks["all"]}
    state = BAD if checks["failing"] else WARN if checks["unknown"] else GOOD
    return Part("domains", _("DNS and TLS of domains"), text, state)


def _certificates(ends: str, now: datetime) -> Part:
    left = (parse_datetime(ends) or now) - now
    days = max(left, timedelta()).days
    text = ngettext("the first ends in %(n)d day", "the first ends in %(n)d days", days)
    state = BAD if left <= timedelta() else WARN if left < ENDS_SOON else GOOD
    return Part("certificates", _("Certificates"), text % {"n": days}, state)
