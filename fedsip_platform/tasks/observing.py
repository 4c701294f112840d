"""Periodic tasks about what was seen: counted, closed, forgotten. Each may run twice.

How often is said in timetable.py.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from fedsip_platform.calls.models import FailedSignIn, HangUp, RegistrationSample
from fedsip_platform.celery import app
from fedsip_platform.live.models import LiveEvent

logger = logging.getLogger(__name__)

SAMPLED_EACH = timedelta(minutes=5)
FINE_SAMPLES_KEPT = timedelta(days=2)
SAMPLES_KEPT = timedelta(days=400)
FAILED_SIGN_INS_KEPT = timedelta(days=30)
HANG_UPS_KEPT = timedelta(days=1)
LIVE_EVENTS_KEPT = timedelta(days=1)
NODE_IS_LOST = timedelta(minutes=5)  # a heartbeat comes each second
_BATCH = 10_000


@app.task
def sample_registrations() -> int:
    """Count each tenant's devices, people and calls, at a round instant."""
    now = timezone.now()
    at = now - timedelta(seconds=now.timestamp() % SAMPLED_EACH.total_seconds())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO calls_registrationsample (tenant_id, at, devices, users, calls)
            SELECT tenant_id, %s, sum(devices), sum(users), sum(calls) FROM (
                SELECT d.tenant_id, count(*) AS devices, count(DISTINCT b.aor) AS users, 0 AS calls
                FROM location_binding b JOIN directory_domain d ON d.id = b.domain_id
                WHERE NOT b.deleted AND b.expires_at > now() GROUP BY d.tenant_id
                UNION ALL
                SELECT tenant_id, 0, 0, count(*) FROM calls_livecall
                WHERE tenant_id IS NOT NULL GROUP BY tenant_id
            ) AS counted GROUP BY tenant_id
            ON CONFLICT (tenant_id, at) DO NOTHING
            """,
            [at],
        )
        amount = cursor.rowcount
    logger.info("registrations sampled tenants=%d", amount)
    return amount


@app.task
def close_lost_calls() -> int:
    """Close the calls of proxies that have been gone for minutes: nobody else will. A proxy that
    comes back looks after its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH lost AS (
                DELETE FROM calls_livecall l
                WHERE NOT EXISTS (
                    SELECT FROM calls_node n
                    WHERE n.node_id = l.node_id AND n.seen_at > now() - %s
                ) RETURNING l.*
            ), closed AS (
                INSERT INTO calls_callrecord (
                    public_id, call_id, tenant_id, domain_id, caller, callee, request_uri, target,
                    caller_address, hop, started_at, ringing_at, answered_at, ended_at, status,
                    reason, ended_by, node_id, relay_id, user_agent, rule_id, hops,
                    policies
                )
                SELECT
                    public_id, call_id, tenant_id, domain_id, caller, callee, request_uri, target,
                    caller_address, hop, started_at, ringing_at, answered_at,
                    greatest(
                        coalesce(answered_at, started_at),
                        coalesce((SELECT seen_at FROM calls_node n WHERE n.node_id = lost.node_id),
                                 started_at)
                    ),
                    CASE WHEN answered_at IS NULL THEN 503 ELSE 200 END, 'Proxy lost', 'proxy',
                    node_id, relay_id, user_agent, rule_id, hops, policies
                FROM lost ON CONFLICT (public_id) DO NOTHING
            )
            SELECT count(*) FROM lost
            """,
            [NODE_IS_LOST],
        )
        amount = int(cursor.fetchone()[0])
    if amount:
        logger.warning("calls of lost proxies closed amount=%d", amount)
    return amount


@app.task
def forget_messages() -> int:
    """Forget messages of calls when their domain's days are over, or the domain is gone."""
    return _in_batches(
        "DELETE FROM calls_keptmessages WHERE id IN ("
        " SELECT m.id FROM calls_keptmessages m LEFT JOIN directory_domain d ON d.id = m.domain_id"
        " WHERE m.at < now() - make_interval(days => coalesce(d.trace_days, 0)) LIMIT %s)",
        "messages forgotten",
    )


@app.task
def forget_calls() -> int:
    """Forget call records after the days of FEDSIP_WEB_CALL_DAYS."""
    return _in_batches(
        "DELETE FROM calls_callrecord WHERE id IN ("
        " SELECT id FROM calls_callrecord WHERE started_at < now() - make_interval(days => %s)"
        " LIMIT %s)",
        "calls forgotten",
        settings.WEB.call_days,
    )


@app.task
def forget_observations() -> int:
    """Forget old failed sign-ins and hang-ups; of older samples one an hour is enough."""
    now = timezone.now()
    amount, _ = FailedSignIn.objects.filter(hour__lt=now - FAILED_SIGN_INS_KEPT).delete()
    LiveEvent.objects.filter(at__lt=now - LIVE_EVENTS_KEPT).delete()
    HangUp.objects.filter(requested_at__lt=now - HANG_UPS_KEPT).delete()
    samples = RegistrationSample.objects.filter(at__lt=now - FINE_SAMPLES_KEPT)
    samples.exclude(at__minute=0).delete()
    samples.filter(at__lt=now - SAMPLES_KEPT).delete()
    logger.info("failed sign-ins forgotten amount=%d", amount)
    return amount


def _in_batches(statement: str, what: str, *values: object) -> int:
    """Many small transactions instead of one that holds everybody up."""
    amount = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, [*values, _BATCH])
            amount += cursor.rowcount
            if cursor.rowcount < _BATCH:
                break
    logger.info("%s amount=%d", what, amount)
    return amount
