"""Filters of lists: declared once by a resource, checked, applied and documented from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from rest_framework.exceptions import ValidationError


@dataclass(frozen=True, slots=True)
class Filter:
    """One query parameter of a list. `read` refuses with ValueError, whose text says why."""

    description: str
    choose: Callable[[Any], Q]
    read: Callable[[str], Any] = str
    kind: Any = OpenApiTypes.STR
    choices: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether it takes any text."""
        return self.kind is OpenApiTypes.STR and not self.choices


def equal(column: str, description: str) -> Filter:
    """Rows whose column is this text."""
    return Filter(description, lambda text: Q(**{column: text}))


def name(column: str, description: str) -> Filter:
    """Rows whose column, kept in lower case, is this name in any case."""
    return Filter(description, lambda text: Q(**{column: text.lower()}))


def search(description: str, *lookups: str) -> Filter:
    """Rows where any of the lookups (such as `aor__startswith`) finds this text."""

    def choose(text: str) -> Q:
        found = Q()
        for lookup in lookups:
            found |= Q(**{lookup: text.lower() if "__i" not in lookup else text})
        return found

    return Filter(description, choose)


def switch(column: str, description: str) -> Filter:
    """Rows whose column is true, or false."""
    return Filter(description, lambda on: Q(**{column: on}), read_switch, OpenApiTypes.BOOL)


def choice(
    column: str, values: Sequence[str], description: str, *, several: bool = False
) -> Filter:
    """Rows whose column is one of few known words; with `several` it holds a list of them."""
    return one_of(lambda text: Q(**{column: [text] if several else text}), values, description)


def one_of(choose: Callable[[str], Q], words: Sequence[str], description: str) -> Filter:
    """Rows that one of few words chooses."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(_("Say one of %(words)s.") % {"words": ", ".join(words)})
        return text

    return Filter(description, choose, read, choices=tuple(words))


def uuid(column: str, description: str) -> Filter:
    """Rows that belong to the thing with this id."""
    return uuid_of(lambda key: Q(**{column: key}), description)


def uuid_of(choose: Callable[[UUID], Q], description: str) -> Filter:
    """Rows that have to do with the thing with this id."""

    def read(text: str) -> Any:
        try:
            return UUID(text)
        except ValueError:
            raise ValueError(_("Give an id.")) from None

    return Filter(description, choose, read, OpenApiTypes.UUID)


def moment(lookup: str, description: str) -> Filter:
    """Rows before or after an instant (`started_at__gte`), given as RFC 3339."""
    return Filter(description, lambda at: Q(**{lookup: at}), read_moment, OpenApiTypes.DATETIME)


def read_switch(text: str) -> bool:
    """true or false."""
    if text not in ("true", "false"):
        raise ValueError(_("Say true or false."))
    return text == "true"


def read_moment(text: str) -> datetime:
    """An instant, given as RFC 3339."""
    # In an address that was not escaped, the plus of an offset arrives as a space.
    found = parse_datetime(text.replace(" ", "+"))
    if found is None or found.tzinfo is None:
        raise ValueError(_("Give a time such as 2026-01-31T12:00:00Z."))
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError(_("That is too near the end of time.")) from None


def moment_of(asked: Mapping[str, Any], name: str) -> datetime | None:
    """The instant that was asked for, if one was; its filter has read it before."""
    return read_moment(asked[name]) if asked.get(name) else None


def apply(
    filters: dict[str, Filter], asked: dict[str, str], queryset: QuerySet[Any]
) -> QuerySet[Any]:
    """The rows that pass all filters asked for; an empty text asks for nothing."""
    for parameter, each in filters.items():
        text = asked.get(parameter)
        if text is None or (not text and each.is_text):
            continue
        try:
            queryset = queryset.filter(each.choose(each.read(text)))
        except ValueError as error:
            raise ValidationError({parameter: str(error)}) from error
    return queryset
