"""What waits for celery, kept as rows: a lost broker or a killed worker loses none of it."""

from __future__ import annotations

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fedsip_platform.tenants.models import Person, Tenant


class Letter(models.Model):
    """An e-mail that no mail server has taken yet. Deleted when one has."""

    to = models.TextField()
    subject = models.TextField()
    body = models.TextField()
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.TextField(blank=True, help_text=_("What the mail server said last."))
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"


class Kind(models.TextChoices):
    IMPORT_USERS = "import_users", _("import of users")
    EXPORT_USERS = "export_users", _("export of users")
    EXPORT_CALLS = "export_calls", _("export of calls")
    EXPORT_AUDIT = "export_audit", _("export of the audit log")
    CHECK_DOMAINS = "check_domains", _("check of domains")


class State(models.TextChoices):
    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


UNFINISHED = (State.WAITING, State.RUNNING)


class Job(models.Model):
    """Long work, done chunk by chunk; each chunk and the progress it makes are one transaction."""

    public_id = models.UUIDField(
        default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    tenant = models.ForeignKey(
        Tenant,
        models.CASCADE,
        null=True,
        related_name="jobs",
        help_text=_("Empty: of the whole platform, for operators alone."),
    )
    person = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="jobs")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    options = models.JSONField(default=dict)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    counted = models.JSONField(default=dict, help_text=_("How many came out how."))
    problems = models.JSONField(default=list, help_text=_("Row, field and reason; the first ones."))
    position = models.PositiveIntegerField(default=0, help_text=_("The next step."))
    created_at = models.DateTimeField(db_default=Now())
    touched_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["touched_at"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="job_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.public_id}"


class Chunk(models.Model):
    """A part of what a job reads or of what it has made. Sealed: rows may hold passwords."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="chunks")
    is_result = models.BooleanField()
    number = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    sealed = models.TextField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "is_result", "number"], name="chunk_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job}: {self.number}"
