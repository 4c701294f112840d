"""Delivers what waits in the outbox of webhooks: at least once, with back-off.

A delivery is put off by a minute in a transaction of its own before it is sent: if this worker
dies, another one sends it again. No transaction is open while the far side is waited for.
"""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fedsip_platform.celery import app
from fedsip_platform.webhooks import services, signing, targets
from fedsip_platform.webhooks.models import Delivery, State

logger = logging.getLogger(__name__)

AT_ONCE = 16
A_ROUND = 64
LEASE = timedelta(minutes=1)
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
MOST_ATTEMPTS = 15
KEPT = timedelta(days=14)

Outcome = tuple[int | None, str, str]
"""Status, problem, and how the answer's body begins."""


@app.task
def deliver_due() -> int:
    """Deliver all that is due; how many arrived."""
    arrived = 0
    while claimed := _claim():
        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(_send, [_prepared(each) for each in claimed]))
        for delivery, outcome in zip(claimed, outcomes, strict=True):
            arrived += _note(delivery, outcome)
        if len(claimed) < A_ROUND:
            break
    return arrived


@app.task
def forget_deliveries() -> int:
    """Forget what was told, or given up, two weeks ago."""
    old = Delivery.objects.filter(created_at__lt=timezone.now() - KEPT)
    return old.exclude(state=State.WAITING).delete()[0]


@transaction.atomic
def _claim() -> list[Delivery]:
    now = timezone.now()
    waiting = Delivery.objects.select_for_update(skip_locked=True, of=("self",))
    due = waiting.select_related("webhook").filter(state=State.WAITING, due_at__lte=now)
    claimed = list(due.order_by("due_at")[:A_ROUND])
    Delivery.objects.filter(pk__in=[each.pk for each in claimed]).update(due_at=now + LEASE)
    return claimed


def _prepared(delivery: Delivery) -> tuple[str, bytes, dict[str, str]]:
    body = json.dumps(delivery.content).encode()
    at = int(timezone.now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "fedsip-webhook",
        "Fedsip-Event": delivery.event,
        "Fedsip-Delivery": str(delivery.public_id),
        "Fedsip-Signature": signing.sign(services.secret_of(delivery.webhook), body, at),
    }
    return delivery.webhook.url, body, headers


def _send(prepared: tuple[str, bytes, dict[str, str]]) -> Outcome:
    try:
        status, answer = targets.post(*prepared)
    except (targets.TargetRefused, targets.DeliveryFailed) as error:
        return None, str(error), ""
    if 200 <= status < 300:
        return status, "", answer
    return status, _("The answer was %(status)d.") % {"status": status}, answer


def _note(delivery: Delivery, outcome: Outcome) -> bool:
    delivery.status, delivery.problem, delivery.answer = outcome
    delivery.attempts += 1
    now = timezone.now()
    if not delivery.problem:
        delivery.state, delivery.delivered_at = State.DELIVERED, now
    elif delivery.attempts >= MOST_ATTEMPTS:
        delivery.state = State.FAILED
        logger.warning("webhook given up delivery=%s why=%s", delivery.public_id, delivery.problem)
    else:
        delivery.due_at = now + min(FIRST_WAIT * 2 ** (delivery.attempts - 1), LONGEST_WAIT)
    delivery.save()
    return delivery.state == State.DELIVERED
