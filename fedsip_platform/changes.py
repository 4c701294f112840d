"""How every service writes: check everything, write it, note it in the audit log.

A refusal is a ServiceError that names the field and the reason in a sentence for people; nothing is
changed then. REST, Django's admin, the dashboard and the CLI reach this through the services of the
apps, so nothing that a person does is missing from the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from fedsip_platform.audit import log

M = TypeVar("M", bound=models.Model)

TIME = "updated_at"
# What a person typed, for fields that are made from it.
_TYPED = {"aor": "username", NON_FIELD_ERRORS: ""}


class ServiceError(Exception):
    """A change was refused. `field` and `reason` are the first problem, `problems` are all."""

    def __init__(self, field: str, reason: str, *more: tuple[str, str]) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason
        self.problems = ((field, reason), *more)


class Conflict(ServiceError):
    """The change is fine in itself, but something that exists stands against it."""


def save(instance: M, update_fields: Iterable[str] | None = None) -> M:
    """Check everything, then write it. What is so already is not written again: nothing is noted
    and nobody is told, and the time of the last change stays."""
    names = None if update_fields is None else list(update_fields)
    is_new = instance._state.adding
    try:
        instance.full_clean()
        with transaction.atomic():
            before = {} if is_new else _stored(instance, names)
            if is_new or _differs(instance, before, names):
                instance.save(update_fields=names)
                _note(instance, before, is_new=is_new, names=names)
    except ValidationError as error:
        raise service_error(error) from error
    except IntegrityError as error:  # somebody else was faster
        raise Conflict("", _("This stands against something that exists already.")) from error
    return instance


def change(instance: M, fields: dict[str, Any]) -> M:
    """Set fields that people edit, and save; what was refused leaves the instance as it is."""
    for name, value in fields.items():
        if name not in _changeable(type(instance)):
            raise ServiceError(name, _("There is no such field to change."))
        setattr(instance, name, value)
    has_time = any(field.name == TIME for field in instance._meta.concrete_fields)
    changed = [*fields, *([TIME] if fields and has_time else [])]
    try:
        return save(instance, changed)
    except ServiceError:
        instance.refresh_from_db()  # the caller keeps an object that is true
        raise


@transaction.atomic
def delete(instance: models.Model) -> None:
    """Delete it, and note what it was."""
    values = log.values_of(instance)
    log.record(log.DELETE, instance, {name: (old, None) for name, old in values.items()})
    instance.delete()


def service_error(error: ValidationError) -> ServiceError:
    """Django's refusal as ours."""
    found = [
        (_TYPED.get(field, field), _sentence(problem), problem.code)
        for field, problems in error.error_dict.items()
        for problem in problems
    ]
    pairs = [(field, reason) for field, reason, _ in found]
    kind = Conflict if all(code == "unique" for _, _, code in found) else ServiceError
    return kind(*pairs[0], *pairs[1:])


def _stored(instance: models.Model, names: list[str] | None) -> dict[str, Any]:
    stored = type(instance)._base_manager.filter(pk=instance.pk).first()
    return {} if stored is None else log.values_of(stored, names)


def _differs(instance: models.Model, before: dict[str, Any], names: list[str] | None) -> bool:
    after = log.values_of(instance, names)
    return any(before.get(name) != after[name] for name in after if name != TIME)


def _note(
    instance: models.Model, before: dict[str, Any], *, is_new: bool, names: list[str] | None
) -> None:
    if is_new:
        log.record(log.CREATE, instance, log.values_of_new(instance, names))
        return
    after = log.values_of(instance, names)
    changes = {name: (before.get(name), value) for name, value in after.items()}
    if log.masked(changes):
        log.record(log.CHANGE, instance, changes)


def _changeable(model: type[models.Model]) -> set[str]:
    """Fields that people edit; what a thing belongs to is none of them."""
    return {
        field.name
        for field in model._meta.concrete_fields
        if field.editable and not field.is_relation and not field.primary_key
    }


def _sentence(problem: ValidationError) -> str:
    return " ".join(str(message) for message in problem.messages)
