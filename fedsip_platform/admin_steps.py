"""What the admin classes of all apps share: trying a change before it is made, refusing changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import models, transaction
from django.forms import ModelForm
from django.utils.text import capfirst

from fedsip_platform.changes import ServiceError


def never(self: Any, request: Any, obj: Any = None) -> bool:
    """For has_add_permission and its like: the proxies alone write these."""
    return False


def try_out(form: ModelForm, change: Callable[[], object]) -> None:
    """Make the change and take it back, so that what a service refuses becomes a form's error."""
    if form.errors:
        return
    try:
        with transaction.atomic():
            change()
            transaction.set_rollback(True)
    except ServiceError as error:
        for field, reason in error.problems:
            form.add_error(field if field in form.fields else None, reason)


def changed(form: ModelForm) -> dict[str, Any]:
    """The fields that the person changed, with their new values."""
    return {name: form.cleaned_data[name] for name in form.changed_data}


def adopt(form_object: models.Model, made: models.Model) -> None:
    """Let the admin go on with what the service made."""
    for field in made._meta.concrete_fields:
        setattr(form_object, field.attname, getattr(made, field.attname))
    form_object._state.adding = False


def deletion_summary(
    objects: Iterable[models.Model], *counted: tuple[str, Callable[[models.Model], int]]
) -> tuple[list[str], dict[str, int], set[str], list[str]]:
    """What the page before a deletion says: numbers, not the names of 100,000 users."""
    objects = list(objects)
    totals = {word: sum(count(thing) for thing in objects) for word, count in counted}
    kinds = {str(capfirst(type(thing)._meta.verbose_name_plural)) for thing in objects}
    counts = {kind: len(objects) for kind in kinds} | {
        word: total for word, total in totals.items() if total
    }
    return [str(thing) for thing in objects], counts, set(), []
