"""A list as CSV, streamed: memory stays flat however long it is."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.encoders import JSONEncoder

ROWS_AT_ONCE = 1000

# A spreadsheet takes a text that begins so for a formula and would run it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


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


def cell(value: Any) -> str:
    """A value as a spreadsheet may read it: nothing becomes a formula."""
    if value is None:
        return ""
    if isinstance(value, (dict, list, bool)):
        return json.dumps(value, cls=JSONEncoder)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    return text.removeprefix("+").removeprefix("-").isdigit()
