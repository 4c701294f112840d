"""fedsip user add | load | list | show | set | disable | enable | password | disown | delete"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.api.users import UserViewSet
from fedsip_platform.cli import fields, filtering, lookup, many, passwords, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.directory import bulk, csv_rows, services
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.people import services as people

COLUMNS = {
    "aor": gettext_lazy("user"),
    "display_name": gettext_lazy("name"),
    "enabled": gettext_lazy("enabled"),
    "created_at": gettext_lazy("since"),
}


SETTABLE = (
    *("display_name", "max_contacts", "max_calls", "media_policy", "srtp", "codecs", "note"),
)


class Command(BaseCommand):
    help = gettext_lazy("SIP users: who can register phones and call.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        metavar = "add|load|list|show|set|..."
        verbs = parser.add_subparsers(required=True, metavar=metavar)
        adding = speech.verb(verbs, "add", add, help=_("make a user"))
        _takes_address(adding)
        adding.add_argument("--display-name", default="", help=_("as other phones show it"))
        passwords.add_options(adding)
        listing = speech.verb(verbs, "list", list_all, help=_("show users"))
        listing.add_argument("--domain", help=_("only those of this domain"))
        filtering.add_options(listing, UserViewSet.filters)
        loading = speech.verb(verbs, "load", load, help=_("make or change many from CSV"))
        loading.add_argument("file", metavar="FILE", help=speech.columns_help(bulk.COLUMNS))
        loading.add_argument("--atomic", action="store_true", help=_("all rows or none"))
        _takes_address(speech.verb(verbs, "show", show, help=_("one user with its forwards")))
        _takes_address(speech.verb(verbs, "disown", disown, help=_("take it away from its owner")))
        setting = speech.verb(verbs, "set", set_fields, help=_("change what holds for a user"))
        _takes_address(setting)
        setting.add_argument("field", nargs="+", help=speech.fields_help(SETTABLE))
        _takes_address(speech.verb(verbs, "disable", disable, help=_("let a user in no more")))
        _takes_address(speech.verb(verbs, "enable", enable, help=_("let a user in again")))
        changing = speech.verb(verbs, "password", password, help=_("give a user a new password"))
        _takes_address(changing)
        passwords.add_options(changing)
        deleting = speech.verb(verbs, "delete", delete, help=_("delete a user"))
        _takes_address(deleting)
        deleting.add_argument("--yes", action="store_true", help=_("do not ask"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def _takes_address(parser: Any) -> None:
    parser.add_argument("aor", metavar="ADDRESS", help=_("such as alice@example.com"))


def add(options: Mapping[str, Any]) -> None:
    """Make a user."""
    username, domain = lookup.address(options["aor"])
    word, is_made = passwords.chosen(options)
    made = services.create_subscriber(domain, username, word, display_name=options["display_name"])
    row = rows.of_subscriber(made) | ({"password": word} if is_made else {})
    speech.done(
        _("user %(aor)s is made%(shown)s.") % {"aor": made.aor, "shown": _shown(word, is_made)},
        row,
        options,
    )


def list_all(options: Mapping[str, Any]) -> None:
    """Show all users, or those of a domain."""
    users = Subscriber.objects.all()
    if options["domain"]:
        options = {**options, "domain": lookup.domain(options["domain"]).name}
    users = filtering.apply(UserViewSet.filters, options, users)
    speech.show([rows.of_subscriber(user) for user in users.iterator()], COLUMNS, options)


def load(options: Mapping[str, Any]) -> None:
    """Make or change the users of a file, each row by itself unless it is to be all or none."""
    find_domain = bulk.finder(lambda domain: True)
    whole = transaction.atomic() if options["atomic"] else nullcontext()
    with many.opened(options["file"]) as lines, whole:
        counted = bulk.count(_told(bulk.provision(csv_rows.read(lines), find_domain)))
        if options["atomic"] and counted[bulk.REFUSED]:
            raise Refused(
                _("nothing was changed: %(amount)s rows are refused.")
                % {"amount": counted[bulk.REFUSED]}
            )
        bulk.settle(counted)
    sentence = ", ".join(f"{amount} {status}" for status, amount in counted.items())
    speech.done(f"{sentence}.", counted, options)


def _told(results: Iterable[bulk.Result]) -> Iterator[bulk.Result]:
    for result in results:
        for field, reason in result.errors:
            print(f"row {result.row}: {field}: {reason}", file=sys.stderr)
        yield result


def show(options: Mapping[str, Any]) -> None:
    """Show one user."""
    speech.show_one(rows.of_own_user(lookup.subscriber(options["aor"])), options)


def disown(options: Mapping[str, Any]) -> None:
    """Take a user away from the person whose own it is."""
    user = people.own(lookup.subscriber(options["aor"]), None)
    speech.done(
        _("%(aor)s is nobody's own now.") % {"aor": user.aor}, rows.of_own_user(user), options
    )


def set_fields(options: Mapping[str, Any]) -> None:
    """Change fields of a user."""
    wanted = fields.values(Subscriber, options["field"], SETTABLE, "field", "srtp=required")
    user = services.update_subscriber(lookup.subscriber(options["aor"]), **wanted)
    values = fields.said(user, wanted)
    speech.done(
        _("user %(aor)s has %(values)s now.") % {"aor": user.aor, "values": values},
        rows.of_subscriber(user),
        options,
    )


def disable(options: Mapping[str, Any]) -> None:
    """Let a user in no more."""
    user = services.disable_subscriber(lookup.subscriber(options["aor"]))
    sentence = _("user %(aor)s is disabled and can neither register nor call now.") % {
        "aor": user.aor
    }
    speech.done(sentence, rows.of_subscriber(user), options)


def enable(options: Mapping[str, Any]) -> None:
    """Let a user in again."""
    user = services.enable_subscriber(lookup.subscriber(options["aor"]))
    speech.done(
        _("user %(aor)s is enabled.") % {"aor": user.aor}, rows.of_subscriber(user), options
    )


def password(options: Mapping[str, Any]) -> None:
    """Give a user a new password."""
    user = lookup.subscriber(options["aor"])
    word, is_made = passwords.chosen(options)
    services.set_password(user, word)
    row = rows.of_subscriber(user) | ({"password": word} if is_made else {})
    speech.done(
        _("user %(aor)s has a new password%(shown)s.")
        % {"aor": user.aor, "shown": _shown(word, is_made)},
        row,
        options,
    )


def delete(options: Mapping[str, Any]) -> None:
    """Delete a user."""
    user = lookup.subscriber(options["aor"])
    row = rows.of_subscriber(user)
    speech.confirm(_("Delete %(aor)s?") % {"aor": user.aor}, options)
    services.delete_subscriber(user)
    speech.done(_("user %(aor)s is deleted.") % {"aor": user.aor}, row, options)


def _shown(word: str, is_made: bool) -> str:
    return _("; password (shown only now): %(word)s") % {"word": word} if is_made else ""
