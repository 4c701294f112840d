"""fedsip audit"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fedsip_platform.audit.models import Entry, Via
from fedsip_platform.cli import lookup, speech

COLUMNS = {"at": "at", "actor": "who", "via": "by", "action": "did", "kind": "to", "key": "which"}
NUMBER = 50


class Command(BaseCommand):
    help = "Who changed what, the latest first."
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="only of this tenant")
        parser.add_argument("--who", metavar="E-MAIL", help="only by this person")
        parser.add_argument("--kind", help="only things of this kind: domain, user, token, ...")
        parser.add_argument("--key", help="only the thing of this name")
        parser.add_argument("--action", help="only what was done so: create, change, delete, ...")
        parser.add_argument("--via", choices=Via.values, help="only by this way")
        parser.add_argument("-n", type=int, default=NUMBER, metavar="N", help=f"so many ({NUMBER})")
        parser.add_argument("--json", action="store_true", help="for programs, with all values")
        parser.set_defaults(run=list_all)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show who changed what."""
    found = Entry.objects.select_related("tenant").order_by("-id")
    if options["tenant"]:
        found = found.filter(tenant=lookup.tenant(options["tenant"]))
    if options["who"]:
        found = found.filter(actor=options["who"].strip().lower())
    for name in ("kind", "key", "action", "via"):
        if options[name]:
            found = found.filter(**{name: options[name]})
    speech.show([_row(each) for each in found[: max(1, options["n"])]], COLUMNS, options)


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
