"""Rules for single foreign domains, and what was refused to whom.

The proxy reads rules by the view proxy_federation_rule and writes refusals by proxy_refusal; what a
domain says of all others is among its policies (directory/models/policies.py).
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory import names
from fedsip_platform.directory.models import Domain

_BELOW = "*."


class PeerPatternField(models.CharField):
    """A domain, all below one (`*.example.org`), or all (`*`), in lower case and punycode."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("max_length", names.LONGEST_DOMAIN + len(_BELOW))
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def to_python(self, value: object) -> object:
        text = super().to_python(value)
        if not isinstance(text, str) or not text or text.strip() == "*":
            return text.strip() if isinstance(text, str) else text
        text = text.strip()
        is_below = text.startswith(_BELOW)
        return _BELOW * is_below + names.normal_domain(text.removeprefix(_BELOW))

    def get_prep_value(self, value: object) -> object:
        prepared = models.Field.get_prep_value(self, value)
        return prepared if prepared is None else str(prepared)


class Direction(models.TextChoices):
    BOTH = "both", _("both ways")
    IN = "in", _("calls that come")
    OUT = "out", _("calls that leave")


class FederationRule(models.Model):
    """What one of our domains says of another one."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    domain = models.ForeignKey(
        Domain, models.CASCADE, related_name="federation_rules", help_text=_("Our domain.")
    )
    pattern = PeerPatternField(
        _("other domain"),
        help_text=_("Such as example.org, *.example.org for all below it, or * for all."),
    )
    direction = models.CharField(
        max_length=4, choices=Direction.choices, default=Direction.BOTH, db_default=Direction.BOTH
    )
    allow = models.BooleanField(
        default=True, db_default=True, help_text=_("Off: no calls with the other domain.")
    )
    verified = models.BooleanField(
        default=True,
        db_default=True,
        help_text=_(
            "Only over TLS, with a certificate of the other domain. Without this anybody can "
            "come under its name."
        ),
    )
    trusted = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("It is told who calls, and believed who calls (P-Asserted-Identity)."),
    )
    attestation = models.CharField(
        max_length=1,
        default="",
        db_default="",
        editable=False,
        help_text=_(
            "The least attestation (RFC 8588: A, B, C) of its callers. Kept free "
            "for signed identities; empty until the proxy checks them."
        ),
    )
    enabled = models.BooleanField(default=True, db_default=True)
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["domain", "pattern", "direction"]
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "pattern", "direction"],
                name="federation_rule_once",
                violation_error_message=_("There is a rule for this domain and direction already."),
            ),
            models.CheckConstraint(
                condition=Q(direction__in=Direction.values), name="federation_direction_known"
            ),
            models.CheckConstraint(
                condition=Q(pattern__regex=r"^(\*|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*)$"),
                name="federation_pattern_is_normal",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.domain} {'allows' if self.allow else 'denies'} {self.pattern}"

    def clean(self) -> None:
        """Refuse what would trust somebody that is not let in."""
        super().clean()
        if self.trusted and not self.allow:
            raise ValidationError({"trusted": _("A domain that is denied cannot be trusted.")})


class Refusal(models.Model):
    """How often the proxies refused a foreign domain for one reason on one day."""

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="refusals")
    peer = models.TextField(_("other domain"), help_text=_("Empty: many that came at once."))
    direction = models.TextField(choices=Direction.choices)
    why = models.TextField()
    day = models.DateField(help_text=_("In UTC."))
    amount = models.BigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "peer", "direction", "why", "day"], name="refusal_once_a_day"
            ),
        ]
        indexes = [models.Index(fields=["domain", "-last_at"], name="refusal_by_domain")]

    def __str__(self) -> str:
        return f"{self.domain} {self.peer} {self.why}"


class CheckState(models.TextChoices):
    FINE = "fine", _("all is well")
    FAILING = "failing", _("something is wrong")
    UNKNOWN = "unknown", _("not all could be asked")


class DomainCheck(models.Model):
    """The last check of a hosted domain's DNS and certificate (checks.py), and what it changed."""

    domain = models.OneToOneField(Domain, models.CASCADE, related_name="last_check")
    state = models.CharField(max_length=10, choices=CheckState.choices, default=CheckState.UNKNOWN)
    problems = models.JSONField(default=list, help_text=_("In sentences."))
    changes = models.JSONField(default=list, help_text=_("What changed at `changed_at`."))
    records = models.JSONField(default=list, help_text=_("Each record, and what the DNS has."))
    certificate = models.JSONField(default=dict, help_text=_("Its names and its end."))
    located = models.JSONField(
        default=dict, help_text=_("Who answers where the DNS leads, of the last check asked for.")
    )
    authorities = models.JSONField(
        default=list, help_text=_("What each of the zone's own servers has, likewise.")
    )
    checked_at = models.DateTimeField(db_index=True, null=True)
    changed_at = models.DateTimeField(null=True)
    wanted_at = models.DateTimeField(
        null=True, help_text=_("When somebody asked for a check that has not been made yet.")
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["wanted_at"], condition=Q(wanted_at__isnull=False), name="check_wanted"
            )
        ]

    def __str__(self) -> str:
        return f"{self.domain}: {self.state}"
