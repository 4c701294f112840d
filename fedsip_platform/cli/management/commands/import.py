"""fedsip import FILE --tenant SLUG | --new-tenant SLUG"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import lookup, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.directory import services
from fedsip_platform.moving import sources, tables
from fedsip_platform.moving.batch import Report
from fedsip_platform.tenants.models import Tenant


class Command(BaseCommand):
    help = gettext_lazy(
        "Bring in domains, users and rules of OpenSIPS, Kamailio or federated-sip; all or none."
    )
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="+", help=_("CSV, JSON, SQL dump or SQLite file; several are one import")
        )
        owner = parser.add_mutually_exclusive_group(required=True)
        owner.add_argument("--tenant", metavar="SLUG", help=_("short name of the new owner"))
        owner.add_argument(
            "--new-tenant", metavar="SLUG", help=_("make this tenant, to be the owner")
        )
        parser.add_argument(
            "--table",
            choices=sources.TABLES,
            help=_("what a CSV or JSON file is, if columns do not say"),
        )
        parser.add_argument("--dry-run", action="store_true", help=_("only say what would happen"))
        parser.add_argument(
            "--skip-bad", action="store_true", help=_("bring in all but the rows that cannot be")
        )
        parser.add_argument("--json", action="store_true", help=_("for programs"))
        parser.set_defaults(run=bring_in)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def bring_in(options: Mapping[str, Any]) -> None:
    """Bring in what the files have, and make their owner where that is wanted: all or none."""
    with transaction.atomic():
        if slug := options["new_tenant"]:
            tenant = services.create_tenant(slug, slug)
        else:
            tenant = lookup.tenant(options["tenant"])
        report = _made_of(options, tenant)
        if options["dry_run"]:
            transaction.set_rollback(True)
    made = ", ".join(f"{amount} of {table}" for table, amount in report.made.items()) or "nothing"
    known = f"; {report.known} were here already" if report.known else ""
    skipped = f"; {len(report.problems)} problems, see above" if report.problems else ""
    would = "would be imported" if options["dry_run"] else "imported"
    row = {"made": report.made, "known": report.known, "dry_run": options["dry_run"]}
    row["problems"] = [{"row": where, "reason": reason} for where, reason in report.problems]
    speech.done(f"{made} {would}{known}{skipped}.", row, options)


def _made_of(options: Mapping[str, Any], tenant: Tenant) -> Report:
    """What became of the files; raises Refused where nothing did."""
    try:
        files = [sources.read(Path(name), options["table"]) for name in options["file"]]
        report = tables.bring_in(
            files, tenant, is_rehearsal=options["dry_run"], skips_bad=options["skip_bad"]
        )
    except sources.SourceError as error:
        raise Refused(str(error)) from error
    for where, reason in report.problems:
        print(f"{where}: {reason}" if where else reason, file=sys.stderr)
    if report.problems and not (options["skip_bad"] and (report.made or report.known)):
        raise Refused(
            _("nothing was imported: %(amount)s problems.") % {"amount": len(report.problems)}
        )
    if not report.made and not report.known:
        raise Refused(
            _("there are no rows of %(list)s in these files.") % {"list": ", ".join(sources.TABLES)}
        )
    return report
