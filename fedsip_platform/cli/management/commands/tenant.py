"""fedsip tenant add | list | set | attention | disable | enable | delete"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import fields, lookup, rows, speech
from fedsip_platform.directory import services
from fedsip_platform.tenants import attention
from fedsip_platform.tenants.models import Tenant

SETTABLE = (
    *("name", "max_domains", "max_subscribers", "max_rules", "max_calls"),
    *("max_calls_per_second", "require_mfa"),
)
COLUMNS = {
    "slug": gettext_lazy("tenant"),
    "name": gettext_lazy("name"),
    "enabled": gettext_lazy("enabled"),
    "domains": gettext_lazy("domains"),
}


class Command(BaseCommand):
    help = gettext_lazy("Tenants: who owns domains, and through them everything else.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        metavar = "add|list|set|attention|disable|enable|delete"
        verbs = parser.add_subparsers(required=True, metavar=metavar)
        adding = speech.verb(verbs, "add", add, help=_("make a tenant"))
        adding.add_argument("slug", help=_("short name: lower-case letters, digits, hyphens"))
        adding.add_argument("--name", help=_("as people call it (the short name)"))
        speech.verb(verbs, "list", list_all, help=_("show all tenants"))
        for name, run, what in (
            ("disable", disable, _("serve none of its domains until it is enabled")),
            ("enable", enable, _("serve its domains again")),
        ):
            speech.verb(verbs, name, run, help=what).add_argument("slug", help=_("its short name"))
        what = _("what of a tenant wants attention, in sentences")
        telling = speech.verb(verbs, "attention", tell_attention, help=what)
        telling.add_argument("slug", help=_("its short name"))
        setting = speech.verb(verbs, "set", set_fields, help=_("rename or limit a tenant"))
        setting.add_argument("slug", help=_("its short name"))
        setting.add_argument("field", nargs="+", help=speech.fields_help(SETTABLE))
        deleting = speech.verb(verbs, "delete", delete, help=_("delete a tenant with all it has"))
        deleting.add_argument("slug", help=_("its short name"))
        deleting.add_argument("--yes", action="store_true", help=_("do not ask"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def add(options: Mapping[str, Any]) -> None:
    """Make a tenant."""
    made = services.create_tenant(options["name"] or options["slug"], options["slug"])
    speech.done(_("tenant %(slug)s is made.") % {"slug": made.slug}, rows.of_tenant(made), options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show all tenants."""
    speech.show([rows.of_tenant(tenant) for tenant in Tenant.objects.all()], COLUMNS, options)


def set_fields(options: Mapping[str, Any]) -> None:
    """Rename or limit a tenant."""
    wanted = fields.values(Tenant, options["field"], SETTABLE, "field", "max_calls=100")
    tenant = services.update_tenant(lookup.tenant(options["slug"]), **wanted)
    values = fields.said(tenant, wanted)
    speech.done(
        _("tenant %(slug)s has %(values)s now.") % {"slug": tenant.slug, "values": values},
        _limits(tenant),
        options,
    )


def tell_attention(options: Mapping[str, Any]) -> None:
    """Tell what wants attention, the worst first."""
    found = attention.of(lookup.tenant(options["slug"]), now=timezone.now())
    shown = [dataclasses.asdict(each) | {"text": str(each.text)} for each in found]
    speech.show(shown, {"is_bad": _("bad"), "text": _("what")}, options)


def delete(options: Mapping[str, Any]) -> None:
    """Delete a tenant."""
    tenant = lookup.tenant(options["slug"])
    row = rows.of_tenant(tenant)
    speech.confirm(
        _("Delete %(tenant)s with its domains, users and rules?") % {"tenant": tenant}, options
    )
    services.delete_tenant(tenant)
    speech.done(_("tenant %(slug)s is deleted.") % {"slug": row["slug"]}, row, options)


def _limits(tenant: Tenant) -> dict[str, Any]:
    return rows.of_tenant(tenant) | {name: getattr(tenant, name) for name in SETTABLE}


def disable(options: Mapping[str, Any]) -> None:
    """Stop serving a tenant's domains."""
    tenant = services.update_tenant(lookup.tenant(options["slug"]), enabled=False)
    sentence = _("tenant %(slug)s is disabled: its domains are not served now.") % {
        "slug": tenant.slug
    }
    speech.done(sentence, rows.of_tenant(tenant), options)


def enable(options: Mapping[str, Any]) -> None:
    """Serve a tenant's domains again."""
    tenant = services.update_tenant(lookup.tenant(options["slug"]), enabled=True)
    speech.done(
        _("tenant %(slug)s is enabled.") % {"slug": tenant.slug}, rows.of_tenant(tenant), options
    )
