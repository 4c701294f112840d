"""The audit log. PostgreSQL itself refuses to change it (directory/sql/triggers.sql)."""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fedsip_platform.tenants.models import Person, Tenant


class Via(models.TextChoices):
    API = "api", _("REST API")
    DASHBOARD = "dashboard", _("dashboard")
    ADMIN = "admin", _("Django's admin")
    CLI = "cli", _("command line")
    TASK = "task", _("the platform itself")


class Entry(models.Model):
    """One change of one thing. It outlives the thing, its tenant and whoever changed it."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    at = models.DateTimeField(db_default=Now())
    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, null=True, related_name="audit"
    )
    person = models.ForeignKey(
        Person, models.DO_NOTHING, db_constraint=False, null=True, related_name="audit"
    )
    actor = models.TextField(help_text=_("The person's address at that time, or who else it was."))
    as_operator = models.BooleanField(
        default=False, help_text=_("The person acted as operator, not as one of the tenant.")
    )
    via = models.CharField(max_length=10, choices=Via.choices)
    token = models.CharField(max_length=16, blank=True, help_text=_("Prefix of the API token."))
    address = models.GenericIPAddressField(null=True, help_text=_("Where the request came from."))
    request_id = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=20)
    kind = models.CharField(max_length=30, help_text=_("What kind of thing: domain, user, ..."))
    key = models.TextField(help_text=_("Its name, such as alice@example.com."))
    thing = models.UUIDField(
        null=True, help_text=_("Its id, which stays when it is renamed; of things that have one.")
    )
    changes = models.JSONField(default=dict, help_text=_("By field: the old and the new value."))

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["tenant", "-id"], name="audit_by_tenant"),
            models.Index(fields=["kind", "key", "-id"], name="audit_by_thing"),
            models.Index(fields=["thing", "-id"], name="audit_by_id"),
            models.Index(fields=["at"], name="audit_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.kind} {self.key}"
