"""fedsip origin add | list | delete"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import lookup, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.gateway import services
from fedsip_platform.gateway.models import AllowedOrigin

COLUMNS = {
    "origin": gettext_lazy("site"),
    "tenant": gettext_lazy("tenant"),
    "created_at": gettext_lazy("since"),
}


class Command(BaseCommand):
    help = gettext_lazy("Web sites whose pages may telephone through the platform.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="add|list|delete")
        adding = speech.verb(verbs, "add", add, help=_("let the pages of a site connect"))
        listing = speech.verb(verbs, "list", list_all, help=_("show all sites"))
        deleting = speech.verb(verbs, "delete", delete, help=_("let them connect no more"))
        for parsed in (adding, deleting):
            parsed.add_argument("origin", help=_("such as https://www.example.com"))
            parsed.add_argument("--tenant", required=True, help=_("whose site it is"))
        listing.add_argument("--tenant", help=_("only those of this tenant"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def add(options: Mapping[str, Any]) -> None:
    """Let the pages of a site connect."""
    made = services.allow_origin(lookup.tenant(options["tenant"]), options["origin"])
    speech.done(
        _("pages of %(origin)s may telephone now.") % {"origin": made.origin}, _row(made), options
    )


def list_all(options: Mapping[str, Any]) -> None:
    """Show all sites, or those of a tenant."""
    origins = AllowedOrigin.objects.select_related("tenant")
    if options["tenant"]:
        origins = origins.filter(tenant=lookup.tenant(options["tenant"]))
    speech.show([_row(one) for one in origins], COLUMNS, options)


def delete(options: Mapping[str, Any]) -> None:
    """Let the pages of a site connect no more."""
    tenant = lookup.tenant(options["tenant"])
    found = tenant.origins.filter(origin=options["origin"].lower().rstrip("/")).first()
    if found is None:
        raise Refused(
            _("%(origin)s is no site of %(tenant)s; ./fedsip origin list")
            % {"origin": options["origin"], "tenant": tenant}
        )
    row = _row(found)
    services.forget_origin(found)
    speech.done(
        _("pages of %(origin)s may telephone no more.") % {"origin": found.origin}, row, options
    )


def _row(allowed: AllowedOrigin) -> dict[str, Any]:
    return {
        "origin": allowed.origin,
        "tenant": allowed.tenant.slug,
        "created_at": allowed.created_at,
    }
