"""A rule of a domain that changes where a request goes."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.contrib.postgres.functions import RandomUUID
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory import impossible, names, patterns
from fedsip_platform.directory.fields import DomainNameField, HostField
from proxy.directory.patterns import MAX_PATTERN
from proxy.directory.rules import place_of

from .domain import Domain


class Translation(models.Model):
    """One rule that changes where a request goes (all that is set must match)."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    domain = models.ForeignKey(
        Domain,
        models.CASCADE,
        related_name="translations",
        help_text=_("The rule is for requests whose From has this domain."),
    )
    enabled = models.BooleanField(default=True, db_default=True)
    note = models.CharField(max_length=200, blank=True, default="", db_default="")

    from_username = models.CharField(
        max_length=names.LONGEST_USERNAME,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_username],
        help_text=_("Only for calls of this user. Empty: of all."),
    )
    match_user_agent = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_one_line],
        help_text=_("Only for phones whose User-Agent begins so. Empty: all."),
    )
    match_regex = models.CharField(
        max_length=MAX_PATTERN,
        blank=True,
        default="",
        db_default="",
        validators=[patterns.check_pattern],
        help_text=_("Regular expression (RE2) to be found in the dialled user. Empty: all."),
    )
    request_domain = DomainNameField(
        blank=True,
        default="",
        db_default="",
        help_text=_("Only for calls to this domain. Empty: to all."),
    )
    valid_from = models.DateTimeField(
        null=True, blank=True, help_text=_("Not before this. Empty: from now on.")
    )
    valid_until = models.DateTimeField(
        null=True, blank=True, help_text=_("Not from this on. Empty: for ever.")
    )
    hours = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[patterns.check_hours],
        help_text=_(
            "Such as Mon-Fri 08:00-18:00, Sat 09:00-12:00, in the domain's time zone. "
            "Empty: always."
        ),
    )
    priority = models.PositiveIntegerField(
        default=99, db_default=99, help_text=_("The lowest that matches is tried first.")
    )
    weight = models.PositiveIntegerField(
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(10000)],
        help_text=_("Share among rules of the same priority."),
    )

    tran_user = models.CharField(
        _("new user"),
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_one_line],
        help_text=_(
            r"Replaces the user; \1 to \9 are groups of the expression. "
            "Strip and prefix are then not looked at."
        ),
    )
    tran_strip = models.PositiveSmallIntegerField(
        _("strip"), default=0, db_default=0, help_text=_("Leading characters to take off the user.")
    )
    tran_prefix = models.CharField(
        _("prefix"),
        max_length=64,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_username],
        help_text=_("Put in front of the user."),
    )
    tran_domain = HostField(
        _("new domain"), blank=True, default="", db_default="", help_text=_("Replaces the host.")
    )
    tran_port = models.PositiveIntegerField(
        _("new port"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text=_("Replaces the port."),
    )
    tran_strip_port = models.BooleanField(
        _("strip port"), default=False, db_default=False, help_text=_("Removes the port.")
    )
    tran_add_header = models.TextField(
        _("add headers"),
        max_length=2000,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_header_lines],
        help_text=_("Such as X-Account: 42; each on a line of its own."),
    )
    tran_remove_header = models.CharField(
        _("remove headers"),
        max_length=500,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_header_names],
        help_text=_("Names, separated by commas, such as X-Internal, Call-Info."),
    )
    tran_from_user = models.CharField(
        _("caller ID"),
        max_length=names.LONGEST_USERNAME,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_username],
        help_text=_("User that those called see in From. Empty: the caller's own."),
    )
    tran_from_display = models.CharField(
        _("caller name"),
        max_length=80,
        blank=True,
        default="",
        db_default="",
        validators=[names.check_one_line],
        help_text=_("Name that those called see in From. Empty: the caller's own."),
    )
    tran_trunk = models.SlugField(
        _("trunk"),
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text=_("Short name of a trunk of the domain, by whose gateways the call leaves."),
    )
    kept_under = models.CharField(
        max_length=600,
        editable=False,
        default="",
        db_default="",
        help_text=_("Which of the domain's rules a call looks at together with this one."),
    )
    most_together = models.PositiveSmallIntegerField(
        editable=False, default=0, db_default=0, help_text=_("How many of these there may be.")
    )
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["domain", "priority", "id"]
        indexes = [
            models.Index(fields=["domain", "priority", "id"], name="translation_in_order"),
            models.Index(fields=["domain", "kept_under"], name="translation_kept_under"),
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

    def save(self, *args: Any, **options: Any) -> None:
        """Write it, and under what it is kept."""
        self._keep()
        if options.get("update_fields") is not None:
            options["update_fields"] = {
                *options["update_fields"],
                *("kept_under", "most_together"),
            }
        super().save(*args, **options)

    def _keep(self) -> None:
        """Note under what it is kept."""
        names = self.from_username, self.request_domain, self.match_regex
        self.kept_under, self.most_together = place_of(*names)

    def full_clean(self, exclude: Collection[str] | None = None, **how: bool) -> None:
        """Check it, and let it do what it does in the proxy: one that never could is refused."""
        super().full_clean(exclude=exclude, **how)
        if self.domain_id is not None:  # a form says by itself that it has to be chosen
            impossible.refuse(self)

    def clean(self) -> None:
        """Refuse what no single field can show to be wrong."""
        super().clean()
        self._keep()
        reason = patterns.user_template_problem(self.tran_user, self.match_regex)
        if reason:
            raise ValidationError({"tran_user": reason})
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValidationError({"valid_until": _("This is not after the beginning.")})
        trunks = None if self.domain_id is None else self.domain.trunks
        if self.tran_trunk and trunks and not trunks.filter(name=self.tran_trunk).exists():
            raise ValidationError(
                {
                    "tran_trunk": _("The domain has no trunk %(tran_trunk)s.")
                    % {"tran_trunk": self.tran_trunk}
                }
            )
        if self.tran_trunk and (self.tran_domain or self.tran_port):
            raise ValidationError({"tran_trunk": _("A trunk has hosts and ports of its own.")})
