"""Everything that changes webhooks, and what is told to them from Python."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fedsip_platform import sealing
from fedsip_platform.audit import log
from fedsip_platform.changes import Conflict, ServiceError, change, delete, save
from fedsip_platform.tenants.models import Tenant

from .models import Delivery, Event, State, Webhook

PURPOSE = "webhook"
MOST_OF_A_TENANT = 50


@transaction.atomic
def create(tenant: Tenant, url: str, events: list[str], **fields: Any) -> tuple[Webhook, str]:
    """Make a webhook and return it with its secret, which nobody can read again."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    if tenant.webhooks.count() >= MOST_OF_A_TENANT:
        raise Conflict(
            "tenant",
            _("A tenant has at most %(most_of_a_tenant)s webhooks.")
            % {"most_of_a_tenant": MOST_OF_A_TENANT},
        )
    _check(events)
    secret = secrets.token_urlsafe(32)
    webhook = Webhook(tenant=tenant, url=url, events=sorted(set(events)), **fields)
    webhook.secret = sealing.seal(secret, PURPOSE)
    return save(webhook), secret


def update(webhook: Webhook, **fields: Any) -> Webhook:
    """Change where it goes, what it is told, or whether."""
    if "events" in fields:
        _check(fields["events"])
        fields["events"] = sorted(set(fields["events"]))
    return change(webhook, fields)


def remove(webhook: Webhook) -> None:
    """Delete a webhook; what waits for it is not delivered."""
    delete(webhook)


def test(webhook: Webhook) -> Delivery:
    """Send something, to see whether it arrives."""
    log.record("test", webhook)
    body = {"message": "This is a test of your webhook."}
    return Delivery.objects.create(
        webhook=webhook, event=Event.TEST, body=body, due_at=timezone.now()
    )


@transaction.atomic
def retry(delivery: Delivery) -> Delivery:
    """Try a delivery again, now and from the beginning; what has arrived is sent once more, as a
    delivery of its own, so that receivers that know the first one do not drop it."""
    locked = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
    if locked.state == State.DELIVERED:
        return Delivery.objects.create(
            webhook=locked.webhook, event=locked.event, body=locked.body, due_at=timezone.now()
        )
    locked.state, locked.attempts, locked.due_at = State.WAITING, 0, timezone.now()
    locked.save()
    return locked


def publish(tenant: Tenant, event: str, body: dict[str, Any]) -> int:
    """Tell the tenant's webhooks of an event that no trigger sees; how many there were."""
    wanting = Webhook.objects.filter(tenant=tenant, enabled=True, events__contains=[event])
    made = [Delivery(webhook=webhook, event=event, body=body) for webhook in wanting]
    return len(Delivery.objects.bulk_create(made))


def secret_of(webhook: Webhook) -> str:
    """The key of its signatures."""
    return sealing.unseal(webhook.secret, PURPOSE)


def _check(events: list[str]) -> None:
    if not events or Event.TEST in events:
        raise ServiceError("events", _("Name the events that it is told of."))
