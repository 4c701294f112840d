"""fedsip export DOMAIN"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.audit import log
from fedsip_platform.cli import lookup, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.moving import going_out, sources


class Command(BaseCommand):
    help = gettext_lazy(
        "Write a domain's rules, users or itself as CSV or JSON, as `import` reads them."
    )
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("domain")
        parser.add_argument(
            "--table", choices=sources.TABLES, default="translations", help=_("what to write")
        )
        parser.add_argument(
            "--with-ha1",
            action="store_true",
            help=_(
                "users with the hashes of their passwords: whoever has these can sign in as them"
            ),
        )
        parser.add_argument("--json", action="store_true", help=_("JSON instead of CSV"))
        parser.set_defaults(run=export)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def export(options: Mapping[str, Any]) -> None:
    """Write all rows to standard output."""
    domain, table = lookup.domain(options["domain"]), options["table"]
    if options["with_ha1"]:
        if table != "subscriber":
            raise Refused(_("only users have an HA1; say --table subscriber."))
        log.record("export hashes", domain)
    rows = going_out.rows(table, domain, with_hashes=options["with_ha1"])
    if options["json"]:
        _write_json(rows)
        return
    names = going_out.names(table, with_hashes=options["with_ha1"])
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _write_json(rows: Iterable[Mapping[str, Any]]) -> None:
    before = "["
    for row in rows:
        print(f"{before}\n {json.dumps(row)}", end="")
        before = ","
    print("[]" if before == "[" else "\n]")
