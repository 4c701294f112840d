"""fedsip registrations [list] | over-time | drop"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fedsip_platform.calls import queries
from fedsip_platform.calls.models import RegistrationSample
from fedsip_platform.cli import lookup, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.location import services
from fedsip_platform.location.models import Binding

MOST_HOURS = queries.MOST_SHOWN // timedelta(hours=1)
COLUMNS = {
    "aor": gettext_lazy("user"),
    "contact": gettext_lazy("contact"),
    "protocol": gettext_lazy("by"),
    "received": gettext_lazy("from"),
    "nat": gettext_lazy("nat"),
    "user_agent": gettext_lazy("agent"),
    "expires_at": gettext_lazy("until"),
}


class Command(BaseCommand):
    help = gettext_lazy("Who is registered, from where.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        _takes_filters(parser)
        parser.add_argument("--json", action="store_true", help=_("for programs"))
        parser.set_defaults(run=list_all)
        verbs = parser.add_subparsers(metavar="list|over-time|drop")
        _takes_filters(speech.verb(verbs, "list", list_all, help=_("show registrations")))
        what = _("how many were registered in the last hours")
        counting = speech.verb(verbs, "over-time", over_time, help=what)
        counting.add_argument("--hours", type=int, default=24, help=_("so far back (24)"))
        counting.add_argument("--tenant", metavar="SLUG", help=_("only of this tenant"))
        dropping = speech.verb(verbs, "drop", drop, help=_("forget a user's registrations"))
        dropping.add_argument("aor", metavar="ADDRESS", help=_("such as alice@example.com"))
        dropping.add_argument("--contact", help=_("only this contact, as the list shows it"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def _takes_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--domain", help=_("only users of this domain"))
    parser.add_argument("--user", metavar="ADDRESS", help=_("only this user"))


def list_all(options: Mapping[str, Any]) -> None:
    """Show what is registered now."""
    bindings = services.current()
    if options["domain"]:
        bindings = bindings.filter(domain=lookup.domain(options["domain"]))
    if options["user"]:
        bindings = bindings.filter(aor=lookup.subscriber(options["user"]).aor)
    speech.show([rows.of_binding(each) for each in bindings.iterator()], COLUMNS, options)


def over_time(options: Mapping[str, Any]) -> None:
    """Show how many phones were registered, some minutes apart."""
    samples = RegistrationSample.objects.all()
    if options["tenant"]:
        samples = samples.filter(tenant=lookup.tenant(options["tenant"]))
    since = timezone.now() - timedelta(hours=max(1, min(options["hours"], MOST_HOURS)))
    found = queries.registrations_over_time(samples, since=since)
    columns = {"at": _("at"), "devices": _("phones"), "users": _("users"), "calls": _("calls")}
    speech.show([dataclasses.asdict(each) for each in found], columns, options)


def drop(options: Mapping[str, Any]) -> None:
    """Forget registrations; the phone can come back with its next REGISTER."""
    username, domain = lookup.address(options["aor"])
    aor = f"{username}@{domain.name}"
    bindings = Binding.objects.filter(aor=aor)
    if options["contact"]:
        bindings = bindings.filter(contact=options["contact"])
    dropped = services.sign_out(bindings)
    if not dropped:
        raise Refused(_("%(aor)s has no such registration.") % {"aor": aor})
    sentence = ngettext(
        "%(dropped)s registration of %(aor)s dropped.",
        "%(dropped)s registrations of %(aor)s dropped.",
        dropped,
    ) % {"dropped": dropped, "aor": aor}
    speech.done(sentence, {"aor": aor, "dropped": dropped}, options)
