"""Rows of an SQL dump (mysqldump, mariadb-dump, pg_dump --inserts, sqlite3 .dump): its INSERTs.

Columns are those that an INSERT names, else those of the table's CREATE TABLE before it. The dump
is bytes, or a file that is mapped into memory; only one row of it is held.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

Dump = bytes | mmap.mmap

_STATEMENT = re.compile(
    rb"(?P<what>CREATE TABLE(?: IF NOT EXISTS)?|INSERT (?:IGNORE )?INTO)\s+"
    rb"(?:[`\"]?\w+[`\"]?\.)?[`\"]?(?P<table>\w+)[`\"]?",
    re.IGNORECASE,
)
_COLUMN = re.compile(rb"\s*[`\"]?(?P<name>\w+)[`\"]?\s+\w")
_NO_COLUMN = frozenset(
    (b"PRIMARY", b"UNIQUE", b"KEY", b"CONSTRAINT", b"FOREIGN", b"CHECK", b"INDEX", b"FULLTEXT")
)
_NAMES = re.compile(rb"\s*(\((?P<names>[^)]*)\))?\s*VALUES\s*", re.IGNORECASE)
_BARE = re.compile(rb"[^,()\s']+")
_BLANK = re.compile(rb"\s*")
_NEXT_ROW = re.compile(rb"\s*,\s*(?=\()")
_MYSQL = re.compile(rb"ENGINE\s*=|MySQL dump|MariaDB dump")
_PLAIN, _PLAIN_MYSQL = re.compile(rb"[^']*"), re.compile(rb"[^'\\]*")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b"Z": b"\x1a", b"b": b"\b"}
_INTRODUCERS = frozenset((b"_binary", b"_utf8", b"_utf8mb3", b"_utf8mb4", b"_latin1", b"N", b"E"))


class DumpError(Exception):
    """The dump ends or breaks off in a statement."""


def rows(data: Dump, table: str) -> Iterator[dict[str, str | None]]:
    """The rows of a table."""
    wanted = table.encode()
    columns: list[str] = []
    has_backslashes = _MYSQL.search(data) is not None
    at = 0
    while match := _STATEMENT.search(data, at):
        at = match.end()
        is_wanted = match["table"].lower() == wanted
        if match["what"].upper().startswith(b"CREATE"):
            if is_wanted:
                columns = _columns_of(data, at)
            continue
        try:
            names, at = _named(data, at)
            for values, after in _rows(data, at, has_backslashes):
                at = after  # rows of other tables too, whose texts may look like statements
                if is_wanted:
                    yield _row(table, names or columns, values)
        except DumpError:
            if is_wanted:
                raise


def _row(table: str, names: list[str], values: list[bytes | None]) -> dict[str, str | None]:
    if len(values) != len(names):
        raise DumpError(
            _("a row of %(table)s has %(len)s values, not %(len2)s.")
            % {"table": table, "len": len(values), "len2": len(names)}
        )
    texts = (None if value is None else value.decode("utf-8", "replace") for value in values)
    return dict(zip(names, texts, strict=True))


def _columns_of(data: Dump, at: int) -> list[str]:
    """The columns of a CREATE TABLE, its keys and constraints left out."""
    opening = data.find(b"(", at)
    parts, depth, began, end = [], 1, opening + 1, opening + 1
    while depth and end < len(data):
        letter = data[end : end + 1]
        depth += (letter == b"(") - (letter == b")")
        if (letter == b"," and depth == 1) or depth == 0:
            parts.append(data[began:end])
            began = end + 1
        end += 1
    names = [match["name"] for part in parts if (match := _COLUMN.match(part))]
    return [name.decode().lower() for name in names if name.upper() not in _NO_COLUMN]


def _named(data: Dump, at: int) -> tuple[list[str], int]:
    """The columns that stand before VALUES, and where the rows begin."""
    values = _NAMES.match(data, at)
    if values is None:
        raise DumpError(_("an INSERT has no VALUES."))
    names = (values["names"] or b"").decode("utf-8", "replace").split(",")
    return [name.strip(' `"\r\n\t').lower() for name in names if name.strip()], values.end()


def _rows(data: Dump, at: int, has_backslashes: bool) -> Iterator[tuple[list[bytes | None], int]]:
    while data[at : at + 1] == b"(":
        values, at = _values(data, at + 1, has_backslashes)
        yield values, at
        following = _NEXT_ROW.match(data, at)
        if following is None:
            return
        at = following.end()


def _values(data: Dump, at: int, has_backslashes: bool) -> tuple[list[bytes | None], int]:
    values: list[bytes | None] = []
    while True:
        at = _after_blank(data, at)
        bare = _BARE.match(data, at)
        if bare is not None and bare[0] in _INTRODUCERS:
            at = _after_blank(data, bare.end())
            bare = _BARE.match(data, at)
        if data[at : at + 1] == b"'":
            value, at = _quoted(data, at + 1, has_backslashes)
            values.append(value)
        elif bare is not None:
            values.append(None if bare[0].upper() == b"NULL" else bare[0])
            at = bare.end()
        else:
            raise DumpError(_("a row breaks off."))
        at = _after_blank(data, at)
        following, at = data[at : at + 1], at + 1
        if following == b")":
            return values, at
        if following != b",":
            raise DumpError(_("a row breaks off."))


def _after_blank(data: Dump, at: int) -> int:
    found = _BLANK.match(data, at)
    return at if found is None else found.end()


def _quoted(data: Dump, at: int, has_backslashes: bool) -> tuple[bytes, int]:
    plain = _PLAIN_MYSQL if has_backslashes else _PLAIN
    parts = []
    while (found := plain.match(data, at)) is not None and found.end() < len(data):
        parts.append(found[0])
        at = found.end()
        following = data[at + 1 : at + 2]
        if data[at : at + 1] == b"\\":
            parts.append(_ESCAPES.get(following, following))
        elif following == b"'":
            parts.append(b"'")
        else:
            return b"".join(parts), at + 1
        at += 2
    raise DumpError(_("a text breaks off."))
