"""Webhooks and what is to be, or was, delivered to them.

Deliveries are the outbox: the triggers of directory/sql/webhooks.sql write them in the transaction
of what happened, so nothing is told that was rolled back, and nothing that happened is forgotten.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fedsip_platform.tenants.models import Tenant

from .targets import TargetRefused, check_url


class Event(models.TextChoices):
    REGISTRATION_ADDED = "registration.added", _("a phone has signed in")
    REGISTRATION_ENDED = "registration.ended", _("a phone was signed out")
    CALL_STARTED = "call.started", _("a call has begun")
    CALL_ANSWERED = "call.answered", _("a call was answered")
    CALL_ENDED = "call.ended", _("a call has ended")
    CHECK_FAILED = "domain.check_failed", _("a domain's DNS or certificate has a problem")
    TEST = "test", _("somebody pressed the test button")


def check_target(url: str) -> None:
    """Refuse what no webhook may be sent to, as far as the address itself shows it."""
    try:
        check_url(url)
    except TargetRefused as refused:
        raise ValidationError(str(refused)) from refused


class Webhook(models.Model):
    """An address that wants to be told of some events of one tenant."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="webhooks")
    url = models.CharField(
        _("address"), max_length=500, validators=[check_target], help_text=_("https://...")
    )
    events = ArrayField(
        models.CharField(max_length=30, choices=Event.choices), help_text=_("What it is told of.")
    )
    enabled = models.BooleanField(default=True, db_default=True)
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    secret = models.TextField(editable=False, help_text=_("Sealed."))
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.url


class State(models.TextChoices):
    WAITING = "waiting", _("waiting")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("given up")


class Delivery(models.Model):
    """One event for one webhook, and how its delivery goes."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=30)
    body = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, db_default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    status = models.PositiveSmallIntegerField(null=True, help_text=_("The last answer's status."))
    problem = models.TextField(db_default="", help_text=_("Why the last attempt failed."))
    answer = models.TextField(db_default="", help_text=_("How the last answer's body begins."))
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(state="waiting"), name="delivery_waiting"
            ),
            models.Index(fields=["created_at"], name="delivery_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook}"

    @property
    def content(self) -> dict[str, Any]:
        """What is sent, as JSON."""
        return {
            "id": str(self.public_id),
            "event": self.event,
            "at": self.created_at.isoformat(),
            "data": self.body,
        }
