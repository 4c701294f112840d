"""`name=value` words of commands as fields of a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from fedsip_platform.audit import log
from fedsip_platform.cli import speech
from fedsip_platform.cli.speech import Refused

ON, OFF, NOTHING = ("on", "yes", "true", "1"), ("off", "no", "false", "0"), ("", "none", "-")


def names(model: type[models.Model], *, but: Sequence[str] = ()) -> list[str]:
    """The fields that people set and may read, without those of `but`."""
    never = {"id", "public_id", "created_at", "updated_at", *log.SECRET, *but}
    fields = model._meta.concrete_fields
    return [field.name for field in fields if field.name not in never and not field.is_relation]


def values(
    model: type[models.Model], words: Sequence[str], allowed: Sequence[str], what: str, example: str
) -> dict[str, Any]:
    """What the words say; `what` is how a field is called in refusals."""
    return dict(_value(model, word, allowed, what, example) for word in words)


def said(thing: models.Model, wanted: Iterable[str]) -> str:
    """These fields as they are now, in the form in which they were given."""
    return ", ".join(f"{name}={speech.text(getattr(thing, name))}" for name in wanted)


def _value(
    model: type[models.Model], word: str, allowed: Sequence[str], what: str, example: str
) -> tuple[str, Any]:
    name, equals, text = word.partition("=")
    name = name.strip().replace("-", "_")
    if not equals:
        raise Refused(
            _("%(word)s is no %(what)s=value, such as %(example)s.")
            % {"word": word, "what": what, "example": example}
        )
    if name not in allowed:
        raise Refused(
            _("there is no %(what)s %(name)s; there are %(list)s.")
            % {"what": what, "name": name, "list": ", ".join(allowed)}
        )
    return name, _read(name, model._meta.get_field(name), text)


def _read(name: str, field: Any, text: str) -> Any:
    if isinstance(field, models.BooleanField):
        return _switch(name, text)
    if field.null and text.lower() in NOTHING:
        return None
    if isinstance(field, models.IntegerField):
        return _number(name, text)
    if isinstance(field, models.DateTimeField):
        return _moment(name, text)
    if isinstance(field, ArrayField):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(field, models.TextField):
        return text.replace("\\n", "\n")
    return text


def _switch(name: str, value: str) -> bool:
    if value.lower() in ON:
        return True
    if value.lower() in OFF:
        return False
    raise Refused(_("%(name)s is on or off, not %(value)s.") % {"name": name, "value": repr(value)})


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise Refused(
            _("%(name)s is a number, not %(value)s.") % {"name": name, "value": repr(value)}
        )
    return int(value)


def _moment(name: str, value: str) -> Any:
    try:
        found = parse_datetime(value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Refused(
            _("%(name)s is a time such as 2026-01-31T12:00:00Z, not %(value)s.")
            % {"name": name, "value": repr(value)}
        )
    return found
