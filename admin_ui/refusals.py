"""Why calls with other domains were refused, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Max, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from fedsip_platform.federation.models import Refusal

REASONS = {
    "closed": _("the domain is closed to others"),
    "denied": _("a rule denies that domain"),
    "not_listed": _("it is not on the allow list"),
    "no_tls": _("it did not come over TLS"),
    "no_certificate": _("no certificate proved who it is"),
    "never_secure": _("nothing secure leads there"),
    "no_verified_peer": _("none of its servers proved whose it is"),
    "inner": _("it leads to no public address"),
    "method": _("strangers may not send that method"),
    "domain_rate": _("too many calls with that domain"),
    "caller_rate": _("too many calls of one caller"),
    "source_rate": _("too many calls from one address that has proved nothing"),
}


def with_reasons(refusals: Iterable[Refusal]) -> list[Refusal]:
    """The refusals, each with `reason`."""
    shown = list(refusals)
    for refusal in shown:
        refusal.reason = REASONS.get(refusal.why, refusal.why)  # type: ignore[attr-defined]
    return shown


@dataclass(slots=True)
class Refused:
    """Another domain, and all that was refused to it or towards it."""

    peer: str
    """Empty: many that came at once."""
    amount: int
    last_at: datetime
    domains: set[str] = field(default_factory=set)
    """Ours that it was about."""
    parts: list[dict[str, Any]] = field(default_factory=list)
    """How many (`amount`) in which `direction` for which `reason`, the most first."""


def by_peer(refusals: QuerySet[Refusal], *, most: int) -> list[Refused]:
    """By the other domain, of all days that are kept: the `most` that were refused last, the latest
    first."""
    latest = (
        refusals.order_by()
        .values("peer")
        .annotate(last=Max("last_at"), total=Sum("amount"))
        .order_by("-last", "-total", "peer")[:most]
    )
    found = {row["peer"]: Refused(row["peer"], row["total"], row["last"]) for row in latest}
    rows = (
        refusals.filter(peer__in=found)
        .order_by()
        .values("peer", "direction", "why")
        .annotate(total=Sum("amount"), ours=ArrayAgg("domain__name", distinct=True))
        .order_by("-total", "why")
    )
    for row in rows:
        one = found[row["peer"]]
        one.domains.update(row["ours"])
        reason = str(REASONS.get(row["why"], row["why"]))
        one.parts.append({"direction": row["direction"], "reason": reason, "amount": row["total"]})
    return list(found.values())
