"""Aliases, forwards, ring groups, trunks with their gateways, and what users may dial.

The proxy never reads these tables, only the views of directory/sql/views.sql; every write goes
through services.py, which also brings destinations to their normal form.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory import names, patterns
from fedsip_platform.directory.fields import HostField, UsernameField
from fedsip_platform.directory.models import Domain, Subscriber
from proxy.directory.patterns import MAX_PATTERN

from . import checks

LONGEST_DESTINATION = names.LONGEST_USERNAME + 1 + names.LONGEST_DOMAIN


def _public_id() -> models.UUIDField:
    return models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )


def _enabled() -> models.BooleanField:
    return models.BooleanField(default=True, db_default=True)


def _note() -> models.CharField:
    return models.CharField(max_length=200, blank=True, default="", db_default="")


def _destination(help_text: str, *, blank: bool = False) -> models.CharField:
    return models.CharField(
        max_length=LONGEST_DESTINATION, blank=blank, default="", help_text=help_text
    )


def _ring_seconds(default: int, help_text: str) -> models.PositiveSmallIntegerField:
    return models.PositiveSmallIntegerField(
        default=default,
        db_default=default,
        validators=[MinValueValidator(5), MaxValueValidator(180)],
        help_text=help_text,
    )


def _once(name: str, told: str, fields: list[str]) -> models.UniqueConstraint:
    """At most one of them with the same fields; `told` to whoever wants a second."""
    return models.UniqueConstraint(
        fields=fields, name=name, violation_error_code="unique", violation_error_message=told
    )


class Alias(models.Model):
    """Another name or number of a user or ring group: an extension, a number from a carrier."""

    public_id = _public_id()
    domain = models.ForeignKey(Domain, models.CASCADE, related_name="aliases")
    name = UsernameField(help_text=_("Such as 1000, sales or +15551234567."))
    target = _destination(_("The user or ring group that is meant, such as alice."))
    enabled = _enabled()
    note = _note()
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["domain", "name"]
        verbose_name_plural = "aliases"
        indexes = [models.Index(fields=["target"], name="alias_target")]
        constraints = [_once("alias_once", _("This alias exists already."), ["domain", "name"])]

    def __str__(self) -> str:
        return f"{self.name}@{self.domain.name}"


class ForwardWhen(models.TextChoices):
    ALWAYS = "always", _("always, the phone does not ring")
    BUSY = "busy", _("when the user is busy")
    NO_ANSWER = "no_answer", _("when nobody answers in time")
    NOT_REGISTERED = "not_registered", _("when no phone can be reached")


class Forward(models.Model):
    """Where calls to a user go instead."""

    public_id = _public_id()
    user = models.ForeignKey(Subscriber, models.CASCADE, related_name="forwards")
    condition = models.CharField(_("when"), max_length=15, choices=ForwardWhen.choices)
    target = _destination(
        _("A name or number of the domain (numbers are dialled as the user would), or user@domain.")
    )
    ring_seconds = _ring_seconds(20, _("How long the phones ring before `no_answer` forwards."))
    enabled = _enabled()
    note = _note()
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["user", "condition"]
        indexes = [models.Index(fields=["target"], name="forward_target")]
        constraints = [
            _once(
                "forward_once",
                _("This user has a forward for that already."),
                ["user", "condition"],
            ),
            models.CheckConstraint(
                condition=Q(condition__in=ForwardWhen.values), name="forward_condition_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user.aor} {self.condition}"


class RingStrategy(models.TextChoices):
    PARALLEL = "parallel", _("all at once")
    IN_ORDER = "in_order", _("one after the other")


class RingGroup(models.Model):
    """A name that rings several users."""

    public_id = _public_id()
    domain = models.ForeignKey(Domain, models.CASCADE, related_name="ring_groups")
    name = UsernameField(help_text=_("Such as sales: callers dial sales@the domain."))
    strategy = models.CharField(
        max_length=10, choices=RingStrategy.choices, default=RingStrategy.PARALLEL
    )
    members = ArrayField(
        models.CharField(max_length=LONGEST_DESTINATION),
        default=list,
        blank=True,
        help_text=_("Users, in the order of ringing."),
    )
    ring_seconds = _ring_seconds(20, _("How long each member rings; with `parallel`, all of them."))
    fallback = _destination(
        _("Where the call goes when nobody answers. Empty: nowhere."), blank=True
    )
    enabled = _enabled()
    note = _note()
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["domain", "name"]
        indexes = [GinIndex(fields=["members"], name="ring_group_members")]
        constraints = [
            _once("ring_group_once", _("This ring group exists already."), ["domain", "name"]),
            models.CheckConstraint(
                condition=Q(strategy__in=RingStrategy.values), name="ring_group_strategy_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.domain.name}"


class Trunk(models.Model):
    """A carrier: where calls go out to (its gateways), and from where its calls come in."""

    public_id = _public_id()
    domain = models.ForeignKey(
        Domain,
        models.CASCADE,
        related_name="trunks",
        help_text=_("Whose rules lead out to it, and whose aliases its numbers are."),
    )
    name = models.SlugField(max_length=40, help_text=_("Short name, for the rules that lead here."))
    inbound_addresses = ArrayField(
        models.CharField(max_length=50, validators=[checks.check_network]),
        default=list,
        blank=True,
        help_text=_("Addresses or small networks from which the carrier's calls come."),
    )
    inbound_tls_name = HostField(
        "inbound TLS name",
        blank=True,
        default="",
        db_default="",
        help_text=_("Name in the carrier's certificate, if it calls by TLS."),
    )
    options_seconds = models.PositiveSmallIntegerField(
        _("OPTIONS interval"),
        default=30,
        db_default=30,
        validators=[MaxValueValidator(3600), checks.check_interval],
        help_text=_("How often each gateway is asked whether it is there; 0: never."),
    )
    account = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_one_line],
        help_text=_("User name, where the carrier asks who sends calls. Empty: it does not."),
    )
    sealed_password = models.CharField(max_length=700, blank=True, default="", db_default="")
    registers = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Whether the carrier wants us to register there, as a phone does."),
    )
    enabled = _enabled()
    note = _note()
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["domain", "name"]
        constraints = [_once("trunk_once", _("This trunk exists already."), ["domain", "name"])]

    def __str__(self) -> str:
        return f"{self.name} of {self.domain.name}"

    @property
    def has_password(self) -> bool:
        """Whether there is one for its account; nobody can read it again."""
        return bool(self.sealed_password)


class GatewayTransport(models.TextChoices):
    LOCATE = "", _("as DNS says")
    UDP = "udp", _("UDP")
    TCP = "tcp", _("TCP")
    TLS = "tls", _("TLS")


class Gateway(models.Model):
    """One host of a trunk."""

    public_id = _public_id()
    trunk = models.ForeignKey(Trunk, models.CASCADE, related_name="gateways")
    host = HostField(help_text=_("A domain or an address."))
    port = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text=_("Empty: as DNS says."),
    )
    transport = models.CharField(
        max_length=5, choices=GatewayTransport.choices, blank=True, default="", db_default=""
    )
    priority = models.PositiveSmallIntegerField(
        default=10, db_default=10, help_text=_("The lowest that is alive is tried first.")
    )
    weight = models.PositiveSmallIntegerField(
        default=10,
        db_default=10,
        validators=[MinValueValidator(1), MaxValueValidator(10000)],
        help_text=_("Share among gateways of the same priority."),
    )
    enabled = _enabled()
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["trunk", "priority", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(transport__in=GatewayTransport.values), name="gateway_transport_known"
            ),
            models.CheckConstraint(
                condition=Q(port__isnull=True) | Q(port__range=(1, 65535)),
                name="gateway_port_bound",
            ),
        ]

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.host}{port} of {self.trunk}"


def registration_of(gateway: Gateway) -> GatewayRegistration | None:
    """How it stands with it by the latest that a proxy has said; of its prefetched rows."""
    return max(gateway.registrations.all(), key=lambda row: row.checked_at, default=None)


class GatewayHealth(models.Model):
    """How one proxy finds a gateway; the proxies alone write this."""

    node_id = models.CharField(max_length=64)
    gateway = models.ForeignKey(Gateway, models.CASCADE, related_name="health", db_constraint=False)
    is_alive = models.BooleanField()
    status = models.PositiveSmallIntegerField(null=True, help_text=_("Of the last answer."))
    round_trip_ms = models.PositiveIntegerField(null=True)
    checked_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text=_("Since when it is alive or not."))

    class Meta:
        ordering = ["gateway", "node_id"]
        constraints = [
            models.UniqueConstraint(fields=["node_id", "gateway"], name="gateway_health_once")
        ]

    def __str__(self) -> str:
        return f"{self.gateway_id} at {self.node_id}"


class GatewayRegistration(models.Model):
    """How a proxy's registration with a carrier stands; the proxies alone write this."""

    node_id = models.CharField(max_length=64)
    gateway = models.ForeignKey(
        Gateway, models.CASCADE, related_name="registrations", db_constraint=False
    )
    status = models.PositiveSmallIntegerField(
        help_text=_("Of the last answer; 408: there was none.")
    )
    reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    until = models.DateTimeField(null=True, help_text=_("When it ends. Empty: there is none."))
    checked_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text=_("Since when it is so."))

    class Meta:
        ordering = ["gateway", "node_id"]
        constraints = [
            models.UniqueConstraint(fields=["node_id", "gateway"], name="gateway_registration_once")
        ]

    def __str__(self) -> str:
        return f"{self.gateway_id} by {self.node_id}"

    def is_in_force(self, *, now: datetime) -> bool:
        """Whether there is one and it has not ended."""
        return self.until is not None and self.until > now


class OutboundPolicy(models.Model):
    """What a user may dial, and as whom. Without a user: everybody of the domain without one."""

    public_id = _public_id()
    domain = models.ForeignKey(Domain, models.CASCADE, related_name="outbound_policies")
    user = models.OneToOneField(
        Subscriber,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="outbound_policy",
        help_text=_("Empty: for all users of the domain without a policy of their own."),
    )
    caller_id = models.CharField(
        _("caller ID"),
        max_length=names.LONGEST_USERNAME,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_username],
        help_text=_("Number shown to those called over a trunk. Empty: the user's own name."),
    )
    caller_name = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_one_line],
        help_text=_("Name shown to them."),
    )
    classes = ArrayField(
        models.CharField(max_length=15, choices=checks.CLASSES),
        default=checks.all_classes,
        blank=True,
        help_text=_("Kinds of destinations that may be called. Own users always may be."),
    )
    allow_regex = models.CharField(
        max_length=MAX_PATTERN,
        blank=True,
        default="",
        db_default="",
        validators=[patterns.check_pattern],
        help_text=_("Called users that are allowed besides (RE2)."),
    )
    deny_regex = models.CharField(
        max_length=MAX_PATTERN,
        blank=True,
        default="",
        db_default="",
        validators=[patterns.check_pattern],
        help_text=_("Called users that are never allowed (RE2)."),
    )
    note = _note()
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["domain", "user"]
        verbose_name_plural = _("outbound policies")
        constraints = [
            models.UniqueConstraint(
                fields=["domain"],
                condition=Q(user__isnull=True),
                name="outbound_policy_of_domain_once",
                violation_error_code="unique",
                violation_error_message=_("This domain has a policy already."),
            )
        ]

    def __str__(self) -> str:
        return self.domain.name if self.user is None else self.user.aor

    def clean(self) -> None:
        """Refuse users of other domains."""
        super().clean()
        if self.user is not None and self.user.domain_id != self.domain_id:
            raise ValidationError({"user": _("This user is of another domain.")})
