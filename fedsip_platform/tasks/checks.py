"""Looks after hosted domains' DNS and certificate. Which are due is read from the rows themselves:
a worker that dies leaves its domains due, and one that is checked twice is told of once.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from fedsip_platform.celery import app
from fedsip_platform.directory.models import Domain
from fedsip_platform.federation import checks

logger = logging.getLogger(__name__)

EACH = timedelta(hours=6)
AT_ONCE = 50
WORKS_AT_MOST = 240.0  # seconds; the rest is still due when this runs next


@app.task
def check_domains() -> int:
    """Check the domains that were never checked, or not for hours; the longest first."""
    begun = time.monotonic()
    amount = 0
    while time.monotonic() - begun < WORKS_AT_MOST:
        due = _due()
        checks.check(due)
        amount += len(due)
        if len(due) < AT_ONCE:
            break
    logger.info("domains checked amount=%d", amount)
    return amount


def _due() -> list[Domain]:
    served = Domain.objects.filter(enabled=True, tenant__enabled=True).select_related("tenant")
    due = served.exclude(last_check__checked_at__gt=timezone.now() - EACH)
    return list(due.order_by(F("last_check__checked_at").asc(nulls_first=True))[:AT_ONCE])
