"""Many things from one CSV file, all or none; the row that stands in the way is named."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from fedsip_platform.changes import ServiceError
from fedsip_platform.cli.speech import Refused

Made = TypeVar("Made")


def from_csv(
    file: str, columns: Sequence[str], bring: Callable[[Mapping[str, str]], Made]
) -> list[Made]:
    """What `bring` makes of each row. The first line names the columns, the first two at least;
    raises Refused where the file is no such table or a row is refused."""
    with opened(file) as lines:
        reader = csv.DictReader(lines, strict=True)
        header = [name.strip().lower() for name in reader.fieldnames or ()]
        if not set(columns[:2]) <= set(header) <= set(columns):
            raise Refused(
                _("the first line of %(file)s must name %(list)s.")
                % {"file": file, "list": ", ".join(columns)}
            )
        reader.fieldnames = header
        rows = [{name: (row.get(name) or "").strip() for name in columns} for row in reader]
    with transaction.atomic():
        return [_made(number, row, bring) for number, row in enumerate(rows, start=1)]


@contextmanager
def opened(file: str) -> Iterator[TextIO]:
    """The lines of a CSV file, which is read within; raises Refused where it cannot be."""
    try:
        with Path(file).open(encoding="utf-8-sig", newline="") as lines:
            yield lines
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refused(
            _("%(file)s cannot be read: %(error)s") % {"file": file, "error": error}
        ) from error


def _made(number: int, row: Mapping[str, str], bring: Callable[[Mapping[str, str]], Made]) -> Made:
    try:
        return bring(row)
    except (Refused, ServiceError) as error:
        raise Refused(
            _("row %(number)s: %(error)s Nothing was changed.") % {"number": number, "error": error}
        ) from error
