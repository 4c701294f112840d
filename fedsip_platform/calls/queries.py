"""What pages and REST ask about calls and registrations, each in one SQL query.

Every function takes a queryset that is scoped already (tenants/scope.py) and narrows it further.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Avg, Count, F, Max, Q, QuerySet, Sum
from django.db.models.functions import TruncHour

from .models import CallMessage, CallRecord, LiveCall, RegistrationSample

_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Hour:
    """The calls that began in one hour."""

    hour: datetime
    answered: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    """By status and reason, such as "486 Busy Here"."""

    @property
    def all_failed(self) -> int:
        return sum(self.failed.values())


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason why calls were not answered, and how many."""

    status: int
    reason: str
    amount: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Calls of a while in figures; `mos` is the average of those that were measured."""

    calls: int
    answered: int
    talk: timedelta
    mos: float | None


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
        .annotate(amount=Count("pk"))
    )
    hours: dict[datetime, Hour] = {}
    at = _floor(since)
    while at < until:
        hours[at] = Hour(at)
        at += _HOUR
    for hour, answered, status, reason, amount in rows:
        if answered:
            hours[hour].answered += amount
        else:
            name = f"{status} {reason}".strip()
            hours[hour].failed[name] = hours[hour].failed.get(name, 0) + amount
    return list(hours.values())


def failure_reasons(
    calls: QuerySet[CallRecord], *, since: datetime, most: int = 5
) -> list[Failure]:
    """Why calls were not answered, the most frequent reason first; cancelled ones do not count."""
    rows = (
        calls.filter(started_at__gte=since, answered_at=None)
        .exclude(status=487)
        .order_by()
        .values_list("status", "reason")
        .annotate(amount=Count("pk"))
        .order_by("-amount", "status")[:most]
    )
    return [Failure(*row) for row in rows]


def totals(calls: QuerySet[CallRecord], *, since: datetime) -> Totals:
    """Calls since then in figures."""
    found = calls.filter(started_at__gte=since).aggregate(
        calls=Count("pk"),
        answered=Count("answered_at"),
        talk=Sum(F("ended_at") - F("answered_at")),
        mos=Avg("mos"),
    )
    return Totals(found["calls"], found["answered"], found["talk"] or timedelta(), found["mos"])


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


def messages_of(
    messages: QuerySet[CallMessage], call: CallRecord | LiveCall
) -> QuerySet[CallMessage]:
    """The messages of one call in order. A Call-ID that came again later is another call."""
    chosen = messages.filter(
        call_id=call.call_id, at__gte=call.started_at - timedelta(seconds=40)
    ).order_by("at", "id")
    if isinstance(call, CallRecord):
        chosen = chosen.filter(at__lte=call.ended_at + timedelta(seconds=40))
    return chosen


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
