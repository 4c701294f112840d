"""Pages of a long list by position, not by number: the last costs what the first does."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

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
    make is the beginning.
    """
    falling = order.startswith("-")
    name = order.lstrip("-")
    place = _place(rows.model, cursor, name, unique)
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


def is_cursor(model: type[Model], cursor: str, order: str, unique: str) -> bool:
    """Whether we may have made this cursor for such a list."""
    return _place(model, cursor, order.lstrip("-"), unique) is not None


def _beyond(name: str, value: Any, unique: str, last: Any, *, down: bool) -> Q:
    """Rows behind that one. `name >= value` stands in front so that an index can begin there."""
    side = "lt" if down else "gt"
    if name == unique:
        return Q(**{f"{name}__{side}": value})
    behind = Q(**{f"{name}__{side}": value}) | Q(**{name: value, f"{unique}__{side}": last})
    return Q(**{f"{name}__{side}e": value}) & behind


def _encoded(side: str, row: Model, name: str, unique: str) -> str:
    values = [_plain(getattr(row, column)) for column in (name, unique)]
    text = json.dumps([side, *values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()  # to the microsecond, as it is kept
        case UUID():
            return str(value)
    return value


def _decoded(cursor: str | None) -> list[Any] | None:
    if not cursor:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        place = json.loads(text)
    except (binascii.Error, UnicodeError, ValueError):
        return None
    match place:
        case ["a" | "b", str() | int(), str() | int()] if all(map(_can_be_asked, place)):
            return place
    return None


def _can_be_asked(value: str | int) -> bool:
    """Whether PostgreSQL takes it: no NUL, no half of a surrogate pair."""
    return not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in str(value))


def _place(model: type[Model], cursor: str | None, name: str, unique: str) -> list[Any] | None:
    """Side and values; None for what is no cursor, or holds what its columns cannot."""
    place = _decoded(cursor)
    if place is None:
        return None
    fields = [_column(model, name), _column(model, unique)]
    try:
        values = [field.to_python(str(text)) for field, text in zip(fields, place[1:], strict=True)]
    except ValidationError:
        return None
    return [place[0], *values]


def _column(model: type[Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)
