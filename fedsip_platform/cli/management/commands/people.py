"""fedsip people list | role | remove"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fedsip_platform.cli import lookup, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.people import services
from fedsip_platform.tenants.models import Membership, Role

COLUMNS = {"email": "person", "tenant": "tenant", "role": "role", "last_sign_in_at": "last here"}


class Command(BaseCommand):
    help = "People who look after tenants. `admin add` makes them, `invitation add` asks them."
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="list|role|remove")
        listing = speech.verb(verbs, "list", list_all, help="show who has which role")
        listing.add_argument("--tenant", metavar="SLUG", help="only of this tenant")
        changing = speech.verb(verbs, "role", set_role, help="give somebody a role")
        removing = speech.verb(verbs, "remove", remove, help="take somebody out of a tenant")
        for parsed in (changing, removing):
            parsed.add_argument("email", metavar="E-MAIL", help="as she signs in")
            parsed.add_argument("--tenant", metavar="SLUG", required=True, help="which tenant")
        changing.add_argument("role", choices=Role.values, help="what she may do there")

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show everybody's roles."""
    found = Membership.objects.select_related("person", "tenant")
    if options["tenant"]:
        found = found.filter(tenant=lookup.tenant(options["tenant"]))
    speech.show([_row(each) for each in found], COLUMNS, options)


def set_role(options: Mapping[str, Any]) -> None:
    """Give somebody a role in a tenant."""
    tenant = lookup.tenant(options["tenant"])
    made = services.join(tenant, lookup.person(options["email"]), options["role"])
    speech.done(f"{made.person} is {made.role} of {tenant} now.", _row(made), options)


def remove(options: Mapping[str, Any]) -> None:
    """Take somebody out of a tenant."""
    tenant, person = lookup.tenant(options["tenant"]), lookup.person(options["email"])
    found = Membership.objects.filter(tenant=tenant, person=person).first()
    if found is None:
        raise Refused(f"{person} does not belong to {tenant}.")
    row = _row(found)
    services.leave(found)
    speech.done(f"{person} belongs to {tenant} no more.", row, options)


def _row(membership: Membership) -> dict[str, Any]:
    return {
        "email": membership.person.email,
        "tenant": membership.tenant.slug,
        "role": membership.role,
        "active": membership.person.is_active,
        "last_sign_in_at": membership.person.last_login,
    }
