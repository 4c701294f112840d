"""How much of its limits a tenant uses."""

from __future__ import annotations

from dataclasses import dataclass

from fedsip_platform.calls.models import LiveCall
from fedsip_platform.directory.models import Subscriber, Translation

from .models import Tenant


@dataclass(frozen=True, slots=True)
class Usage:
    """One limit. `used` is None where it is counted by each proxy alone; `limit` None: none."""

    name: str
    used: int | None
    limit: int | None

    @property
    def is_full(self) -> bool:
        """Whether no more fits."""
        return self.limit is not None and self.used is not None and self.used >= self.limit


def of(tenant: Tenant) -> list[Usage]:
    """All limits of a tenant, with what it uses now."""
    users = Subscriber.objects.filter(domain__tenant=tenant).count()
    rules = Translation.objects.filter(domain__tenant=tenant).count()
    calls = LiveCall.objects.filter(tenant=tenant).count()
    return [
        Usage("domains", tenant.domains.count(), tenant.max_domains),
        Usage("users", users, tenant.max_subscribers),
        Usage("rules", rules, tenant.max_rules),
        Usage("calls", calls, tenant.max_calls),
        Usage("calls_per_second", None, tenant.max_calls_per_second),
    ]
