"""Events that no table shows by itself, such as the result of a domain's check.

Calls, registrations and blocks are read where they are kept (changes.py); whatever else open pages
shall hear of is put here by `publish` and forgotten after a day.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from fedsip_platform.tenants.models import Tenant


class LiveEvent(models.Model):
    """One thing that happened. Without a tenant it is for operators alone."""

    tenant = models.ForeignKey(
        Tenant, models.CASCADE, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    kind = models.TextField()
    what = models.TextField()
    key = models.TextField(db_default="")
    text = models.TextField(db_default="")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["at"], name="live_event_by_age")]

    def __str__(self) -> str:
        return f"{self.kind} {self.what} {self.key}"


def publish(kind: str, what: str, *, tenant: Tenant | None, key: str = "", text: str = "") -> None:
    """Tell open pages; heard when the transaction commits, and only then."""
    LiveEvent.objects.create(kind=kind, what=what, tenant=tenant, key=key, text=text)
