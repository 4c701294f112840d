"""The filters "from" and "to" of lists: whole days, in UTC."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils.dateparse import parse_date

M = TypeVar("M", bound=Model)


def between(rows: QuerySet[M], field: str, asked: Any) -> QuerySet[M]:
    """The rows of those days; what is no day asks nothing."""
    for name, lookup in (("from", "date__gte"), ("to", "date__lte")):
        day = _day(asked.get(name, ""))
        if day is not None:
            rows = rows.filter(**{f"{field}__{lookup}": day})
    return rows


def _day(text: str) -> Any:
    try:
        return parse_date(text)
    except ValueError:
        return None
