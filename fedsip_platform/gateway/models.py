"""Whose pages may connect, and whom people call often from them."""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory.models import Subscriber
from fedsip_platform.tenants.models import Tenant

from .origins import normal_origin

MOST_LISTERS = 200  # what fits into a link's preamble


class AllowedOrigin(models.Model):
    """A web site of a tenant whose pages may open a WebSocket for SIP (RFC 6455 s10.2)."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="origins")
    origin = models.CharField(
        max_length=300,
        db_index=True,
        help_text=_("Such as https://www.example.com, without a path."),
    )
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())

    class Meta:
        ordering = ["tenant", "origin"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "origin"],
                name="origin_once",
                violation_error_message=_("This site is listed already."),
                violation_error_code="unique",
            ),
            models.CheckConstraint(
                condition=models.Q(origin__regex=r"^https?://[^/\s]+$"), name="origin_is_normal"
            ),
        ]

    def __str__(self) -> str:
        return self.origin

    def clean(self) -> None:
        """Bring the site into the one spelling that browsers use."""
        super().clean()
        normal = normal_origin(self.origin)
        if normal is None:
            raise ValidationError(
                {
                    "origin": _(
                        "Give scheme and host, such as https://www.example.com, without a path."
                    )
                }
            )
        self.origin = normal


class Favourite(models.Model):
    """Somebody whom a user calls often from the softphone's page."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="favourites")
    address = models.CharField(max_length=400, help_text=_("Such as bob@example.com."))
    name = models.CharField(max_length=100, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "address"],
                name="favourite_once",
                violation_error_message=_("This is one of your favourites already."),
                violation_error_code="unique",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.address


async def listers(origin: str) -> list[int]:
    """Ids of the tenants that are served and have this origin on their list."""
    found = AllowedOrigin.objects.filter(origin=origin, tenant__enabled=True).order_by("tenant")
    ids = found.values_list("tenant_id", flat=True)
    return [tenant_id async for tenant_id in ids[:MOST_LISTERS]]
