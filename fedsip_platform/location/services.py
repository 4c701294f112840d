"""The one thing that people change about registrations: they end them."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from fedsip_platform.audit import log

from .models import Binding


def current(bindings: QuerySet[Binding] | None = None) -> QuerySet[Binding]:
    """Registrations that count now: neither ended nor expired."""
    chosen = Binding.objects.all() if bindings is None else bindings
    return chosen.filter(deleted=False, expires_at__gt=timezone.now())


@transaction.atomic
def sign_out(bindings: QuerySet[Binding]) -> int:
    """End registrations; every proxy forgets them within a second. The phone may register again."""
    ended = list(bindings.filter(deleted=False).select_related("domain__tenant"))
    log.record_all(log.entry("sign out", each) for each in ended)
    chosen = Binding.objects.filter(pk__in=[each.pk for each in ended], deleted=False)
    return chosen.update(deleted=True, updated_at=timezone.now())
