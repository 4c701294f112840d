"""Domains, subscribers and translations: what a tenant configures.

The proxy never reads these tables, only the views of sql/views.sql; every write goes through
services.py. Validation lives here, so that REST, Django's admin and the CLI refuse the same things
with the same words.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from fedsip_platform.tenants.models import Person, Tenant
from proxy.directory.patterns import MAX_PATTERN

from . import names, patterns
from .fields import CountryField, DomainNameField, HostField, UsernameField

LONGEST_CODECS = 200
AS_THE_DOMAIN = "as the domain says"


class MediaPolicy(models.TextChoices):
    ALWAYS = "always", "always through the relay"
    AUTO = "auto", "through the relay where NAT or profiles differ"
    NEVER = "never", "never through the relay"


class Srtp(models.TextChoices):
    OFF = "off", "plain RTP only"
    OFFERED = "offered", "encrypted when the phone asks for it"
    REQUIRED = "required", "always encrypted"


class Federation(models.TextChoices):
    PLATFORM = "platform", "as the platform says"
    OPEN = "open", "calls with every domain"
    VERIFIED_TLS = "verified_tls", "only over TLS with a certificate of the other domain"
    ALLOW_LIST = "allow_list", "only with listed domains"
    CLOSED = "closed", "no calls with other domains"


class Domain(models.Model):
    """A SIP domain that we serve, with its policies."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="domains")
    name = DomainNameField(
        unique=True,
        error_messages={"unique": "This domain is taken already."},
        help_text="Such as example.com. Cannot change while the domain has users: their passwords "
        "are kept as hashes over it.",
    )
    enabled = models.BooleanField(
        default=True, db_default=True, help_text="When off, nobody registers or calls."
    )
    note = models.CharField(max_length=200, blank=True, default="", db_default="")

    unauthenticated = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Anybody may register as anybody in this domain: for open demo rooms.",
    )
    unauthenticated_calls_out = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Callers of an unauthenticated domain may call other domains.",
    )
    hide_users = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Strangers get the same answer for unknown and for unregistered users.",
    )
    require_tls = models.BooleanField(
        default=False, db_default=False, help_text="Phones must use TLS or secure WebSocket."
    )
    media_policy = models.CharField(
        max_length=10,
        choices=MediaPolicy.choices,
        default=MediaPolicy.ALWAYS,
        db_default=MediaPolicy.ALWAYS,
        help_text="Whether sound and picture pass our relay.",
    )
    srtp = models.CharField(
        max_length=10,
        choices=Srtp.choices,
        default=Srtp.OFFERED,
        db_default=Srtp.OFFERED,
        verbose_name="SRTP",
        help_text="Encryption of media between a phone and us.",
    )
    codecs = models.CharField(
        max_length=LONGEST_CODECS,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_codecs],
        help_text="Those that phones may use, the preferred one first, such as opus G722 PCMA. "
        "Video needs its own, such as VP8. Empty: all.",
    )
    nat_keepalive = models.BooleanField(
        "NAT keep-alive",
        default=True,
        db_default=True,
        help_text="Ping phones behind NAT so that calls reach them.",
    )
    nat_alias_contact = models.BooleanField(
        "NAT contact rewriting",
        default=False,
        db_default=False,
        help_text="Write the source address and ;nat=yes into Contact, for phones that lose Route.",
    )
    federation = models.CharField(
        max_length=15,
        choices=Federation.choices,
        default=Federation.PLATFORM,
        db_default=Federation.PLATFORM,
        verbose_name="calls to other domains",
        help_text="Calls that leave for domains that are not on this platform.",
    )
    federation_in = models.CharField(
        max_length=15,
        choices=Federation.choices,
        default=Federation.PLATFORM,
        db_default=Federation.PLATFORM,
        verbose_name="calls from other domains",
        help_text="Calls that come from domains that are not on this platform.",
    )
    stranger_methods = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_methods],
        help_text="SIP methods that other domains may begin something with, such as INVITE MESSAGE "
        "OPTIONS. Empty: as the platform says; *: all.",
    )
    calls_in_per_domain = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Most calls and messages from one other domain. Empty: as the platform says.",
    )
    calls_in_per_stranger = models.PositiveIntegerField(
        null=True, blank=True, help_text="The same from one caller of another domain."
    )
    calls_out_per_domain = models.PositiveIntegerField(
        null=True, blank=True, help_text="The same to one other domain."
    )
    calls_out_per_user = models.PositiveIntegerField(
        null=True, blank=True, help_text="The same of one user to one other domain."
    )
    enum = models.BooleanField(
        "ENUM",
        default=False,
        db_default=False,
        help_text="Look numbers up in the DNS (RFC 6116) before other rules decide.",
    )
    e164 = models.BooleanField(
        "E.164 numbers",
        default=False,
        db_default=False,
        help_text="Rewrite dialled telephone numbers to +country form before translations.",
    )
    e164_country = CountryField(
        "home country",
        default="US",
        db_default="US",
        help_text="Country of numbers that are dialled without one, as two letters.",
    )
    trace = models.BooleanField(
        "keep messages",
        default=True,
        db_default=True,
        help_text="Keep the SIP messages of calls, to find out why one failed.",
    )
    trace_days = models.PositiveSmallIntegerField(
        "keep messages for days",
        default=7,
        db_default=7,
        validators=[MinValueValidator(1), MaxValueValidator(90)],
        help_text="After so many days they are deleted.",
    )

    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        db_default="UTC",
        validators=[names.check_time_zone],
        help_text="Such as Europe/Berlin: in which hours of rules are meant.",
    )

    ownership_proved_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When the DNS last had the TXT record that only its owner could have published.",
    )
    max_subscribers = models.PositiveIntegerField(
        null=True, blank=True, help_text="Empty: no limit."
    )
    max_contacts = models.PositiveSmallIntegerField(
        default=10,
        db_default=10,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Devices that one user may register at the same time.",
    )
    min_expires = models.PositiveIntegerField(
        default=60,
        db_default=60,
        validators=[MinValueValidator(1)],
        help_text="Shortest registration in seconds; shorter ones are answered 423.",
    )
    max_expires = models.PositiveIntegerField(
        default=7200,
        db_default=7200,
        validators=[MinValueValidator(1), MaxValueValidator(604800)],
        help_text="Longest registration in seconds; longer ones are shortened.",
    )
    default_expires = models.PositiveIntegerField(
        default=3600,
        db_default=3600,
        validators=[MinValueValidator(1)],
        help_text="Seconds for a phone that asks for nothing.",
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
                violation_error_message="Shortest, default and longest registration must rise.",
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

    def clean(self) -> None:
        """Refuse a new name where users' password hashes contain the old one."""
        super().clean()
        if self.pk is None:
            return
        before = Domain.objects.only("name").get(pk=self.pk).name
        if before != self.name and self.subscribers.exists():
            raise ValidationError(
                {
                    "name": f"{before} has users whose passwords work only with that name; "
                    "make a new domain and move them, or delete them first."
                }
            )


class Subscriber(models.Model):
    """A SIP user. Holds hashes of the password (HA1, RFC 7616 s3.4.2), never the password."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    domain = models.ForeignKey(Domain, models.CASCADE, related_name="subscribers")
    username = UsernameField(help_text="The part before @. Cannot change later.")
    aor = models.CharField(
        "address",
        max_length=names.LONGEST_USERNAME + 1 + names.LONGEST_DOMAIN,
        unique=True,
        editable=False,
        error_messages={"unique": "This user exists already."},
    )
    ha1_md5 = models.CharField(max_length=32, editable=False)
    ha1_sha256 = models.CharField(max_length=64, editable=False)
    enabled = models.BooleanField(
        default=True, db_default=True, help_text="When off, this user cannot register or call."
    )
    display_name = models.CharField(
        max_length=100, blank=True, default="", db_default="", validators=[names.check_one_line]
    )
    person = models.ForeignKey(
        Person,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="subscribers",
        help_text="Whose own this user is: she sees its devices and calls on a page of hers.",
    )
    max_contacts = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Devices at the same time. Empty: as the domain says.",
    )
    max_calls = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Calls at the same time. Empty: no limit."
    )
    media_policy = models.CharField(
        max_length=10,
        choices=[("", AS_THE_DOMAIN), *MediaPolicy.choices],
        blank=True,
        default="",
        db_default="",
        help_text="Whether sound and picture pass our relay.",
    )
    srtp = models.CharField(
        max_length=10,
        choices=[("", AS_THE_DOMAIN), *Srtp.choices],
        blank=True,
        default="",
        db_default="",
        verbose_name="SRTP",
        help_text="Encryption of media between the phones and us.",
    )
    codecs = models.CharField(
        max_length=LONGEST_CODECS,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_codecs],
        help_text="Those that the phones may use, the preferred one first. Empty: as the domain "
        "says.",
    )
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    password_changed_at = models.DateTimeField(db_default=Now(), editable=False)
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["aor"]
        indexes = [models.Index(fields=["domain", "aor"], name="subscriber_by_domain")]
        constraints = [
            models.CheckConstraint(
                condition=Q(aor__regex=r"^[^@A-Z]+@[a-z0-9.-]+$"), name="subscriber_aor_is_normal"
            ),
            models.CheckConstraint(
                condition=Q(ha1_md5__regex=r"^[0-9a-f]{32}$")
                & Q(ha1_sha256__regex=r"^([0-9a-f]{64})?$"),
                name="subscriber_ha1_is_hex",
            ),
            models.CheckConstraint(
                condition=Q(media_policy__in=["", *MediaPolicy.values])
                & Q(srtp__in=["", *Srtp.values]),
                name="subscriber_policies_known",
            ),
        ]

    def __str__(self) -> str:
        return self.aor


def user_count() -> Coalesce:
    """An annotation for domains: how many users each has, counted only for those that are shown."""
    users = Subscriber.objects.filter(domain=models.OuterRef("pk")).order_by().values("domain")
    return Coalesce(models.Subquery(users.annotate(amount=models.Count("pk")).values("amount")), 0)


class Translation(models.Model):
    """One rule that changes where a request goes (all that is set must match)."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    domain = models.ForeignKey(
        Domain,
        models.CASCADE,
        related_name="translations",
        help_text="The rule is for requests whose From has this domain.",
    )
    enabled = models.BooleanField(default=True, db_default=True)
    note = models.CharField(max_length=200, blank=True, default="", db_default="")

    from_username = models.CharField(
        max_length=names.LONGEST_USERNAME,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_username],
        help_text="Only for calls of this user. Empty: of all.",
    )
    match_user_agent = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_one_line],
        help_text="Only for phones whose User-Agent begins so. Empty: all.",
    )
    match_regex = models.CharField(
        max_length=MAX_PATTERN,
        blank=True,
        default="",
        db_default="",
        validators=[patterns.check_pattern],
        help_text="Regular expression (RE2) to be found in the dialled user. Empty: all.",
    )
    request_domain = DomainNameField(
        blank=True,
        default="",
        db_default="",
        help_text="Only for calls to this domain. Empty: to all.",
    )
    valid_from = models.DateTimeField(
        null=True, blank=True, help_text="Not before this. Empty: from now on."
    )
    valid_until = models.DateTimeField(
        null=True, blank=True, help_text="Not from this on. Empty: for ever."
    )
    hours = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[patterns.check_hours],
        help_text="Such as Mon-Fri 08:00-18:00, Sat 09:00-12:00, in the domain's time zone. "
        "Empty: always.",
    )
    priority = models.PositiveIntegerField(
        default=99, db_default=99, help_text="The lowest that matches is tried first."
    )
    weight = models.PositiveIntegerField(
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(10000)],
        help_text="Share among rules of the same priority.",
    )

    tran_user = models.CharField(
        "new user",
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_one_line],
        help_text=r"Replaces the user; \1 to \9 are groups of the expression. "
        "Strip and prefix are then not looked at.",
    )
    tran_strip = models.PositiveSmallIntegerField(
        "strip", default=0, db_default=0, help_text="Leading characters to take off the user."
    )
    tran_prefix = models.CharField(
        "prefix",
        max_length=64,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_username],
        help_text="Put in front of the user.",
    )
    tran_domain = HostField(
        "new domain", blank=True, default="", db_default="", help_text="Replaces the host."
    )
    tran_port = models.PositiveIntegerField(
        "new port",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text="Replaces the port.",
    )
    tran_strip_port = models.BooleanField(
        "strip port", default=False, db_default=False, help_text="Removes the port."
    )
    tran_add_header = models.TextField(
        "add headers",
        max_length=2000,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_header_lines],
        help_text="Such as X-Account: 42; each on a line of its own.",
    )
    tran_remove_header = models.CharField(
        "remove headers",
        max_length=500,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_header_names],
        help_text="Names, separated by commas, such as X-Internal, Call-Info.",
    )
    tran_from_user = models.CharField(
        "caller ID",
        max_length=names.LONGEST_USERNAME,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_username],
        help_text="User that those called see in From. Empty: the caller's own.",
    )
    tran_from_display = models.CharField(
        "caller name",
        max_length=80,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_one_line],
        help_text="Name that those called see in From. Empty: the caller's own.",
    )
    tran_trunk = models.SlugField(
        "trunk",
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text="Short name of a trunk of the domain, by whose gateways the call leaves.",
    )
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["domain", "priority", "id"]
        indexes = [
            models.Index(fields=["domain", "priority", "id"], name="translation_in_order"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(weight__gte=1) & Q(weight__lte=10000), name="translation_weight_bound"
            ),
            models.CheckConstraint(
                condition=Q(tran_port__isnull=True) | Q(tran_port__range=(1, 65535)),
                name="translation_port_bound",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.domain} {self.priority}: {self.match_regex or 'all'}"

    def clean(self) -> None:
        """Refuse what no single field can show to be wrong."""
        super().clean()
        reason = patterns.user_template_problem(self.tran_user, self.match_regex)
        if reason:
            raise ValidationError({"tran_user": reason})
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValidationError({"valid_until": "This is not after the beginning."})
        if self.tran_trunk and not self.domain.trunks.filter(name=self.tran_trunk).exists():
            raise ValidationError({"tran_trunk": f"The domain has no trunk {self.tran_trunk}."})
        if self.tran_trunk and (self.tran_domain or self.tran_port):
            raise ValidationError({"tran_trunk": "A trunk has hosts and ports of its own."})
