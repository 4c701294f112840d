"""The order of a domain's rules: one is put between two others, and as few as possible change."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from . import services
from .models import Domain, Translation
from .services import ServiceError

STEP = 10


@transaction.atomic
def place(rule: Translation, *, before: Translation | None, after: Translation | None) -> None:
    """Give the rule a priority behind `before` and in front of `after`, its new neighbours.

    Rules of equal priority share by weight and stay equal: whoever stands behind makes room.
    """
    for neighbour in (before, after):
        if neighbour is not None and neighbour.domain_id != rule.domain_id:
            raise ServiceError("rule", _("Rules are in order within one domain."))
    Domain.objects.select_for_update(no_key=True).get(pk=rule.domain_id)
    low = before.priority if before is not None else -1
    wanted = (low + after.priority) // 2 if after is not None else low + STEP
    if after is not None and wanted <= low:
        wanted = low + STEP
        for other in _behind(rule, after):
            services.update_translation(other, priority=other.priority + 2 * STEP)
    if wanted != rule.priority:
        services.update_translation(rule, priority=wanted)


def _behind(rule: Translation, first: Translation) -> list[Translation]:
    chosen = rule.domain.translations.filter(priority__gte=first.priority).exclude(pk=rule.pk)
    return list(chosen.select_related("domain__tenant"))
