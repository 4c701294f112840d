"""A SIP user of a domain."""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory import names
from fedsip_platform.directory.fields import UsernameField
from fedsip_platform.directory.finding import NameWords
from fedsip_platform.tenants.models import Person

from .domain import Domain
from .policies import AS_THE_DOMAIN, LONGEST_CODECS, MediaPolicy, Srtp


class Subscriber(models.Model):
    """A SIP user. Holds hashes of the password (HA1, RFC 7616 s3.4.2), never the password."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    domain = models.ForeignKey(Domain, models.CASCADE, related_name="subscribers")
    username = UsernameField(help_text=_("The part before @. Cannot change later."))
    aor = models.CharField(
        _("address"),
        max_length=names.LONGEST_USERNAME + 1 + names.LONGEST_DOMAIN,
        unique=True,
        editable=False,
        error_messages={"unique": _("This user exists already.")},
    )
    ha1_md5 = models.CharField(max_length=32, editable=False)
    ha1_sha256 = models.CharField(max_length=64, editable=False)
    enabled = models.BooleanField(
        default=True, db_default=True, help_text=_("When off, this user cannot register or call.")
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
        help_text=_("Whose own this user is: she sees its devices and calls on a page of hers."),
    )
    max_contacts = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Devices at the same time. Empty: as the domain says."),
    )
    max_calls = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Calls at the same time. Empty: no limit.")
    )
    media_policy = models.CharField(
        max_length=10,
        choices=[("", AS_THE_DOMAIN), *MediaPolicy.choices],
        blank=True,
        default="",
        db_default="",
        help_text=_("Whether sound and picture pass our relay."),
    )
    srtp = models.CharField(
        max_length=10,
        choices=[("", AS_THE_DOMAIN), *Srtp.choices],
        blank=True,
        default="",
        db_default="",
        verbose_name="SRTP",
        help_text=_("Encryption of media between the phones and us."),
    )
    codecs = models.CharField(
        max_length=LONGEST_CODECS,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_codecs],
        help_text=_(
            "Those that the phones may use, the preferred one first. Empty: as the domain says."
        ),
    )
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    password_changed_at = models.DateTimeField(db_default=Now(), editable=False)
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["aor"]
        indexes = [
            models.Index(fields=["domain", "aor"], name="subscriber_by_domain"),
            # Lists by name or age; a page begins where the one before has ended.
            models.Index(fields=["display_name", "id"], name="subscriber_by_display_name"),
            models.Index(fields=["created_at", "id"], name="subscriber_by_creation"),
            GinIndex(NameWords("display_name"), name="subscriber_by_name_words"),
        ]
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
