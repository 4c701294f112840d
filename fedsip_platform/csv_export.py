"""A list as CSV, streamed: memory stays flat however long it is.

All files for people are written here, whoever asks: the API, the dashboard, jobs and the command
line. What other servers read is moving/going_out.py's.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from rest_framework.serializers import BaseSerializer, DateTimeField
from rest_framework.utils.encoders import JSONEncoder

ROWS_AT_ONCE = 1000

# A spreadsheet takes a text that begins so for a formula and would run it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

_INSTANT = DateTimeField(default_timezone=UTC)


class _Line:
    """A file for csv.writer that hands over what was written last."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def stream(
    file_name: str, shape: BaseSerializer[Any], rows: QuerySet[Any]
) -> StreamingHttpResponse:
    """A download with one line for each row, under the serializer's field names."""
    return download(file_name, lines(shape, rows))


def lines(shape: BaseSerializer[Any], rows: QuerySet[Any]) -> Iterator[str]:
    """The same, line by line."""
    names = [name for name, field in shape.fields.items() if not field.write_only]  # type: ignore[attr-defined]
    shown = (shape.to_representation(row) for row in rows.iterator(chunk_size=ROWS_AT_ONCE))
    return of_rows(names, shown)


def download(file_name: str, written: Iterator[str]) -> StreamingHttpResponse:
    """The lines as a file that browsers save."""
    return StreamingHttpResponse(
        written,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def of_rows(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The CSV of these columns, line by line."""
    line = _Line()
    writer = csv.writer(line)
    writer.writerow(names)
    yield line.text
    for row in rows:
        writer.writerow([cell(row[name]) for name in names])
        yield line.text


def of_things(names: Sequence[str], things: Iterable[Any]) -> Iterator[str]:
    """The CSV of these attributes of things, line by line."""
    return of_rows(names, ({name: getattr(thing, name) for name in names} for thing in things))


def cell(value: Any) -> str:
    """A value as the API shows it, so that a spreadsheet may read it: nothing becomes a formula."""
    match value:
        case None:
            return ""
        case bool() | dict() | list() | tuple():
            return json.dumps(value, cls=JSONEncoder)
        case int() | float():
            return str(value)
        case datetime():
            return str(_INSTANT.to_representation(value))
        case _:
            text = str(value)
            return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    return text.removeprefix("+").removeprefix("-").isdigit()
