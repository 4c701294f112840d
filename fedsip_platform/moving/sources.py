"""Reads tables from a file: CSV or JSON with one table, an SQL dump or an SQLite file with several.

Rows are mappings from column to text, None for NULL; what they mean is tables.py's.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from . import sql_dump

Row = Mapping[str, str | None]
Tables = dict[str, list[Row]]
TABLES = ("domain", "subscriber", "translations")
LARGEST = 512 * 1024 * 1024
_SQLITE = b"SQLite format 3\0"


class SourceError(Exception):
    """The file cannot be read as what it seems to be; the message is a sentence."""


def read(path: Path, table: str | None = None) -> Tables:
    """The known tables of a file; `table` says what a file with one table is, where its columns
    do not tell. Raises SourceError."""
    try:
        if path.stat().st_size > LARGEST:
            raise SourceError(f"{path} is larger than {LARGEST // 1024 // 1024} MiB.")
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    if data.startswith(_SQLITE):
        return _sqlite(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is no text in UTF-8.") from error
    return _text(path, text, table)


def _text(path: Path, text: str, table: str | None) -> Tables:
    start = text.lstrip()[:1]
    if start in ("[", "{"):
        return _one_table(_json(path, text), table)
    if "INSERT INTO" in text[:5_000_000].upper():
        try:
            found = sql_dump.read(text, TABLES)
        except sql_dump.DumpError as error:
            raise SourceError(f"{path}: {error}") from error
        return {name: list(rows) for name, rows in found.items()}
    return _one_table(_csv(path, text), table)


def _sqlite(path: Path) -> Tables:
    found: Tables = {}
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            names = {name for (name, *_) in connection.execute("SELECT name FROM sqlite_master")}
            for table in TABLES:
                if table in names:
                    rows = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 -- ours
                    found[table] = [{key: _plain(row[key]) for key in row.keys()} for row in rows]  # noqa: SIM118 -- sqlite3.Row
    except sqlite3.Error as error:
        raise SourceError(f"{path} cannot be read as an SQLite file: {error}.") from error
    return found


def _json(path: Path, text: str) -> list[Row]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is no JSON: {error}.") from error
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise SourceError(f"{path} is no list of objects.")
    return [{str(key): _plain(value) for key, value in each.items()} for each in given]


def _csv(path: Path, text: str) -> list[Row]:
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        return [
            {key: None if value in (None, "\\N", "NULL") else value for key, value in row.items()}
            for row in reader
        ]
    except csv.Error as error:
        raise SourceError(f"{path} is no CSV: {error}.") from error


def _one_table(rows: list[Row], table: str | None) -> Tables:
    if not rows:
        return {}
    name = table or next((name for name, is_it in _BY_COLUMNS if is_it(rows[0])), None)
    if name is None:
        raise SourceError(
            f"these columns are of no known table: {', '.join(str(key) for key in rows[0])}; "
            f"say --table with one of {', '.join(TABLES)}."
        )
    return {name: rows}


_BY_COLUMNS: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("translations", lambda row: any(str(key).startswith("tran_") for key in row)),
    ("subscriber", lambda row: "username" in row and ("ha1" in row or "password" in row)),
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
        case _:
            return str(value)


def rows_of(tables: Tables) -> Iterator[tuple[str, int, Row]]:
    """All rows with their table and number, in the order in which they can be made."""
    for table in TABLES:
        for number, row in enumerate(tables.get(table, ()), start=1):
            yield table, number, row
