"""What waits for celery, kept as rows: a lost broker or a killed worker loses none of it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Letter(models.Model):
    """An e-mail that no mail server has taken yet. Deleted when one has."""

    to = models.TextField()
    subject = models.TextField()
    body = models.TextField()
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.TextField(blank=True, help_text="What the mail server said last.")
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"
