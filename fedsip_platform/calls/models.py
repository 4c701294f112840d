"""Calls that go on and that have ended, their messages, and nodes. Written by the proxies.

What nodes keep out and who failed to sign in is in sources.py.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory.models import Domain
from fedsip_platform.tenants.models import Tenant

from .sources import AllowedSource as AllowedSource
from .sources import BlockedSource as BlockedSource
from .sources import FailedSignIn as FailedSignIn


class EndedBy(models.TextChoices):
    CALLER = "caller", _("the caller")
    CALLEE = "callee", _("the callee")
    PROXY = "proxy", _("the platform")


class CallRecord(models.Model):
    """One call that has ended. The database does not tie it to its domain: it may be gone.

    It has the public id that it had as a LiveCall, so that an address in the dashboard stays true.
    The column `xid`, by which live views read what is new, is PostgreSQL's own affair.
    """

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    call_id = models.TextField(_("Call-ID"))
    tenant = models.ForeignKey(
        Tenant, models.CASCADE, db_constraint=False, db_index=False, null=True, related_name="calls"
    )
    domain = models.ForeignKey(
        Domain, models.DO_NOTHING, db_constraint=False, null=True, related_name="calls"
    )
    caller = models.TextField(db_default="")
    callee = models.TextField(db_default="")
    request_uri = models.TextField(db_default="")
    """As it was dialled."""
    target = models.TextField(db_default="")
    """The Request-URI after number plan and rule."""
    caller_address = models.TextField(db_default="")
    """Where the INVITE came from: protocol, address and port."""
    hop = models.TextField(db_default="")
    """Where it went: protocol, address and port of the far side that answered, or was tried."""
    hops = models.JSONField(default=list, db_default=[])
    """All places that were tried, as proxy/observe/hops.py says them."""
    policies = models.TextField(db_default="")
    """That it met, in the words of proxy/observe/policies.py."""
    started_at = models.DateTimeField()
    ringing_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField()
    status = models.IntegerField(db_default=0)
    reason = models.TextField(db_default="")
    ended_by = models.TextField(choices=EndedBy.choices, db_default="proxy")
    node_id = models.TextField(db_default="")
    relay_id = models.TextField(db_default="")
    user_agent = models.TextField(db_default="")
    rule_id = models.BigIntegerField(null=True)
    codec = models.TextField(db_default="")
    mos = models.FloatField(_("MOS"), null=True)
    """The worse direction's."""
    media = models.JSONField(default=list, db_default=[])
    """A list of streams, one for each direction: sender (caller or callee), kind, codec, packets,
    octets, expected, lost, jitter_ms, round_trip_ms, mos (media/rtp/stats.py has its formula), and
    of longer calls series, samples of: seconds of the epoch, MOS, loss in percent, jitter in ms."""
    verdict = ArrayField(models.TextField(), default=list, db_default=[])
    """The relay's words about the sound, such as no_media_callee; verdict.py explains each."""
    verdict_text = ArrayField(models.TextField(), default=list, db_default=[])
    """The relay's sentence for each of them, with the addresses and ports in question."""
    attestation = models.TextField(db_default="")
    """STIR: A, B or C; empty while no identity is signed or checked."""

    class Meta:
        ordering = ["-started_at", "-id"]
        verbose_name = "call"
        indexes = [
            # What charts count by is in the index itself.
            models.Index(
                fields=["tenant", "-started_at"],
                name="call_by_tenant",
                include=["answered_at", "ended_at", "status", "reason", "mos"],
            ),
            models.Index(
                fields=["-started_at"],
                name="call_by_start",
                include=["answered_at", "ended_at", "status", "reason", "mos"],
            ),
            models.Index(fields=["call_id"], name="call_by_call_id"),
            models.Index(
                fields=["rule_id", "-started_at"],
                name="call_by_rule",
                condition=models.Q(rule_id__isnull=False),
            ),
            models.Index(fields=["caller", "-started_at"], name="call_by_caller"),
            models.Index(fields=["callee", "-started_at"], name="call_by_callee"),
        ]

    def __str__(self) -> str:
        return f"{self.caller} to {self.callee}"


class LiveCall(models.Model):
    """One call that goes on: it rings or it was answered. Each proxy writes its own in batches, so
    a call that lasts less than half a second is never seen here."""

    public_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    call_id = models.TextField(_("Call-ID"), db_index=True)
    tenant = models.ForeignKey(
        Tenant,
        models.CASCADE,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="live_calls",
    )
    domain = models.ForeignKey(
        Domain,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="live_calls",
    )
    caller = models.TextField(db_default="")
    callee = models.TextField(db_default="")
    request_uri = models.TextField(db_default="")
    target = models.TextField(db_default="")
    caller_address = models.TextField(db_default="")
    hop = models.TextField(db_default="")
    hops = models.JSONField(default=list, db_default=[])
    policies = models.TextField(db_default="")
    started_at = models.DateTimeField()
    ringing_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    node_id = models.TextField(db_default="", db_index=True)
    relay_id = models.TextField(db_default="")
    user_agent = models.TextField(db_default="")
    rule_id = models.BigIntegerField(null=True)
    dialog = models.JSONField(default=dict, db_default={})
    """What a proxy must know to say BYE to both sides; header fields, no secrets."""

    class Meta:
        ordering = ["-started_at"]
        verbose_name = _("call that goes on")
        verbose_name_plural = _("calls that go on")
        indexes = [models.Index(fields=["tenant", "-started_at"], name="live_call_by_tenant")]

    def __str__(self) -> str:
        return f"{self.caller} to {self.callee}"


class HangUp(models.Model):
    """Somebody wants a call to end; the proxy that has it says BYE to both sides."""

    public_id = models.UUIDField(_("call"), unique=True)
    node_id = models.TextField(db_default="")
    requested_by = models.TextField(db_default="")
    requested_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)
    outcome = models.TextField(db_default="")

    class Meta:
        ordering = ["-requested_at"]
        verbose_name = "hang-up"
        indexes = [
            models.Index(
                fields=["node_id"],
                name="hang_up_waiting",
                condition=models.Q(done_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class KeptMessages(models.Model):
    """SIP messages of a call that passed a node within half a second, in the order of time;
    credentials are masked before they are kept. messages.py opens them.

    Nothing ties them to tenant and domain: what outlives them, retention deletes.
    """

    call_id = models.TextField(_("Call-ID"))
    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    domain = models.ForeignKey(
        Domain, models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    node_id = models.TextField(db_default="")
    at = models.DateTimeField()
    """When the first of them passed."""
    flows = models.TextField(db_default="")
    """Whence and where, a line for each; proxy/observe/message_frames.py has the format of both."""
    messages = models.BinaryField()

    class Meta:
        ordering = ["at", "id"]
        verbose_name = _("messages of a call")
        verbose_name_plural = _("messages of calls")
        indexes = [
            models.Index(fields=["call_id", "at"], name="message_by_call"),
            models.Index(fields=["domain", "at"], name="message_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.call_id} at {self.at}"


class RegistrationSample(models.Model):
    """How many phones and people of a tenant were registered at an instant; the worker counts."""

    tenant = models.ForeignKey(
        Tenant,
        models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="registration_samples",
    )
    at = models.DateTimeField()
    devices = models.IntegerField(db_default=0)
    users = models.IntegerField(db_default=0)
    calls = models.IntegerField(db_default=0)

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "at"], name="sampled_once")]
        indexes = [models.Index(fields=["at"], name="sample_by_age")]

    def __str__(self) -> str:
        return f"{self.tenant} at {self.at}: {self.devices}"


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
    lost_calls = models.IntegerField(db_default=0)
    """Calls of which no record could be kept since the node started."""
    relays = models.JSONField(default=dict, db_default={})
    listeners = models.JSONField(default=list, db_default=[])
    """[protocol, address, host and port as others reach it] of each."""
    tenants = models.JSONField(default=dict, db_default={})
    """What they use there, for the other nodes (proxy/observe/platform_use.py)."""
    users = models.JSONField(default=dict, db_default={})
    """Likewise of users who have a limit."""

    class Meta:
        ordering = ["node_id"]

    def __str__(self) -> str:
        return self.node_id
