"""Looks after hosted domains' DNS and certificate, and awaits new ones' proof.

Which are due is read from the rows themselves: a worker that dies leaves its domains due, and one
that is checked twice is told of once.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from fedsip_platform.celery import app
from fedsip_platform.directory.models import SERVED, Domain
from fedsip_platform.federation import checks, ownership

logger = logging.getLogger(__name__)

EACH = timedelta(hours=6)
PROOF_AWAITED = timedelta(days=7)
"""So long the proof of a new domain is looked for each time; later as often as all is checked."""
AT_ONCE = 50
MOST_AWAITED = 500
WORKS_AT_MOST = 240.0  # seconds; the rest is still due when this runs next


@app.task
def check_domains() -> int:
    """Check the domains that were never checked, or not for hours; the longest first."""
    begun = time.monotonic()
    ownership.check_all(_unproved())
    amount = 0
    while time.monotonic() - begun < WORKS_AT_MOST:
        due = _due()
        checks.check(due)
        amount += len(due)
        if len(due) < AT_ONCE:
            break
    logger.info("domains checked amount=%d", amount)
    return amount


def _unproved() -> list[Domain]:
    """The new ones that nobody knows the owner of; the latest first."""
    new = Domain.objects.filter(created_at__gt=timezone.now() - PROOF_AWAITED)
    unproved = new.exclude(SERVED).select_related("tenant")
    return list(unproved.order_by("-created_at")[:MOST_AWAITED])


def _due() -> list[Domain]:
    served = Domain.objects.filter(enabled=True, tenant__enabled=True).select_related("tenant")
    due = served.exclude(last_check__checked_at__gt=timezone.now() - EACH)
    return list(due.order_by(F("last_check__checked_at").asc(nulls_first=True))[:AT_ONCE])
