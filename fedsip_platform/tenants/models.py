"""Tenants, people and their roles.

A person signs in by e-mail address and belongs to any number of tenants. An operator runs the
platform and may do everything; nobody else sees another tenant's things (scope.py).
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.functions import RandomUUID
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _


class Tenant(models.Model):
    """One customer: owns domains, and through them everything else."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    name = models.CharField(max_length=100, help_text=_("As people call it."))
    slug = models.CharField(
        max_length=50,
        unique=True,
        validators=[
            RegexValidator(
                r"\A[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z",
                _(
                    "Use lower-case letters, digits and hyphens, "
                    "with a letter or digit at both ends."
                ),
            )
        ],
        help_text=_("Short name in addresses and commands: lower-case letters, digits, hyphens."),
    )
    enabled = models.BooleanField(
        default=True, db_default=True, help_text=_("When off, none of its domains is served.")
    )
    max_domains = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Empty: no limit."), validators=[MinValueValidator(0)]
    )
    max_subscribers = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Users in all its domains. Empty: no limit.")
    )
    max_rules = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Rules in all its domains. Empty: no limit.")
    )
    max_calls = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Calls at the same time, on all nodes. Empty: no limit.")
    )
    max_calls_per_second = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Calls begun in a second, on all nodes. Empty: no limit."),
    )
    require_mfa = models.BooleanField(
        _("second factor required"),
        default=False,
        db_default=False,
        help_text=_("People of this tenant must set up an authenticator app or a passkey."),
    )
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(slug__regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
                name="tenant_slug_is_short_name",
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class PersonManager(BaseUserManager["Person"]):
    """Makes people; Django's commands and backends call it by these names."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Person:
        """Make a person who signs in with this address; without password she cannot yet."""
        person = self.model(email=email, **fields)
        person.set_password(password)
        person.full_clean()
        person.save()
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Person:
        """Make an operator of the platform."""
        return self.create_user(email, password, is_operator=True, **fields)

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email__iexact=(username or "").strip())


class Person(AbstractBaseUser):
    """Somebody who signs in to the dashboard or the API; not a SIP user (directory.Subscriber)."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("When off, this person cannot sign in; tokens stop too."),
    )
    is_operator = models.BooleanField(
        _("operator"),
        default=False,
        help_text=_("Runs the platform: sees and changes every tenant."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    tenants = models.ManyToManyField(Tenant, through="Membership", related_name="people")

    objects = PersonManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name_plural = "people"
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="person_email_unique_in_any_case"),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()

    @cached_property
    def tenant_ids(self) -> frozenset[int]:
        """The tenants that the person belongs to, as they were when first asked for."""
        return frozenset(self.memberships.values_list("tenant_id", flat=True))

    @property
    def is_staff(self) -> bool:
        """Django's admin asks this; it shows every tenant, so it is for operators alone."""
        return self.is_operator

    @property
    def is_superuser(self) -> bool:
        """Some Django packages ask this."""
        return self.is_operator

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django's admin asks this for each model."""
        return self.is_active and self.is_operator

    def has_perms(self, perm_list: Any, obj: object = None) -> bool:
        return self.is_active and self.is_operator

    def has_module_perms(self, app_label: str) -> bool:
        """Django's admin asks this for each app."""
        return self.is_active and self.is_operator


class Role(models.TextChoices):
    """What a person may do in a tenant; each includes the one below."""

    OWNER = "owner", _("owner: also the tenant itself and its people")
    ADMIN = "admin", _("admin: domains, users, rules")
    VIEWER = "viewer", _("viewer: only looks")


class Membership(models.Model):
    """A person's role in a tenant."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["tenant", "person"]
        constraints = [
            models.UniqueConstraint(fields=["person", "tenant"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.tenant}: {self.role}"
