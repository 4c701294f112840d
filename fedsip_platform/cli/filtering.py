"""The lists of the API as commands: their filters as options of the same names, their CSV."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.encoders import JSONEncoder

from fedsip_platform import csv_export
from fedsip_platform.api import filters
from fedsip_platform.api.filters import Filter
from fedsip_platform.cli.speech import Refused

MOST_IN_METAVAR = 6


def add_options(parser: argparse.ArgumentParser, known: Mapping[str, Filter]) -> None:
    """`--since`, `--domain` and so on; those that the parser has already stay its own."""
    for name, each in known.items():
        option = f"--{name.replace('_', '-')}"
        if option not in parser._option_string_actions:
            text = each.description[0].lower() + each.description[1:].rstrip(".")
            words = list(each.choices)
            if len(words) > MOST_IN_METAVAR:
                text = f"{text}: {', '.join(words)}"
            parser.add_argument(
                option,
                dest=name,
                metavar=_metavar(each),
                choices=words or None,
                help=text.replace("%", "%%"),
            )


def _metavar(each: Filter) -> str:
    if each.choices:
        return "|".join(each.choices) if len(each.choices) <= MOST_IN_METAVAR else "WORD"
    kinds = {
        OpenApiTypes.BOOL: "true|false",
        OpenApiTypes.DATETIME: "TIME",
        OpenApiTypes.UUID: "ID",
    }
    return kinds.get(each.kind, "TEXT") if isinstance(each.kind, OpenApiTypes) else "VALUE"


def apply(
    known: Mapping[str, Filter], options: Mapping[str, Any], rows: QuerySet[Any]
) -> QuerySet[Any]:
    """The rows that pass the filters that were given; raises Refused."""
    asked = {name: options[name] for name in known if options.get(name) is not None}
    for name, text in asked.items():
        if "\0" in text:
            raise Refused(_("--%(name)s cannot hold the character NUL.") % {"name": name})
    try:
        return filters.apply(dict(known), asked, rows)
    except ValidationError as error:
        ((name, reason),) = error.detail.items()  # type: ignore[union-attr]
        raise Refused(f"--{name.replace('_', '-')}: {reason}") from error


def most(options: Mapping[str, Any]) -> int:
    """How many rows are wanted by -n, one at least."""
    return max(1, int(options["n"]))


def write(shape: BaseSerializer[Any], rows: QuerySet[Any], options: Mapping[str, Any]) -> None:
    """Any number of rows as CSV, or as JSON with one object a line, while they are read."""
    if options["json"]:
        for row in rows.iterator(chunk_size=csv_export.ROWS_AT_ONCE):
            print(json.dumps(shape.to_representation(row), cls=JSONEncoder))
        return
    print_csv(csv_export.lines(shape, rows))


def print_csv(lines: Iterable[str]) -> None:
    """The lines of a CSV while they are made."""
    for line in lines:
        print(line, end="")
