"""Pages of a long list by position, not by number: the last costs what the first does."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet

M = TypeVar("M", bound=Model)
PAGE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Some rows of a list, and the cursors of its neighbours."""

    rows: Sequence[M]
    next: str | None
    previous: str | None


def page_of(
    rows: QuerySet[M], order: str, cursor: str | None, *, unique: str = "pk", size: int = PAGE
) -> Page[M]:
    """The page at `cursor` of the rows by `order` (`-name` falls) and then by `unique`.

    A cursor is `["a" or "b", value, unique value]`: after or before that row. One that we did not
    make, or whose row is gone, is the beginning.
    """
    falling = order.startswith("-")
    name = order.lstrip("-")
    place = _checked(rows.model, _decoded(cursor), name, unique)
    backwards = place is not None and place[0] == "b"
    down = falling != backwards
    if place is not None:
        rows = rows.filter(_beyond(name, place[1], unique, place[2], down=down))
    columns = [name] if name == unique else [name, unique]
    ordered = rows.order_by(*(F(each).desc() if down else F(each).asc() for each in columns))
    found = list(ordered[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    if not found:
        return Page([], None, None)
    after = _encoded("a", found[-1], name, unique)
    before = _encoded("b", found[0], name, unique)
    if backwards:
        return Page(found, after, before if more else None)
    return Page(found, after if more else None, before if place is not None else None)


def _beyond(name: str, value: Any, unique: str, last: Any, *, down: bool) -> Q:
    """Rows behind that one. `name >= value` stands in front so that an index can begin there."""
    side = "lt" if down else "gt"
    if name == unique:
        return Q(**{f"{name}__{side}": value})
    behind = Q(**{f"{name}__{side}": value}) | Q(**{name: value, f"{unique}__{side}": last})
    return Q(**{f"{name}__{side}e": value}) & behind


def _encoded(side: str, row: Model, name: str, unique: str) -> str:
    value = getattr(row, name)
    if isinstance(value, datetime):
        value = value.isoformat()
    text = json.dumps([side, value, getattr(row, unique)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str | None) -> list[Any] | None:
    if not cursor:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        place = json.loads(text)
    except (binascii.Error, UnicodeError, ValueError):
        return None
    match place:
        case ["a" | "b", str() | int(), str() | int()] if (
            "\0" not in text and "\\u0000" not in text
        ):
            return place
    return None


def _checked(
    model: type[Model], place: list[Any] | None, name: str, unique: str
) -> list[Any] | None:
    """A forged cursor may hold what its columns cannot."""
    if place is None:
        return None
    fields = [model._meta.get_field(name), model._meta.pk if unique == "pk" else None]
    fields[1] = fields[1] or model._meta.get_field(unique)
    try:
        values = [field.to_python(str(text)) for field, text in zip(fields, place[1:], strict=True)]
    except ValidationError:
        return None
    return [place[0], *values]
