"""A SIP domain that we serve, with its policies."""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory import names
from fedsip_platform.directory.fields import CountryField, DomainNameField
from fedsip_platform.tenants.models import Tenant

from .policies import LONGEST_CODECS, Federation, MediaPolicy, Srtp

SERVED = Q(vouched=True) | Q(ownership_proved_at__isnull=False)
"""The domains that proxies know, as in sql/views.sql: others may be somebody else's."""


class Domain(models.Model):
    """A SIP domain that we serve, with its policies."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="domains")
    name = DomainNameField(
        unique=True,
        error_messages={"unique": _("This domain is taken already.")},
        help_text=_(
            "Such as example.com. Cannot change while the domain has users: their passwords "
            "are kept as hashes over it."
        ),
    )
    enabled = models.BooleanField(
        default=True, db_default=True, help_text=_("When off, nobody registers or calls.")
    )
    note = models.CharField(max_length=200, blank=True, default="", db_default="")

    unauthenticated = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Anybody may register as anybody in this domain: for open demo rooms."),
    )
    unauthenticated_calls_out = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Callers of an unauthenticated domain may call other domains."),
    )
    hide_users = models.BooleanField(
        default=True,
        db_default=True,
        help_text=_("Strangers get the same answer for unknown and for unregistered users."),
    )
    require_tls = models.BooleanField(
        default=False, db_default=False, help_text=_("Phones must use TLS or secure WebSocket.")
    )
    media_policy = models.CharField(
        max_length=10,
        choices=MediaPolicy.choices,
        default=MediaPolicy.ALWAYS,
        db_default=MediaPolicy.ALWAYS,
        help_text=_("Whether sound and picture pass our relay."),
    )
    srtp = models.CharField(
        max_length=10,
        choices=Srtp.choices,
        default=Srtp.OFFERED,
        db_default=Srtp.OFFERED,
        verbose_name="SRTP",
        help_text=_("Encryption of media between a phone and us."),
    )
    codecs = models.CharField(
        max_length=LONGEST_CODECS,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_codecs],
        help_text=_(
            "Those that phones may use, the preferred one first, such as opus G722 PCMA. "
            "Video needs its own, such as VP8. Empty: all."
        ),
    )
    nat_keepalive = models.BooleanField(
        _("NAT keep-alive"),
        default=True,
        db_default=True,
        help_text=_("Ping phones behind NAT so that calls reach them."),
    )
    nat_alias_contact = models.BooleanField(
        _("NAT contact rewriting"),
        default=False,
        db_default=False,
        help_text=_(
            "Write the source address and ;nat=yes into Contact, for phones that lose Route."
        ),
    )
    federation = models.CharField(
        max_length=15,
        choices=Federation.choices,
        default=Federation.PLATFORM,
        db_default=Federation.PLATFORM,
        verbose_name=_("calls to other domains"),
        help_text=_("Calls that leave for domains that are not on this platform."),
    )
    federation_in = models.CharField(
        max_length=15,
        choices=Federation.choices,
        default=Federation.PLATFORM,
        db_default=Federation.PLATFORM,
        verbose_name=_("calls from other domains"),
        help_text=_("Calls that come from domains that are not on this platform."),
    )
    stranger_methods = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_methods],
        help_text=_(
            "SIP methods that other domains may begin something with, such as INVITE MESSAGE "
            "OPTIONS. Empty: as the platform says; *: all but REFER."
        ),
    )
    calls_in_per_domain = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text=_("Most calls and messages from one other domain. Empty: as the platform says."),
    )
    calls_in_per_stranger = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("The same from one caller of another domain.")
    )
    calls_out_per_domain = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("The same to one other domain.")
    )
    calls_out_per_user = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("The same of one user to one other domain.")
    )
    enum = models.BooleanField(
        _("ENUM"),
        default=False,
        db_default=False,
        help_text=_("Look numbers up in the DNS (RFC 6116) before other rules decide."),
    )
    e164 = models.BooleanField(
        _("E.164 numbers"),
        default=False,
        db_default=False,
        help_text=_("Rewrite dialled telephone numbers to +country form before translations."),
    )
    e164_country = CountryField(
        _("home country"),
        default="US",
        db_default="US",
        help_text=_("Country of numbers that are dialled without one, as two letters."),
    )
    trace = models.BooleanField(
        _("keep messages"),
        default=True,
        db_default=True,
        help_text=_("Keep the SIP messages of calls, to find out why one failed."),
    )
    trace_days = models.PositiveSmallIntegerField(
        _("keep messages for days"),
        default=7,
        db_default=7,
        validators=[MinValueValidator(1), MaxValueValidator(90)],
        help_text=_("After so many days they are deleted."),
    )

    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        db_default="UTC",
        validators=[names.check_time_zone],
        help_text=_("Such as Europe/Berlin: in which hours of rules are meant."),
    )

    vouched = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_(
            "An operator's word that the domain is its tenant's; it is served without proof."
        ),
    )
    ownership_proved_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text=_(
            "When the DNS last had the TXT record that only its owner could have published."
        ),
    )
    max_subscribers = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Empty: no limit.")
    )
    max_contacts = models.PositiveSmallIntegerField(
        default=10,
        db_default=10,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Devices that one user may register at the same time."),
    )
    min_expires = models.PositiveIntegerField(
        default=60,
        db_default=60,
        validators=[MinValueValidator(1)],
        help_text=_("Shortest registration in seconds; shorter ones are answered 423."),
    )
    max_expires = models.PositiveIntegerField(
        default=7200,
        db_default=7200,
        validators=[MinValueValidator(1), MaxValueValidator(604800)],
        help_text=_("Longest registration in seconds; longer ones are shortened."),
    )
    default_expires = models.PositiveIntegerField(
        default=3600,
        db_default=3600,
        validators=[MinValueValidator(1)],
        help_text=_("Seconds for a phone that asks for nothing."),
    )
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["tenant", "name"], name="domain_by_tenant")]
        constraints = [
            models.CheckConstraint(
                condition=Q(name__regex=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$"),
                name="domain_name_is_normal",
            ),
            models.CheckConstraint(
                condition=Q(min_expires__lte=models.F("default_expires"))
                & Q(default_expires__lte=models.F("max_expires")),
                name="domain_expires_in_order",
                violation_error_message=_("Shortest, default and longest registration must rise."),
            ),
            models.CheckConstraint(
                condition=Q(media_policy__in=MediaPolicy.values)
                & Q(srtp__in=Srtp.values)
                & Q(federation__in=Federation.values)
                & Q(federation_in__in=Federation.values),
                name="domain_policies_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_served(self) -> bool:
        """Whether it is known to be its tenant's, so that proxies serve it."""
        return self.vouched or self.ownership_proved_at is not None

    def clean(self) -> None:
        """Refuse a new name where users' password hashes contain the old one."""
        super().clean()
        if self.pk is None:
            return
        before = Domain.objects.only("name").get(pk=self.pk).name
        if before != self.name and self.subscribers.exists():
            raise ValidationError(
                {
                    "name": _(
                        "%(before)s has users whose passwords work only with that name; make a new "
                        "domain and move them, or delete them first."
                    )
                    % {"before": before}
                }
            )
