"""What pages and REST ask about calls and registrations, each in one SQL query.

Every function takes a queryset that is scoped already (tenants/scope.py) and narrows it further.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncHour

from fedsip_platform.directory.models import Translation
from fedsip_platform.routing.models import Trunk

from . import verdict
from .models import CallRecord, LiveCall, RegistrationSample

Call = TypeVar("Call", CallRecord, LiveCall)

RESULTS = ("answered", "failed", "bad")
GIVEN_UP = 487  # the caller hung up before anybody answered
SHOWN = timedelta(days=1)
"""How far back what is counted over time goes, where nobody says it."""
MOST_SHOWN = timedelta(days=31)
"""How much time it may span."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, order=True)
class Failure:
    """How a call ended that nobody answered."""

    status: int
    reason: str


@dataclass(slots=True)
class Hour:
    """The calls that began in one hour, or in several together."""

    hour: datetime
    answered: int = 0
    failed: Counter[Failure] = field(default_factory=Counter)
    measured: int = 0
    """Of how many the sound was measured."""
    mos_sum: float = 0.0

    @property
    def all_failed(self) -> int:
        return self.failed.total()

    @property
    def calls(self) -> int:
        return self.answered + self.all_failed

    @property
    def mos(self) -> float | None:
        """The average of those that were measured."""
        return self.mos_sum / self.measured if self.measured else None


@dataclass(frozen=True, slots=True)
class Sample:
    """Registrations and calls at an instant."""

    at: datetime
    devices: int
    users: int
    calls: int


def calls_by_hour(calls: QuerySet[CallRecord], *, since: datetime, until: datetime) -> list[Hour]:
    """Every hour from `since` to `until`, also those without a call."""
    rows = (
        calls.filter(started_at__gte=_floor(since), started_at__lt=until)
        .order_by()
        .annotate(hour=TruncHour("started_at"), answered=Q(answered_at__isnull=False))
        .values_list("hour", "answered", "status", "reason")
        .annotate(amount=Count("*"), measured=Count("mos"), mos_sum=Sum("mos"))
    )
    hours: dict[datetime, Hour] = {}
    at = _floor(since)
    while at < until:
        hours[at] = Hour(at)
        at += _HOUR
    for at, is_answered, status, reason, amount, measured, mos_sum in rows:
        hour = hours[at]
        if is_answered:
            hour.answered += amount
        else:
            hour.failed[Failure(status, reason)] += amount
        hour.measured += measured
        hour.mos_sum += mos_sum or 0.0
    return list(hours.values())


def together(hours: list[Hour]) -> Hour:
    """All of the hours as if they were one; there is one at least."""
    found = Hour(hours[0].hour)
    for hour in hours:
        found.answered += hour.answered
        found.failed.update(hour.failed)
        found.measured += hour.measured
        found.mos_sum += hour.mos_sum
    return found


def failure_reasons(hour: Hour, *, most: int = 5) -> list[tuple[Failure, int]]:
    """Why calls were not answered, the most frequent reason first; given-up ones do not count."""
    found = [(failure, n) for failure, n in hour.failed.items() if failure.status != GIVEN_UP]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:most]


def registrations_over_time(
    samples: QuerySet[RegistrationSample], *, since: datetime
) -> list[Sample]:
    """All samples since then, of all tenants in the queryset together."""
    rows = (
        samples.filter(at__gte=since)
        .order_by()
        .values("at")
        .annotate(all_devices=Sum("devices"), all_users=Sum("users"), all_calls=Sum("calls"))
        .order_by("at")
    )
    return [Sample(*row) for row in rows.values_list("at", "all_devices", "all_users", "all_calls")]


def with_names(calls: QuerySet[Call]) -> QuerySet[Call]:
    """With tenant and domain, and as `rule` the public id of the rule that each took."""
    taken = Translation.objects.filter(pk=OuterRef("rule_id")).values("public_id")
    return calls.select_related("tenant", "domain").annotate(rule=Subquery(taken))


def of_user(address: str) -> Q:
    """Calls from or to a user, such as alice@example.com."""
    uri = f"sip:{address.removeprefix('sip:').lower()}"
    return Q(caller=uri) | Q(callee=uri)


def by_rule(rule: UUID) -> Q:
    """Calls that took this rule, while there is one."""
    return Q(rule_id__in=Translation.objects.filter(public_id=rule).values("pk"))


def by_trunk(name: str) -> Q:
    """Calls that a rule led to this trunk of a domain, and those that came from its addresses."""
    trunk, _, domain = name.strip().lower().rpartition("@")
    rules = Translation.objects.filter(domain__name=domain, tran_trunk=trunk).values("pk")
    found = Q(rule_id__in=rules)
    for known in Trunk.objects.filter(domain__name=domain, name=trunk):
        for address in known.inbound_addresses:
            place = re.escape(f"[{address}]" if ":" in address else address)
            came = Q(domain=known.domain_id, caller_address__regex=rf"^\w+ {place}:\d+$")
            found |= came
    return found


def by_result(word: str) -> Q:
    """Calls that were answered, that failed (nobody gave them up), or that sounded bad."""
    match word:
        case "answered":
            return Q(answered_at__isnull=False)
        case "failed":
            return Q(answered_at__isnull=True) & ~Q(status=GIVEN_UP)
        case _:
            return ~Q(verdict__contained_by=list(verdict.REMARKS))


def calls_by_rule(
    calls: QuerySet[CallRecord], rules: list[int], *, since: datetime
) -> dict[int, int]:
    """How many calls each of these rules took since then, for a page of rules."""
    chosen = calls.filter(rule_id__in=rules, started_at__gte=since).order_by()
    return dict(chosen.values_list("rule_id").annotate(amount=Count("pk")))


def last_calls(calls: QuerySet[CallRecord], aors: list[str]) -> dict[str, datetime]:
    """When each of these users last called, for a page of users."""
    uris = [f"sip:{aor}" for aor in aors]
    rows = (
        calls.filter(caller__in=uris)
        .order_by()
        .values_list("caller")
        .annotate(last=Max("started_at"))
    )
    return {uri.removeprefix("sip:"): last for uri, last in rows}


def _floor(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
