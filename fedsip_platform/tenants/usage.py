"""How much of its limits a tenant uses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncSecond
from django.utils import timezone

from fedsip_platform.calls.models import CallRecord, LiveCall
from fedsip_platform.directory.models import Subscriber, Translation

from .models import Tenant

LOOKED_BACK = timedelta(minutes=1)
"""Of calls begun in a second, the busiest second since then is told."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One limit, and how much of it is used on all nodes together; `limit` None: none."""

    name: str
    used: int
    limit: int | None

    @property
    def is_full(self) -> bool:
        """Whether no more fits."""
        return self.limit is not None and self.used >= self.limit


def of(tenant: Tenant) -> list[Usage]:
    """All limits of a tenant, with what it uses now."""
    users = Subscriber.objects.filter(domain__tenant=tenant).count()
    rules = Translation.objects.filter(domain__tenant=tenant).count()
    calls = LiveCall.objects.filter(tenant=tenant).count()
    begun = busiest_second(tenant, now=timezone.now())
    return [
        Usage("domains", tenant.domains.count(), tenant.max_domains),
        Usage("users", users, tenant.max_subscribers),
        Usage("rules", rules, tenant.max_rules),
        Usage("calls", calls, tenant.max_calls),
        Usage("calls_per_second", begun, tenant.max_calls_per_second),
    ]


def busiest_second(tenant: Tenant, *, now: datetime) -> int:
    """The calls begun in the second of the last minute in which most were."""
    amounts: Counter[datetime] = Counter()
    for kind in (CallRecord, LiveCall):
        begun = kind.objects.filter(tenant=tenant, started_at__gte=now - LOOKED_BACK).order_by()
        by_second = begun.annotate(second=TruncSecond("started_at")).values_list("second")
        amounts.update(dict(by_second.annotate(amount=Count("pk"))))
    return max(amounts.values(), default=0)
