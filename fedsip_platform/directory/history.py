"""How a rule was before: read from the audit log, and brought back.

The log has old and new values of every change, so a state of the past is the present one with the
later changes undone. What is brought back is written as any change is, and noted as one.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from fedsip_platform.audit import log
from fedsip_platform.audit.models import Entry
from fedsip_platform.changes import ServiceError

from . import services
from .models import Domain, Translation

KIND = "translation"


def of_domain(domain: Domain, entries: QuerySet[Entry], *, rule: UUID | None) -> QuerySet[Entry]:
    """What was done to the domain's rules, or to one of them, among these entries."""
    chosen = entries.filter(kind=KIND, tenant=domain.tenant)
    if rule is not None:
        return chosen.filter(thing=rule)
    # A rule's name begins with its domain's.
    return chosen.filter(Q(key__startswith=f"{domain.name} ")).exclude(thing=None)


def restore(domain: Domain, entry: Entry) -> Translation:
    """Bring a rule to the state after that entry; a deleted one comes back. Raises ServiceError."""
    if entry.action == log.DELETE:
        fields = {name: pair[0] for name, pair in entry.changes.items()}
        return services.create_translation(domain, **_typed(fields))
    rule = domain.translations.select_related("domain__tenant").filter(public_id=entry.thing)
    found = rule.first()
    if found is None:
        raise ServiceError("", _("This rule is deleted; bring back its deletion's entry instead."))
    present = {name: log.plain(value) for name, value in log.values_of(found).items()}
    past = state_after(entry, present)
    different = {name: value for name, value in past.items() if present.get(name) != value}
    return services.update_translation(found, **_typed(different))


def state_after(entry: Entry, present: dict[str, Any]) -> dict[str, Any]:
    """The present values with all changes undone that came after that entry."""
    later = Entry.objects.filter(thing=entry.thing, kind=KIND, pk__gt=entry.pk, action=log.CHANGE)
    past = dict(present)
    for each in later.order_by("-pk"):
        past.update({name: pair[0] for name, pair in each.changes.items()})
    return past


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """Values of the log as the rule's fields have them; what is no field to change is left out."""
    typed = {}
    for name, value in values.items():
        field = Translation._meta.get_field(name)
        if field.is_relation or not field.editable or field.primary_key:
            continue
        try:
            typed[name] = field.to_python(value)
        except ValidationError as error:
            raise ServiceError(name, " ".join(error.messages)) from error
    return typed
