"""Invitations. People and their roles are in tenants/models.py."""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory.models import Subscriber
from fedsip_platform.tenants.models import Person, Role, Tenant


class Invitation(models.Model):
    """A letter that lets whoever has it join a tenant in a role, or own a SIP user. Used once."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail address"), max_length=254)
    role = models.CharField(
        max_length=10,
        choices=Role.choices,
        blank=True,
        help_text=_("In the tenant. Empty: none, only the SIP user's own page."),
    )
    subscriber = models.ForeignKey(
        Subscriber,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="invitations",
        help_text=_("The SIP user that becomes the person's own."),
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="invitations_sent"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(role="") | Q(subscriber__isnull=False),
                name="invitation_to_something",
                violation_error_message=_(
                    "Name a role, or the SIP user that is to be the person's."
                ),
            ),
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=Q(accepted_at__isnull=True, subscriber__isnull=True),
                name="invitation_open_once",
                violation_error_message=_("This address has an invitation already."),
            ),
            models.UniqueConstraint(
                fields=["tenant", "email", "subscriber"],
                condition=Q(accepted_at__isnull=True),
                name="invitation_to_user_open_once",
                violation_error_message=_("This address has an invitation to that user already."),
            ),
        ]

    def __str__(self) -> str:
        return self.email
