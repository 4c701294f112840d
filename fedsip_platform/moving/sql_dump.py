"""Rows of an SQL dump (mysqldump, mariadb-dump, pg_dump --inserts, sqlite3 .dump): its INSERTs.

Columns are those that an INSERT names, else those of the table's CREATE TABLE before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_STATEMENT = re.compile(
    r"(?P<what>CREATE TABLE(?: IF NOT EXISTS)?|INSERT INTO)\s+(?:\w+\.)?[`\"]?(?P<table>\w+)[`\"]?",
    re.IGNORECASE,
)
_COLUMN = re.compile(r"\s*[`\"]?(?P<name>\w+)[`\"]?\s+\w")
_NO_COLUMN = frozenset(
    ("PRIMARY", "UNIQUE", "KEY", "CONSTRAINT", "FOREIGN", "CHECK", "INDEX", "FULLTEXT")
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "Z": "\x1a", "b": "\b"}
_NUMBER = re.compile(r"[^,()\s]+")


class DumpError(Exception):
    """The dump ends or breaks off in a statement."""


def read(text: str, wanted: Iterable[str]) -> dict[str, list[dict[str, str | None]]]:
    """The rows of the wanted tables."""
    tables = set(wanted)
    columns: dict[str, list[str]] = {}
    found: dict[str, list[dict[str, str | None]]] = {}
    has_backslashes = "ENGINE=" in text or "MySQL dump" in text or "MariaDB dump" in text
    at = 0
    while match := _STATEMENT.search(text, at):
        at = match.end()
        table = match["table"].lower()
        if table not in tables:
            continue
        if match["what"].upper().startswith("CREATE"):
            columns[table] = _columns_of(text, at)
            continue
        names, at = _named(text, at)
        names = names or columns.get(table, [])
        for values, after in _rows(text, at, has_backslashes):
            at = after
            if len(values) != len(names):
                raise DumpError(f"a row of {table} has {len(values)} values, not {len(names)}.")
            found.setdefault(table, []).append(dict(zip(names, values, strict=True)))
    return found


def _columns_of(text: str, at: int) -> list[str]:
    """The columns of a CREATE TABLE, its keys and constraints left out."""
    opening = text.find("(", at)
    parts, depth, began, end = [], 1, opening + 1, opening + 1
    while depth and end < len(text):
        letter = text[end]
        depth += (letter == "(") - (letter == ")")
        if (letter == "," and depth == 1) or depth == 0:
            parts.append(text[began:end])
            began = end + 1
        end += 1
    names = [match["name"] for part in parts if (match := _COLUMN.match(part))]
    return [name.lower() for name in names if name.upper() not in _NO_COLUMN]


def _named(text: str, at: int) -> tuple[list[str], int]:
    """The columns that stand before VALUES, and where the rows begin."""
    values = re.compile(r"\s*(\((?P<names>[^)]*)\))?\s*VALUES\s*", re.IGNORECASE).match(text, at)
    if values is None:
        raise DumpError("an INSERT has no VALUES.")
    names = (values["names"] or "").split(",")
    return [name.strip(' `"').lower() for name in names if name.strip()], values.end()


def _rows(text: str, at: int, has_backslashes: bool) -> Iterator[tuple[list[str | None], int]]:
    while text[at : at + 1] == "(":
        values, at = _values(text, at + 1, has_backslashes)
        yield values, at
        following = re.compile(r"\s*,\s*(?=\()").match(text, at)
        if following is None:
            return
        at = following.end()


def _values(text: str, at: int, has_backslashes: bool) -> tuple[list[str | None], int]:
    values: list[str | None] = []
    while True:
        while text[at : at + 1].isspace():
            at += 1
        if text[at : at + 1] == "'":
            value, at = _quoted(text, at + 1, has_backslashes)
            values.append(value)
        else:
            bare = _NUMBER.match(text, at)
            if bare is None:
                raise DumpError("a row breaks off.")
            values.append(None if bare[0].upper() == "NULL" else bare[0])
            at = bare.end()
        while text[at : at + 1].isspace():
            at += 1
        following, at = text[at : at + 1], at + 1
        if following == ")":
            return values, at
        if following != ",":
            raise DumpError("a row breaks off.")


def _quoted(text: str, at: int, has_backslashes: bool) -> tuple[str, int]:
    parts = []
    while at < len(text):
        letter = text[at]
        if letter == "\\" and has_backslashes:
            following = text[at + 1 : at + 2]
            parts.append(_ESCAPES.get(following, following))
            at += 2
        elif letter == "'":
            if text[at + 1 : at + 2] != "'":
                return "".join(parts), at + 1
            parts.append("'")
            at += 2
        else:
            parts.append(letter)
            at += 1
    raise DumpError("a text breaks off.")
