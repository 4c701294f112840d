"""fedsip trunk add | list | set | delete | gateway | drop-gateway"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import fields, lookup, passwords, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.routing import services
from fedsip_platform.routing.models import Gateway, Trunk

COLUMNS = {
    "trunk": gettext_lazy("trunk"),
    "domain": gettext_lazy("domain"),
    "inbound_addresses": gettext_lazy("calls from"),
    "gateways": gettext_lazy("gateways"),
    "enabled": gettext_lazy("enabled"),
}
FIELDS = fields.names(Trunk, but=("name",))
GATEWAY_FIELDS = fields.names(Gateway, but=("host",))


class Command(BaseCommand):
    help = gettext_lazy("Trunks: carriers, their gateways and whether they live.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        field_help = speech.fields_help(FIELDS)
        gateway_help = speech.fields_help(GATEWAY_FIELDS)
        metavar = "add|list|set|delete|gateway|drop-gateway"
        verbs = parser.add_subparsers(required=True, metavar=metavar)
        adding = speech.verb(verbs, "add", add, help=_("make a trunk"))
        setting = speech.verb(verbs, "set", change, help=_("change a trunk"))
        deleting = speech.verb(verbs, "delete", delete, help=_("delete a trunk"))
        giving = speech.verb(
            verbs, "gateway", gateway, help=_("give a trunk a host, or change one")
        )
        dropping = speech.verb(verbs, "drop-gateway", drop_gateway, help=_("take a host away"))
        for one in (adding, setting, deleting, giving, dropping):
            one.add_argument("trunk", metavar="TRUNK@DOMAIN", help=_("such as carrier@example.com"))
        adding.add_argument("field", nargs="*", help=field_help)
        setting.add_argument("field", nargs="*", help=field_help)
        for one in (adding, setting):
            passwords.add_option(one, _("the account's password"))
        giving.add_argument("host", help=_("a domain or an address"))
        giving.add_argument("field", nargs="*", help=gateway_help)
        dropping.add_argument("host")
        listing = speech.verb(verbs, "list", list_all, help=_("show trunks"))
        listing.add_argument("--domain", help=_("only those of this domain"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def add(options: Mapping[str, Any]) -> None:
    """Make a trunk."""
    name, domain = lookup.address(options["trunk"])
    given = _fields(options)
    password = passwords.of_others(options, asked=bool(given.get("account"))) or ""
    trunk = services.create_trunk(domain, name, password=password, **given)
    sentence = _("trunk %(trunk)s is made; ./fedsip trunk gateway gives it hosts.") % {
        "trunk": trunk
    }
    speech.done(sentence, rows.of_trunk(trunk), options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show all trunks, or those of a domain."""
    trunks = Trunk.objects.select_related("domain").prefetch_related(
        "gateways__health", "gateways__registrations"
    )
    if options["domain"]:
        trunks = trunks.filter(domain=lookup.domain(options["domain"]))
    speech.show([rows.of_trunk(trunk) for trunk in trunks], COLUMNS, options)


def change(options: Mapping[str, Any]) -> None:
    """Change a trunk."""
    trunk, given = _trunk(options), _fields(options)
    asked = bool(given.get("account")) and not trunk.has_password
    password = passwords.of_others(options, asked=asked)
    trunk = services.update_trunk(trunk, password=password, **given)
    speech.done(_("trunk %(trunk)s is changed.") % {"trunk": trunk}, rows.of_trunk(trunk), options)


def delete(options: Mapping[str, Any]) -> None:
    """Delete a trunk."""
    trunk = _trunk(options)
    row = rows.of_trunk(trunk)
    services.delete_trunk(trunk)
    speech.done(_("trunk %(trunk)s is deleted.") % {"trunk": trunk}, row, options)


def gateway(options: Mapping[str, Any]) -> None:
    """Give a trunk a host, or change one."""
    trunk = _trunk(options)
    words = options["field"]
    given = fields.values(Gateway, words, GATEWAY_FIELDS, "field", "transport=tcp")
    known = trunk.gateways.filter(host=options["host"].lower()).first()
    if known is None:
        services.create_gateway(trunk, options["host"], **given)
    else:
        services.update_gateway(known, **given)
    row = rows.of_trunk(trunk)
    speech.done(
        _("trunk %(trunk)s has %(list)s.") % {"trunk": trunk, "list": ", ".join(row["gateways"])},
        row,
        options,
    )


def drop_gateway(options: Mapping[str, Any]) -> None:
    """Take a host away."""
    trunk = _trunk(options)
    known = trunk.gateways.filter(host=options["host"].lower()).first()
    if known is None:
        raise Refused(
            _("trunk %(trunk)s has no gateway %(host)s.")
            % {"trunk": trunk, "host": options["host"]}
        )
    services.delete_gateway(known)
    speech.done(
        _("trunk %(trunk)s has %(host)s no more.") % {"trunk": trunk, "host": options["host"]},
        rows.of_trunk(trunk),
        options,
    )


def _fields(options: Mapping[str, Any]) -> dict[str, Any]:
    example = "inbound_addresses=192.0.2.1"
    return fields.values(Trunk, options["field"], FIELDS, "field", example)


def _trunk(options: Mapping[str, Any]) -> Trunk:
    name, domain = lookup.address(options["trunk"])
    found = domain.trunks.filter(name=name).first()
    if found is None:
        raise Refused(
            _("there is no trunk %(name)s in %(domain)s.") % {"name": name, "domain": domain}
        )
    found.domain = domain
    return found
