"""fedsip admin add | list | password"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import lookup, passwords, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.people import services
from fedsip_platform.tenants.models import Person, Role

COLUMNS = {
    "email": gettext_lazy("e-mail"),
    "name": gettext_lazy("name"),
    "active": gettext_lazy("active"),
    "operator": gettext_lazy("operator"),
    "tenants": gettext_lazy("tenants"),
}
SHORTEST = 12


class Command(BaseCommand):
    help = gettext_lazy(
        "People who sign in to the dashboard: operators, and those who look after a tenant."
    )
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="add|list|password")
        adding = speech.verb(verbs, "add", add, help=_("let somebody sign in"))
        adding.add_argument("email")
        adding.add_argument("--name", default="", help=_("as people call her or him"))
        adding.add_argument(
            "--tenant", help=_("look after this tenant alone (else: operator of all)")
        )
        adding.add_argument(
            "--role", choices=Role.values, default=Role.OWNER, help=_("in that tenant")
        )
        passwords.add_options(adding)
        speech.verb(verbs, "list", list_all, help=_("show who may sign in"))
        changing = speech.verb(verbs, "password", password, help=_("set somebody's password"))
        changing.add_argument("email")
        passwords.add_options(changing)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


@transaction.atomic
def add(options: Mapping[str, Any]) -> None:
    """Let somebody sign in, or give somebody who does a role in one more tenant."""
    email = options["email"].strip().lower()
    tenant = lookup.tenant(options["tenant"]) if options["tenant"] else None
    person = Person.objects.filter(email=email).first()
    shown = ""
    made: dict[str, str] = {}
    if person is None:
        word, is_made = _password(options)
        name = options["name"]
        person = services.make_person(email, word, name=name, is_operator=tenant is None)
        shown = f" with the password {word} (shown only now)" if is_made else ""
        made = {"password": word} if is_made else {}
    elif tenant is None:
        raise Refused(_("%(email)s can sign in already.") % {"email": email})
    if tenant is not None:
        services.join(tenant, person, options["role"])
    what = f"{options['role']} of {tenant}" if tenant else "operator of the platform"
    speech.done(
        _("%(email)s is %(what)s%(shown)s.") % {"email": email, "what": what, "shown": shown},
        rows.of_person(person) | made,
        options,
    )


def list_all(options: Mapping[str, Any]) -> None:
    """Show who may sign in."""
    people = [rows.of_person(person) for person in Person.objects.all()]
    if not options["json"]:
        for row in people:
            row["tenants"] = ", ".join(f"{slug}: {role}" for slug, role in row["tenants"].items())
    speech.show(people, COLUMNS, options)


def password(options: Mapping[str, Any]) -> None:
    """Set somebody's password."""
    person = lookup.person(options["email"])
    word, is_made = _password(options)
    services.set_password(person, word)
    shown = f": {word} (shown only now)" if is_made else ""
    row = rows.of_person(person) | ({"password": word} if is_made else {})
    speech.done(
        _("%(email)s has a new password%(shown)s.") % {"email": person.email, "shown": shown},
        row,
        options,
    )


def _password(options: Mapping[str, Any]) -> tuple[str, bool]:
    word, is_made = passwords.chosen(options)
    if len(word) < SHORTEST:
        raise Refused(
            _("a password to sign in has at least %(shortest)s characters.")
            % {"shortest": SHORTEST}
        )
    return word, is_made
