"""Long lists as CSV, line by line as they come from the database."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.utils.encoders import JSONEncoder


def csv_response(filename: str, rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A download; the first row names the columns."""
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _lines(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([as_text(cell) for cell in row])


def as_text(cell: Any) -> str:
    """Spreadsheets take a cell that begins so for a formula. What has parts is JSON, as the API's
    files have it."""
    if isinstance(cell, (dict, list)):
        return json.dumps(cell, cls=JSONEncoder)
    text = "" if cell is None else str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


class _Echo:
    """A file that hands back what is written into it."""

    def write(self, text: str) -> str:
        return text
