"""The one thing that people change about registrations: they end them."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from .models import Binding


def current(bindings: QuerySet[Binding] | None = None) -> QuerySet[Binding]:
    """Registrations that count now: neither ended nor expired."""
    chosen = Binding.objects.all() if bindings is None else bindings
    return chosen.filter(deleted=False, expires_at__gt=timezone.now())


def sign_out(bindings: QuerySet[Binding]) -> int:
    """End registrations; every proxy forgets them within a second. The phone may register again."""
    return bindings.filter(deleted=False).update(deleted=True, updated_at=timezone.now())
