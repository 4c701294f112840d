"""fedsip group add | list | set | delete"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import fields, lookup, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.routing import services
from fedsip_platform.routing.models import RingGroup

COLUMNS = {
    "group": gettext_lazy("group"),
    "strategy": gettext_lazy("rings"),
    "members": gettext_lazy("members"),
    "ring_seconds": gettext_lazy("for (s)"),
    "fallback": gettext_lazy("then"),
    "enabled": gettext_lazy("enabled"),
}
FIELDS = fields.names(RingGroup, but=("name",))


class Command(BaseCommand):
    help = gettext_lazy("Ring groups: names that ring several users.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        field_help = speech.fields_help(FIELDS)
        verbs = parser.add_subparsers(required=True, metavar="add|list|set|delete")
        adding = speech.verb(verbs, "add", add, help=_("make a ring group"))
        setting = speech.verb(verbs, "set", change, help=_("change a ring group"))
        deleting = speech.verb(verbs, "delete", delete, help=_("delete a ring group"))
        for parser_of_one in (adding, setting, deleting):
            parser_of_one.add_argument(
                "group", metavar="GROUP", help=_("such as sales@example.com")
            )
        for parser_of_one in (adding, setting):
            parser_of_one.add_argument("field", nargs="+", help=field_help)
        listing = speech.verb(verbs, "list", list_all, help=_("show ring groups"))
        listing.add_argument("--domain", help=_("only those of this domain"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def add(options: Mapping[str, Any]) -> None:
    """Make a ring group."""
    name, domain = lookup.address(options["group"])
    group = services.create_ring_group(domain, name, **_fields(options))
    speech.done(
        _("%(group)s rings %(amount)s users.") % {"group": group, "amount": len(group.members)},
        rows.of_group(group),
        options,
    )


def list_all(options: Mapping[str, Any]) -> None:
    """Show all ring groups, or those of a domain."""
    groups = RingGroup.objects.select_related("domain")
    if options["domain"]:
        groups = groups.filter(domain=lookup.domain(options["domain"]))
    speech.show([rows.of_group(group) for group in groups], COLUMNS, options)


def change(options: Mapping[str, Any]) -> None:
    """Change a ring group."""
    group = services.update_ring_group(_group(options), **_fields(options))
    speech.done(_("%(group)s is changed.") % {"group": group}, rows.of_group(group), options)


def delete(options: Mapping[str, Any]) -> None:
    """Delete a ring group."""
    group = _group(options)
    row = rows.of_group(group)
    services.delete_ring_group(group)
    speech.done(_("%(group)s is deleted.") % {"group": row["group"]}, row, options)


def _fields(options: Mapping[str, Any]) -> dict[str, Any]:
    return fields.values(RingGroup, options["field"], FIELDS, "field", "members=alice,bob")


def _group(options: Mapping[str, Any]) -> RingGroup:
    name, domain = lookup.address(options["group"])
    found = domain.ring_groups.filter(name=name).first()
    if found is None:
        raise Refused(
            _("there is no ring group %(name)s in %(domain)s.") % {"name": name, "domain": domain}
        )
    return found
