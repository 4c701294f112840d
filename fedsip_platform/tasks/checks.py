"""Looks after hosted domains' DNS and certificate, and awaits new ones' proof.

Which are due is read from the rows themselves: a worker that dies leaves its domains due, and one
that is checked twice is told of once.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from fedsip_platform.celery import app
from fedsip_platform.directory.models import SERVED, Domain
from fedsip_platform.federation import checks, ownership
from fedsip_platform.federation.models import DomainCheck

from . import queue

logger = logging.getLogger(__name__)

EACH = timedelta(hours=6)
PROOF_AWAITED = timedelta(days=7)
"""So long the proof of a new domain is looked for each time; later as often as all is checked."""
AT_ONCE = 50
SILENT = timedelta(seconds=20)  # a check that was asked for takes no longer
MOST_AWAITED = 500
WORKS_AT_MOST = 240.0  # seconds; the rest is still due when this runs next


def ask(domain: Domain) -> None:
    """Have a worker check this domain now; pages that show it hear of the result."""
    checks.want(domain)
    transaction.on_commit(lambda: queue.soon(check_wanted, domain.pk))


@app.task
def check_wanted(domain_id: int) -> bool:
    """Make the check that somebody asked for, unless it was made meanwhile."""
    wanted = Domain.objects.filter(pk=domain_id, last_check__wanted_at__isnull=False)
    domain = wanted.select_related("tenant").first()
    return domain is not None and bool(checks.check([domain], ask_hops=True))


@app.task
def check_left() -> int:
    """Make the checks that a lost broker or a killed worker has left."""
    left = DomainCheck.objects.filter(wanted_at__lt=timezone.now() - SILENT)
    return sum(check_wanted(pk) for pk in left.values_list("domain", flat=True)[:AT_ONCE])


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
