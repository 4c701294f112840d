"""Periodic tasks that keep tables small. Each may run twice or at the same time as another.

How often is said in timetable.py.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from axes.models import AccessFailureLog, AccessLog
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from fedsip_platform.api.models import RememberedRequest
from fedsip_platform.calls.models import BlockedSource, Node
from fedsip_platform.celery import app
from fedsip_platform.federation.models import Refusal

logger = logging.getLogger(__name__)

CHANGES_KEPT = timedelta(hours=1)  # a proxy reads them within half a second
TOMBSTONES_KEPT = timedelta(days=1)
NODES_KEPT = timedelta(days=1)
SIGN_INS_KEPT = timedelta(days=30)
ANSWERS_KEPT = timedelta(days=1)
REFUSALS_KEPT = timedelta(days=90)
AUDIT_KEPT = timedelta(days=730)


@app.task
def prune_changes() -> int:
    """Forget changes that every proxy has long read, and remember up to where."""
    with connection.cursor() as cursor:
        # One statement: no reader may see the rows gone and the horizon unmoved.
        cursor.execute(
            """
            WITH pruned AS (
                DELETE FROM directory_change WHERE changed_at < now() - %s RETURNING xid
            ), last AS (
                SELECT count(*) AS amount, max(xid::text::bigint) AS xid FROM pruned
            ), moved AS (
                UPDATE directory_change_horizon h
                SET xid = greatest(h.xid, (last.xid + 1)::text::xid8)
                FROM last WHERE last.amount > 0
            )
            SELECT amount FROM last
            """,
            [CHANGES_KEPT],
        )
        amount = int(cursor.fetchone()[0])
    logger.info("changes pruned amount=%d", amount)
    return amount


@app.task
def prune_bindings() -> int:
    """Forget tombstones and what expired long ago; give a restored database true numbers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM location_binding WHERE deleted AND updated_at < now() - %s"
            " OR expires_at < now() - %s",
            [TOMBSTONES_KEPT, TOMBSTONES_KEPT],
        )
        amount = cursor.rowcount
        # After pg_restore into another cluster the old numbers lie in the future, and every poll
        # of every proxy would read those rows again; the trigger renews them.
        cursor.execute(
            "UPDATE location_binding SET deleted = deleted"
            " WHERE xid > pg_snapshot_xmax(pg_current_snapshot())"
        )
    logger.info("registrations pruned amount=%d", amount)
    return amount


@app.task
def forget_nodes() -> int:
    """Forget proxies that have not been seen for a day, and blocks that ended."""
    long_ago = timezone.now() - NODES_KEPT
    amount, _ = Node.objects.filter(seen_at__lt=long_ago).delete()
    BlockedSource.objects.filter(blocked_until__lt=long_ago).delete()
    logger.info("nodes forgotten amount=%d", amount)
    return amount


@app.task
def forget_audit() -> int:
    """Forget what was changed more than two years ago."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_forget(%s)", [AUDIT_KEPT.days])
        amount = int(cursor.fetchone()[0])
    logger.info("audit entries forgotten amount=%d", amount)
    return amount


@app.task
def forget_refusals() -> int:
    """Forget what was refused to other domains more than three months ago."""
    amount, _ = Refusal.objects.filter(last_at__lt=timezone.now() - REFUSALS_KEPT).delete()
    logger.info("refusals forgotten amount=%d", amount)
    return amount


@app.task
def forget_remembered_requests() -> int:
    """Forget answers that were kept for their Idempotency-Key."""
    long_ago = timezone.now() - ANSWERS_KEPT
    amount, _ = RememberedRequest.objects.filter(created_at__lt=long_ago).delete()
    logger.info("remembered requests forgotten amount=%d", amount)
    return amount


@app.task
def forget_sign_ins() -> int:
    """Forget sessions that ended, and who signed in or failed to more than a month ago."""
    now = timezone.now()
    amount, _ = Session.objects.filter(expire_date__lt=now).delete()
    for log in (AccessLog, AccessFailureLog):
        log.objects.filter(attempt_time__lt=now - SIGN_INS_KEPT).delete()
    logger.info("sessions forgotten amount=%d", amount)
    return amount
