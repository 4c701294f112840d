"""fedsip phone show | choose | pass | favourites | keep | forget"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import lookup, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.gateway import services

COLUMNS = {"address": gettext_lazy("address"), "name": gettext_lazy("name")}


class Command(BaseCommand):
    help = gettext_lazy(
        "Somebody's phone in the dashboard: which user it is, whom she calls often, passes."
    )
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        metavar = "show|choose|pass|favourites|keep|forget"
        verbs = parser.add_subparsers(required=True, metavar=metavar)
        choosing = speech.verb(verbs, "choose", choose, help=_("make a SIP user her phone"))
        passing = speech.verb(
            verbs, "pass", make_pass, help=_("short-lived credentials for a page")
        )
        keeping = speech.verb(verbs, "keep", keep, help=_("keep whom she calls often"))
        forgetting = speech.verb(verbs, "forget", forget, help=_("keep him no more"))
        for parsed in (
            *(choosing, keeping, forgetting),
            speech.verb(verbs, "show", show, help=_("as which SIP user she telephones")),
            speech.verb(verbs, "favourites", favourites, help=_("whom she calls often")),
        ):
            parsed.add_argument("email", metavar="E-MAIL", help=_("as she signs in"))
        choosing.add_argument("aor", metavar="ADDRESS", help=_("such as alice@example.com"))
        keeping.add_argument("address", metavar="ADDRESS", help=_("a name, a number or an address"))
        keeping.add_argument("--name", default="", help=_("as the page shows it"))
        forgetting.add_argument("address", metavar="ADDRESS", help=_("as `favourites` shows it"))
        passing.add_argument("aor", metavar="ADDRESS", help=_("whose calls these will be"))
        passing.add_argument(
            "--host", required=True, help=_("as which browsers know the dashboard")
        )
        seconds = services.PASS_SECONDS
        what = _("how long it is good (%(seconds)s)") % {"seconds": seconds}
        passing.add_argument("--seconds", type=int, default=seconds, metavar="N", help=what)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def show(options: Mapping[str, Any]) -> None:
    """Show as which SIP user a person telephones."""
    speech.show_one(rows.of_own_user(_phone(options)), options)


def choose(options: Mapping[str, Any]) -> None:
    """Make a SIP user a person's phone."""
    person = lookup.person(options["email"])
    user = services.give_phone(person, lookup.subscriber(options["aor"]))
    speech.done(
        _("%(person)s telephones as %(aor)s now.") % {"person": person, "aor": user.aor},
        rows.of_own_user(user),
        options,
    )


def make_pass(options: Mapping[str, Any]) -> None:
    """Make a pass for a page that telephones as a user."""
    user = lookup.subscriber(options["aor"])
    made = services.make_pass(user, options["host"], seconds=options["seconds"])
    row = dataclasses.asdict(made) | {"token": made.token}
    speech.done(_("the pass, shown once: %(token)s") % {"token": made.token}, row, options)


def favourites(options: Mapping[str, Any]) -> None:
    """Show whom a person calls often."""
    found = _phone(options).favourites.order_by("pk")
    speech.show([rows.of_favourite(each) for each in found], COLUMNS, options)


def keep(options: Mapping[str, Any]) -> None:
    """Keep whom a person calls often."""
    made = services.add_favourite(_phone(options), options["address"], options["name"])
    speech.done(
        _("%(address)s is kept.") % {"address": made.address}, rows.of_favourite(made), options
    )


def forget(options: Mapping[str, Any]) -> None:
    """Keep him no more."""
    found = _phone(options).favourites.filter(address=options["address"]).first()
    if found is None:
        raise Refused(
            _("%(address)s is not kept; ./fedsip phone favourites")
            % {"address": options["address"]}
        )
    row = rows.of_favourite(found)
    services.remove_favourite(found)
    speech.done(_("%(address)s is kept no more.") % {"address": row["address"]}, row, options)


def _phone(options: Mapping[str, Any]) -> Subscriber:
    person = lookup.person(options["email"])
    phone = services.phone_of(person)
    if phone is None:
        raise Refused(
            _("%(person)s has no phone yet; ./fedsip phone choose %(person)s ADDRESS")
            % {"person": person}
        )
    return phone
