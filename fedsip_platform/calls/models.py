"""Call records, nodes and blocked sources. Written by the proxies, read by people."""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now

from fedsip_platform.directory.models import Domain
from fedsip_platform.tenants.models import Tenant


class EndedBy(models.TextChoices):
    CALLER = "caller", "the caller"
    CALLEE = "callee", "the callee"
    PROXY = "proxy", "the platform"


class CallRecord(models.Model):
    """One call that has ended. The database does not tie it to its domain: it may be gone."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    call_id = models.TextField("Call-ID")
    tenant = models.ForeignKey(
        Tenant, models.CASCADE, db_constraint=False, null=True, related_name="calls"
    )
    domain = models.ForeignKey(
        Domain, models.DO_NOTHING, db_constraint=False, null=True, related_name="calls"
    )
    caller = models.TextField(db_default="")
    callee = models.TextField(db_default="")
    request_uri = models.TextField(db_default="")
    started_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField()
    status = models.IntegerField(db_default=0)
    reason = models.TextField(db_default="")
    ended_by = models.TextField(choices=EndedBy.choices, db_default="proxy")
    node_id = models.TextField(db_default="")
    relay_id = models.TextField(db_default="")
    user_agent = models.TextField(db_default="")
    rule_id = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        verbose_name = "call"
        indexes = [
            models.Index(fields=["tenant", "-started_at"], name="call_by_tenant"),
            models.Index(fields=["-started_at"], name="call_by_start"),
            models.Index(fields=["call_id"], name="call_by_call_id"),
        ]

    def __str__(self) -> str:
        return f"{self.caller} to {self.callee}"


class Node(models.Model):
    """One proxy and its last heartbeat."""

    node_id = models.TextField(primary_key=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    version = models.TextField(db_default="")
    address = models.TextField(db_default="")
    flows = models.IntegerField(db_default=0)
    bindings = models.IntegerField(db_default=0)
    calls = models.IntegerField(db_default=0)
    relays = models.JSONField(default=dict, db_default={})

    class Meta:
        ordering = ["node_id"]

    def __str__(self) -> str:
        return self.node_id


class BlockedSource(models.Model):
    """An address that a node ignores for a while, with the evidence."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    address = models.GenericIPAddressField()
    node_id = models.TextField(db_default="")
    reason = models.TextField()
    evidence = models.TextField(db_default="")
    first_seen_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())
    blocked_until = models.DateTimeField()

    class Meta:
        ordering = ["-last_seen_at"]
        constraints = [
            models.UniqueConstraint(fields=["address", "node_id"], name="blocked_source_once"),
        ]

    def __str__(self) -> str:
        return self.address
