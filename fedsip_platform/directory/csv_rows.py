"""Users' rows from CSV, as spreadsheets write it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from fedsip_platform.changes import ServiceError

from .bulk import COLUMNS

LONGEST_LINE = 16 * 1024
_SWITCHES = {"true": True, "yes": True, "on": True, "1": True}
_SWITCHES |= {"false": False, "no": False, "off": False, "0": False}
_NUMBERS = ("max_contacts", "max_calls")


def read(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Rows for bulk.provision; raises ServiceError where the text is no such CSV.

    The first line names the columns: address, and any of password, display_name, enabled,
    max_contacts, max_calls, note, media_policy, srtp, codecs. An empty cell says nothing about its
    field.
    """
    source = csv.reader(_bounded(lines), strict=True)
    try:
        header = [name.strip().lower() for name in next(source, [])]
        _check(header)
        for number, cells in enumerate(source, start=1):
            if not any(cells):
                continue
            if len(cells) > len(header):
                raise ServiceError(
                    "", _("row %(number)s has more cells than the first line.") % {"number": number}
                )
            named = zip(header, cells, strict=False)  # the last cells may be missing
            yield {name: _value(name, cell) for name, cell in named if cell != ""}
    except csv.Error as error:
        raise ServiceError(
            "",
            _("line %(line_num)s is no CSV: %(error)s.")
            % {"line_num": source.line_num, "error": error},
        ) from error


def _check(header: list[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        known = ", ".join(COLUMNS)
        raise ServiceError(
            "",
            _("There is no column %(value)s; there are %(known)s.")
            % {"value": repr(unknown[0][:50]), "known": known},
        )
    if "address" not in header or len(set(header)) != len(header):
        raise ServiceError("", _("The first line must name the column address, and each one once."))


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST_LINE:
            raise ServiceError(
                "",
                _("line %(number)s has more than %(longest_line)s characters.")
                % {"number": number, "longest_line": LONGEST_LINE},
            )
        if "\0" in line:
            raise ServiceError(
                "", _("line %(number)s holds the character NUL.") % {"number": number}
            )
        yield line.removeprefix("\ufeff") if number == 1 else line


def _value(name: str, cell: str) -> Any:
    """What the cell means; what it cannot mean is left for the row's own check to refuse."""
    text = cell if name == "password" else cell.strip()
    if name == "enabled":
        return _SWITCHES.get(text.lower(), text)
    if name in _NUMBERS and text.isascii() and text.isdigit():
        return int(text[:12])
    return text.removeprefix("'") if name in ("display_name", "note") else text
