"""fedsip alias add | set | load | list | delete"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import fields, lookup, many, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.routing import services
from fedsip_platform.routing.models import Alias

LOADED = ("alias", "target", "note")
SETTABLE = ("target", "enabled", "note")
COLUMNS = {
    "alias": gettext_lazy("alias"),
    "target": gettext_lazy("leads to"),
    "enabled": gettext_lazy("enabled"),
    "note": gettext_lazy("note"),
}


class Command(BaseCommand):
    help = gettext_lazy("Further names and numbers of users and ring groups.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="add|set|load|list|delete")
        adding = speech.verb(verbs, "add", add, help=_("make an alias"))
        adding.add_argument("alias", metavar="ALIAS", help=_("such as 1000@example.com"))
        adding.add_argument(
            "target", metavar="TARGET", help=_("a user or ring group, such as alice")
        )
        adding.add_argument("--note", default="")
        listing = speech.verb(verbs, "list", list_all, help=_("show aliases"))
        listing.add_argument("--domain", help=_("only those of this domain"))
        setting = speech.verb(verbs, "set", set_fields, help=_("change an alias"))
        setting.add_argument("alias", metavar="ALIAS", help=_("such as 1000@example.com"))
        setting.add_argument("field", nargs="+", help=speech.fields_help(SETTABLE))
        deleting = speech.verb(verbs, "delete", delete, help=_("delete an alias"))
        deleting.add_argument("alias", metavar="ALIAS", help=_("such as 1000@example.com"))

        loading = speech.verb(verbs, "load", load, help=_("make many from CSV, all or none"))
        loading.add_argument("file", metavar="FILE", help=speech.columns_help(LOADED))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def add(options: Mapping[str, Any]) -> None:
    """Make an alias."""
    name, domain = lookup.address(options["alias"])
    made = services.create_alias(domain, name, options["target"], note=options["note"])
    speech.done(
        _("%(made)s leads to %(target)s now.") % {"made": made, "target": made.target},
        rows.of_alias(made),
        options,
    )


def set_fields(options: Mapping[str, Any]) -> None:
    """Change fields of an alias."""
    wanted = fields.values(Alias, options["field"], SETTABLE, "field", "enabled=off")
    alias = services.update_alias(_find(options["alias"]), **wanted)
    values = fields.said(alias, wanted)
    speech.done(
        _("%(alias)s has %(values)s now.") % {"alias": alias, "values": values},
        rows.of_alias(alias),
        options,
    )


def load(options: Mapping[str, Any]) -> None:
    """Make or change the aliases of a file."""
    made = many.from_csv(options["file"], LOADED, _bring)
    speech.show([rows.of_alias(alias) for alias in made], COLUMNS, options)


def _bring(row: Mapping[str, str]) -> Alias:
    name, domain = lookup.address(row["alias"])
    present = domain.aliases.filter(name=name).first()
    said = {"target": row["target"], "note": row["note"]}
    if present is not None:
        return services.update_alias(present, **said)
    return services.create_alias(domain, name, **said)


def list_all(options: Mapping[str, Any]) -> None:
    """Show all aliases, or those of a domain."""
    aliases = Alias.objects.select_related("domain")
    if options["domain"]:
        aliases = aliases.filter(domain=lookup.domain(options["domain"]))
    speech.show([rows.of_alias(alias) for alias in aliases], COLUMNS, options)


def delete(options: Mapping[str, Any]) -> None:
    """Delete an alias."""
    alias = _find(options["alias"])
    row = rows.of_alias(alias)
    services.delete_alias(alias)
    speech.done(_("%(alias)s leads nowhere now.") % {"alias": row["alias"]}, row, options)


def _find(text: str) -> Alias:
    name, domain = lookup.address(text)
    alias = domain.aliases.filter(name=name).first()
    if alias is None:
        raise Refused(
            _("there is no alias %(name)s in %(domain)s.") % {"name": name, "domain": domain}
        )
    return alias
