"""fedsip domain add | list | show | set | vouch | delete"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.api.domains import DomainViewSet
from fedsip_platform.cli import fields, filtering, lookup, rows, speech
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain

COLUMNS = {
    "name": gettext_lazy("domain"),
    "tenant": gettext_lazy("tenant"),
    "enabled": gettext_lazy("enabled"),
    "users": gettext_lazy("users"),
    "media_policy": gettext_lazy("media"),
    "federation": gettext_lazy("federation"),
}


class Command(BaseCommand):
    help = gettext_lazy("Domains that the platform serves, and their policies.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        policy_help = speech.fields_help(rows.policies())
        verbs = parser.add_subparsers(required=True, metavar="add|list|show|set|vouch|delete")
        adding = speech.verb(verbs, "add", add, help=_("serve a domain"))
        adding.add_argument("name", help=_("such as example.com"))
        adding.add_argument("--tenant", required=True, help=_("short name of its owner"))
        adding.add_argument(
            "--policy", action="append", default=[], metavar="POLICY=VALUE", help=_("as in `set`")
        )
        listing = speech.verb(verbs, "list", list_all, help=_("show all domains"))
        listing.add_argument("--tenant", help=_("only those of this tenant"))
        filtering.add_options(listing, DomainViewSet.filters)
        speech.verb(verbs, "show", show, help=_("show a domain's policies")).add_argument("name")
        setting = speech.verb(verbs, "set", set_policy, help=_("change a domain's policies"))
        setting.add_argument("name")
        setting.add_argument("policy", nargs="+", help=policy_help)
        what = _("serve a domain without its tenant's proof by DNS")
        speech.verb(verbs, "vouch", vouch, help=what).add_argument("name")
        deleting = speech.verb(verbs, "delete", delete, help=_("delete a domain and its users"))
        deleting.add_argument("name")
        deleting.add_argument("--yes", action="store_true", help=_("do not ask"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def add(options: Mapping[str, Any]) -> None:
    """Serve a domain."""
    tenant = lookup.tenant(options["tenant"])
    made = services.create_domain(tenant, options["name"], **_policies(options["policy"]))
    sentence = _("domain %(name)s is made; ./fedsip user add NAME@%(name)s adds its users.") % {
        "name": made.name
    }
    speech.done(sentence, rows.of_domain(made), options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show all domains, or those of a tenant."""
    domains = Domain.objects.select_related("tenant")
    if options["tenant"]:
        lookup.tenant(options["tenant"])
    domains = filtering.apply(DomainViewSet.filters, options, domains)
    speech.show([rows.of_domain(domain) for domain in domains], COLUMNS, options)


def show(options: Mapping[str, Any]) -> None:
    """Show all policies of a domain."""
    speech.show_one(rows.of_domain(lookup.domain(options["name"])), options)


def set_policy(options: Mapping[str, Any]) -> None:
    """Change policies of a domain."""
    wanted = _policies(options["policy"])
    changed = services.update_domain(lookup.domain(options["name"]), **wanted)
    values = fields.said(changed, wanted)
    speech.done(
        _("domain %(name)s has %(values)s now.") % {"name": changed.name, "values": values},
        rows.of_domain(changed),
        options,
    )


def vouch(options: Mapping[str, Any]) -> None:
    """Serve a domain whose owner has not proved it."""
    domain = services.update_domain(lookup.domain(options["name"]), vouched=True)
    speech.done(
        _("domain %(name)s is served now.") % {"name": domain.name}, rows.of_domain(domain), options
    )


def delete(options: Mapping[str, Any]) -> None:
    """Delete a domain with its users and rules."""
    domain = lookup.domain(options["name"])
    row = rows.of_domain(domain)
    speech.confirm(
        _("Delete %(name)s with its %(users)s users and their rules?")
        % {"name": domain.name, "users": row["users"]},
        options,
    )
    services.delete_domain(domain)
    speech.done(_("domain %(name)s is deleted.") % {"name": domain.name}, row, options)


def _policies(words: Sequence[str]) -> dict[str, Any]:
    return fields.values(Domain, words, rows.policies(), "policy", "require_tls=on")
