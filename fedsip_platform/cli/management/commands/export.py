"""fedsip export DOMAIN"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fedsip_platform.cli import lookup, speech
from fedsip_platform.directory.models import Translation
from fedsip_platform.moving.tables import RULE_COLUMNS, RULE_FIELDS

_OUTSIDE = {ours: theirs for theirs, ours in RULE_COLUMNS.items()}


class Command(BaseCommand):
    help = "Write a domain's rules as CSV or JSON, as `import` reads them."
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("domain")
        parser.add_argument("--json", action="store_true", help="JSON instead of CSV")
        parser.set_defaults(run=export)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def export(options: Mapping[str, Any]) -> None:
    """Write all rules to standard output."""
    domain = lookup.domain(options["domain"])
    rows = [_row(rule, domain.name) for rule in domain.translations.all()]
    if options["json"]:
        print(json.dumps(rows, indent=1))
        return
    names = ["from_domain", *(_OUTSIDE.get(name, name) for name in RULE_FIELDS)]
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _row(rule: Translation, domain: str) -> dict[str, Any]:
    row: dict[str, Any] = {"from_domain": domain}
    for name in RULE_FIELDS:
        value = getattr(rule, name)
        if hasattr(value, "isoformat"):
            value = value.isoformat()
        row[_OUTSIDE.get(name, name)] = int(value) if isinstance(value, bool) else value
    return row
