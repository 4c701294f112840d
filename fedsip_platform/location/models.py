"""Bindings: the contacts that phones have registered. The proxy alone adds and refreshes them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory.models import Domain, Subscriber


class Binding(models.Model):
    """One registered contact of an address of record (RFC 3261 s10).

    A deleted one stays for a day as a tombstone, so that every node learns of it. The column `xid`,
    by which nodes read what changed, is kept by a trigger (directory/sql/triggers.sql). No database
    constraint ties it to domain and subscriber: a REGISTER must not fail because somebody deleted
    either a moment ago.
    """

    binding_id = models.TextField(primary_key=True)
    aor = models.TextField(_("address"), db_index=True)
    domain = models.ForeignKey(
        Domain, models.DO_NOTHING, db_constraint=False, related_name="bindings"
    )
    subscriber = models.ForeignKey(
        Subscriber, models.DO_NOTHING, db_constraint=False, null=True, related_name="bindings"
    )
    contact = models.TextField()
    contact_key = models.TextField()
    instance = models.TextField(null=True)
    reg_id = models.IntegerField(null=True)
    q = models.IntegerField(default=1000, db_default=1000)
    expires_at = models.DateTimeField()
    path = ArrayField(models.TextField(), default=list, db_default=[])
    flow_token = models.TextField(null=True)
    node_id = models.TextField(db_default="")
    protocol = models.TextField(db_default="")
    received = models.TextField(db_default="")
    nat = models.BooleanField(_("behind NAT"), db_default=False)
    family = models.IntegerField(db_default=4)
    call_id = models.TextField(db_default="")
    cseq = models.BigIntegerField(db_default=0)
    user_agent = models.TextField(db_default="")
    methods = models.TextField(db_default="")
    gruu = models.TextField(null=True)
    registered_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["aor", "binding_id"]
        verbose_name = "registration"
        indexes = [models.Index(fields=["domain", "binding_id"], name="binding_by_domain")]

    def __str__(self) -> str:
        return f"{self.aor} at {self.contact}"
