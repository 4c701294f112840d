"""Reads tables from a file: CSV or JSON with one table, an SQL dump or an SQLite file with several.

Rows are mappings from column to text, None for NULL; what they mean is tables.py's. They are read
as they are asked for, so that memory stays flat however many there are; of a file with several
tables each is gone through by itself. Raises SourceError at any row.
"""

from __future__ import annotations

import csv
import json
import mmap
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from . import json_rows, sql_dump

Row = Mapping[str, str | None]
Reader = Callable[[], Iterator[Row]]
TABLES = ("domain", "subscriber", "translations")
"""In the order in which they can be made."""

_SQLITE = b"SQLite format 3\0"
_BEGINNING = 64 * 1024
_INSERT = re.compile(rb"\b(INSERT INTO|CREATE TABLE)\b", re.IGNORECASE)


class SourceError(Exception):
    """The file cannot be read as what it seems to be; the message is a sentence."""


def read(path: Path, table: str | None = None) -> dict[str, Reader]:
    """What reads each of the known tables of a file; `table` says what a file with one table is,
    where its columns do not tell. Raises SourceError."""
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except OSError as error:
        raise SourceError(
            _("%(path)s cannot be read: %(strerror)s.") % {"path": path, "strerror": error.strerror}
        ) from error
    if beginning.startswith(_SQLITE):
        return _sqlite(path)
    if beginning.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        return _one_table(path, lambda: _json(path), table)
    if _INSERT.search(beginning):
        return _dump(path)
    return _one_table(path, lambda: _csv(path), table)


def rows_of(files: Sequence[Mapping[str, Reader]]) -> Iterator[tuple[str, int, Row]]:
    """All rows of all files with their table and number, in the order in which they can be made."""
    for table in TABLES:
        number = 0
        for readers in files:
            for row in readers[table]() if table in readers else ():
                number += 1
                yield table, number, row


def _sqlite(path: Path) -> dict[str, Reader]:
    def rows(table: str) -> Iterator[Row]:
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                cursor = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 -- of TABLES
                names = [column[0].lower() for column in cursor.description]
                for values in cursor:
                    yield dict(zip(names, map(_plain, values), strict=True))
        except sqlite3.Error as error:
            raise SourceError(
                _("%(path)s cannot be read as an SQLite file: %(error)s.")
                % {"path": path, "error": error}
            ) from error

    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = {name for (name,) in found}
    except sqlite3.Error as error:
        raise SourceError(
            _("%(path)s cannot be read as an SQLite file: %(error)s.")
            % {"path": path, "error": error}
        ) from error
    return {table: lambda table=table: rows(table) for table in TABLES if table in names}


def _dump(path: Path) -> dict[str, Reader]:
    def rows(table: str) -> Iterator[Row]:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                yield from sql_dump.rows(data, table)
            except sql_dump.DumpError as error:
                raise SourceError(f"{path}: {error}") from error

    return {table: lambda table=table: rows(table) for table in TABLES}


def _json(path: Path) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for found in json_rows.read(file):
                if not isinstance(found, dict):
                    raise SourceError(_("%(path)s is no list of objects.") % {"path": path})
                yield {str(key): _plain(value) for key, value in found.items()}
    except UnicodeDecodeError as error:
        raise SourceError(_("%(path)s is no text in UTF-8.") % {"path": path}) from error
    except json_rows.JsonError as error:
        raise SourceError(
            _("%(path)s is no JSON: %(error)s.") % {"path": path, "error": error}
        ) from error


def _csv(path: Path) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, strict=True):
                if None in row:
                    raise SourceError(
                        _("%(path)s has a row with more cells than its first line.")
                        % {"path": path}
                    )
                yield {
                    key: None if value in (None, "\\N", "NULL") else value
                    for key, value in row.items()
                }
    except UnicodeDecodeError as error:
        raise SourceError(_("%(path)s is no text in UTF-8.") % {"path": path}) from error
    except csv.Error as error:
        raise SourceError(
            _("%(path)s is no CSV: %(error)s.") % {"path": path, "error": error}
        ) from error


def _one_table(path: Path, reader: Reader, table: str | None) -> dict[str, Reader]:
    first = next(reader(), None)
    if first is None:
        return {}
    name = table or next((name for name, is_it in _BY_COLUMNS if is_it(first)), None)
    if name is None:
        raise SourceError(
            _(
                "the columns of %(path)s are of no known table: %(list)s; say --table with one "
                "of %(list2)s."
            )
            % {"path": path, "list": ", ".join(first), "list2": ", ".join(TABLES)}
        )
    return {name: reader}


_BY_COLUMNS: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("translations", lambda row: any(str(key).startswith("tran_") for key in row)),
    ("subscriber", lambda row: "username" in row and "domain" in row),
    ("domain", lambda row: "domain" in row),
)


def _plain(value: Any) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "1" if value else "0"
        case bytes():
            return value.decode("utf-8", "replace")
        case dict() | list():
            return json.dumps(value)
        case _:
            return str(value)
