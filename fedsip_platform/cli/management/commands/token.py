"""fedsip token add | list | withdraw"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.api import tokens
from fedsip_platform.api.areas import Scope
from fedsip_platform.api.models import Token
from fedsip_platform.cli import lookup, speech
from fedsip_platform.cli.speech import Refused

COLUMNS = {
    "prefix": gettext_lazy("token"),
    "name": gettext_lazy("name"),
    "person": gettext_lazy("of"),
    "tenant": gettext_lazy("tenant"),
    "scopes": gettext_lazy("may"),
    "expires_at": gettext_lazy("until"),
    "last_used_at": gettext_lazy("last used"),
}


class Command(BaseCommand):
    help = gettext_lazy(
        "API tokens: what programs sign in with. One never does more than its person may."
    )
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="add|list|withdraw")
        adding = speech.verb(verbs, "add", add, help=_("make a token; its text is shown once"))
        adding.add_argument("email", metavar="E-MAIL", help=_("whose token it is"))
        adding.add_argument("name", help=_("what it is for"))
        scopes = _("what it may, repeat for more (read): %(scopes)s") % {
            "scopes": ", ".join(Scope.values)
        }
        adding.add_argument(
            "--scope", action="append", choices=Scope.values, metavar="SCOPE", help=scopes
        )
        adding.add_argument("--tenant", metavar="SLUG", help=_("the only tenant it reaches"))
        adding.add_argument("--days", type=int, metavar="N", help=_("for how long (for ever)"))
        listing = speech.verb(verbs, "list", list_all, help=_("show tokens, never their text"))
        listing.add_argument("--person", metavar="E-MAIL", help=_("only hers"))
        ending = speech.verb(verbs, "withdraw", withdraw, help=_("end a token at once"))
        ending.add_argument("prefix", metavar="TOKEN", help=_("as `list` shows it"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def add(options: Mapping[str, Any]) -> None:
    """Make a token."""
    days = options["days"]
    token, text = tokens.create(
        lookup.person(options["email"]),
        options["name"],
        options["scope"] or [Scope.READ],
        tenant=lookup.tenant(options["tenant"]) if options["tenant"] else None,
        expires_at=None if days is None else timezone.now() + timedelta(days=days),
    )
    speech.done(
        _("the token, shown once: %(text)s") % {"text": text},
        _row(token) | {"token": text},
        options,
    )


def list_all(options: Mapping[str, Any]) -> None:
    """Show tokens."""
    found = Token.objects.select_related("person", "tenant")
    if options["person"]:
        found = found.filter(person=lookup.person(options["person"]))
    speech.show([_row(each) for each in found], COLUMNS, options)


def withdraw(options: Mapping[str, Any]) -> None:
    """End a token."""
    prefix = options["prefix"].removeprefix(f"{tokens.MARK}_")
    found = Token.objects.filter(prefix=prefix).select_related("person", "tenant").first()
    if found is None:
        raise Refused(
            _("there is no token %(prefix)s; ./fedsip token list") % {"prefix": options["prefix"]}
        )
    row = _row(found)
    tokens.withdraw(found)
    speech.done(
        _("%(name)s of %(person)s is withdrawn.") % {"name": row["name"], "person": row["person"]},
        row,
        options,
    )


def _row(token: Token) -> dict[str, Any]:
    return {
        "prefix": token.prefix,
        "name": token.name,
        "person": token.person.email,
        "tenant": None if token.tenant is None else token.tenant.slug,
        "scopes": token.scopes,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }
