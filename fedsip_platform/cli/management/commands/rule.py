"""fedsip rule add | list | show | set | delete"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fedsip_platform.cli import fields, lookup, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Translation

COLUMNS = {
    "id": "id",
    "domain": "domain",
    "priority": "priority",
    "match_regex": "dialled",
    "tran_user": "user",
    "tran_domain": "host",
    "tran_trunk": "trunk",
    "enabled": "enabled",
    "note": "note",
}
FIELDS = fields.names(Translation)


class Command(BaseCommand):
    help = "Rules (translations): where the calls of a domain's users go."
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        field_help = f"field=value; fields: {', '.join(FIELDS)}"
        verbs = parser.add_subparsers(required=True, metavar="add|list|show|set|delete")
        adding = speech.verb(verbs, "add", add, help="make a rule")
        adding.add_argument("domain", help="whose users' calls are meant")
        adding.add_argument("field", nargs="+", help=field_help)
        listing = speech.verb(verbs, "list", list_all, help="show rules in the order of trying")
        listing.add_argument("--domain", help="only those of this domain")
        speech.verb(verbs, "show", show, help="show a whole rule").add_argument("id")
        setting = speech.verb(verbs, "set", change, help="change a rule")
        setting.add_argument("id")
        setting.add_argument("field", nargs="+", help=field_help)
        speech.verb(verbs, "delete", delete, help="delete a rule").add_argument("id")

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def add(options: Mapping[str, Any]) -> None:
    """Make a rule."""
    rule = services.create_translation(lookup.domain(options["domain"]), **_fields(options))
    speech.done(f"rule {rule.public_id} is made.", rows.of_rule(rule), options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show all rules, or those of a domain."""
    rules = Translation.objects.select_related("domain")
    if options["domain"]:
        rules = rules.filter(domain=lookup.domain(options["domain"]))
    speech.show([rows.of_rule(rule) for rule in rules], COLUMNS, options)


def show(options: Mapping[str, Any]) -> None:
    """Show a whole rule."""
    speech.show_one(rows.of_rule(_rule(options)), options)


def change(options: Mapping[str, Any]) -> None:
    """Change a rule."""
    rule = services.update_translation(_rule(options), **_fields(options))
    speech.done(f"rule {rule.public_id} is changed.", rows.of_rule(rule), options)


def delete(options: Mapping[str, Any]) -> None:
    """Delete a rule."""
    rule = _rule(options)
    row = rows.of_rule(rule)
    services.delete_translation(rule)
    speech.done(f"rule {row['id']} is deleted.", row, options)


def _fields(options: Mapping[str, Any]) -> dict[str, Any]:
    return fields.values(Translation, options["field"], FIELDS, "field", "match_regex=^1000$")


def _rule(options: Mapping[str, Any]) -> Translation:
    try:
        wanted = uuid.UUID(options["id"])
    except ValueError as error:
        raise Refused(f"{options['id']} is no id; ./fedsip rule list has them.") from error
    found = Translation.objects.select_related("domain").filter(public_id=wanted).first()
    if found is None:
        raise Refused(f"there is no rule {wanted}.")
    return found
