"""fedsip audit [list] | export"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.api.audit import AuditSerializer, AuditViewSet
from fedsip_platform.audit.models import Entry
from fedsip_platform.cli import filtering, lookup, speech

COLUMNS = {
    "at": gettext_lazy("at"),
    "actor": gettext_lazy("who"),
    "via": gettext_lazy("by"),
    "action": gettext_lazy("did"),
    "kind": gettext_lazy("to"),
    "key": gettext_lazy("which"),
}
NUMBER = 50


class Command(BaseCommand):
    help = gettext_lazy("Who changed what, the latest first.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        _takes_filters(parser)
        _takes_number(parser)
        parser.add_argument("--json", action="store_true", help=_("for programs, with all values"))
        parser.set_defaults(run=list_all)
        verbs = parser.add_subparsers(metavar="list|export")
        listing = speech.verb(verbs, "list", list_all, help=_("show who changed what"))
        _takes_filters(listing)
        _takes_number(listing)
        exporting = speech.verb(
            verbs, "export", export, help=_("all that the filters choose, as CSV")
        )
        _takes_filters(exporting)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def _takes_filters(parser: Any) -> None:
    parser.add_argument("--who", metavar="E-MAIL", dest="actor", help=_("only by this person"))
    filtering.add_options(parser, AuditViewSet.filters)


def _takes_number(parser: Any) -> None:
    parser.add_argument(
        "-n",
        type=int,
        default=NUMBER,
        metavar="N",
        help=_("so many (%(amount)s)") % {"amount": NUMBER},
    )


def list_all(options: Mapping[str, Any]) -> None:
    """Show who changed what."""
    found = _chosen(options, Entry.objects.select_related("tenant"))
    speech.show([_row(each) for each in found[: filtering.most(options)]], COLUMNS, options)


def export(options: Mapping[str, Any]) -> None:
    """Write who changed what as CSV, or a JSON object a line."""
    filtering.write(AuditSerializer(), _chosen(options, AuditViewSet.rows.all()), options)


def _chosen(options: Mapping[str, Any], entries: QuerySet[Entry]) -> QuerySet[Entry]:
    if options["tenant"]:
        lookup.tenant(options["tenant"])
    return filtering.apply(AuditViewSet.filters, options, entries).order_by("-id")


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.public_id,
        "at": entry.at,
        "tenant": None if entry.tenant is None else entry.tenant.slug,
        "actor": entry.actor,
        "as_operator": entry.as_operator,
        "via": entry.via,
        "token": entry.token,
        "address": entry.address,
        "request_id": entry.request_id,
        "action": entry.action,
        "kind": entry.kind,
        "key": entry.key,
        "changes": entry.changes,
    }
