"""API tokens: what a program shows instead of a session. Only a hash is kept."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from fedsip_platform.tenants.models import Person, Tenant

from .areas import Scope


def read_only() -> list[str]:
    """What a token may that nobody said more of."""
    return [Scope.READ.value]


class Token(models.Model):
    """A secret by which a program acts as a person, perhaps in one tenant only."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, models.CASCADE, related_name="tokens")
    tenant = models.ForeignKey(
        Tenant,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="tokens",
        help_text=_("The only tenant it reaches. Empty: all of the person's."),
    )
    name = models.CharField(max_length=100, help_text=_("What it is for."))
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=20, choices=Scope.choices),
        default=read_only,
        help_text=_("What it may do."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: never."))
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=list(Scope.values), scopes__len__gt=0),
                name="token_scopes_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"


class RememberedRequest(models.Model):
    """A POST that carried an Idempotency-Key, with its answer; forgotten after a day."""

    caller = models.CharField(max_length=40)
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["caller", "key"], name="remembered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.caller}: {self.key}"
