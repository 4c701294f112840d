"""Sources that the proxies do not listen to, those that they always do, and failed sign-ins."""

from __future__ import annotations

import ipaddress
import uuid

from django.contrib.postgres.functions import RandomUUID
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory.models import Domain


class BlockReason(models.TextChoices):
    FLOOD = "flood", _("too many requests")
    SCANNER = "scanner", _("an attack tool")
    MANUAL = "manual", _("by an operator")


class BlockedSource(models.Model):
    """An address that all nodes ignore for a while, with the evidence.

    One that was lifted stays as a row until it is forgotten, so that every node learns of it.
    """

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    address = models.GenericIPAddressField(unique=True)
    node_id = models.TextField(blank=True, default="", db_default="")
    """The node that noticed; empty: a person."""
    reason = models.TextField(choices=BlockReason.choices)
    evidence = models.TextField(blank=True, default="", db_default="")
    hits = models.BigIntegerField(default=1, db_default=1)
    """How often it gave reason."""
    first_seen_at = models.DateTimeField(default=timezone.now, db_default=Now())
    last_seen_at = models.DateTimeField(default=timezone.now, db_default=Now())
    blocked_until = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "calls"
        ordering = ["-last_seen_at", "-id"]

    def __str__(self) -> str:
        return self.address


def check_network(text: str) -> None:
    """Refuse what is neither an address nor a network."""
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValidationError(
            _("%(error)s; give an address or a network such as 192.0.2.0/24.") % {"error": error}
        ) from error


class AllowedSource(models.Model):
    """A network that no flood limit and no block applies to, on the whole platform."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    network = models.CharField(max_length=50, unique=True, validators=[check_network])
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())

    class Meta:
        app_label = "calls"
        ordering = ["network"]

    def __str__(self) -> str:
        return self.network


class FailedSignIn(models.Model):
    """How often somebody gave wrong credentials for a user, from one address within one hour.

    Whether the user exists is not told: the address is what was tried.
    """

    domain = models.ForeignKey(
        Domain,
        models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="failed_sign_ins",
    )
    aor = models.TextField("user")
    address = models.GenericIPAddressField()
    hour = models.DateTimeField()
    attempts = models.IntegerField(db_default=1)
    user_agent = models.TextField(db_default="")
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "calls"
        ordering = ["-last_at", "-id"]
        verbose_name = _("failed sign-in")
        constraints = [
            models.UniqueConstraint(fields=["aor", "address", "hour"], name="failed_sign_in_once")
        ]
        indexes = [
            models.Index(fields=["domain", "-last_at"], name="failed_sign_in_by_domain"),
            models.Index(fields=["hour"], name="failed_sign_in_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.aor} from {self.address}"
