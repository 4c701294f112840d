"""fedsip registrations [list] | drop"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fedsip_platform.cli import lookup, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.location import services
from fedsip_platform.location.models import Binding

COLUMNS = {
    "aor": "user",
    "contact": "contact",
    "protocol": "by",
    "received": "from",
    "nat": "nat",
    "user_agent": "agent",
    "expires_at": "until",
}


class Command(BaseCommand):
    help = "Who is registered, from where."
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        _takes_filters(parser)
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.set_defaults(run=list_all)
        verbs = parser.add_subparsers(metavar="list|drop")
        _takes_filters(speech.verb(verbs, "list", list_all, help="show registrations"))
        dropping = speech.verb(verbs, "drop", drop, help="forget a user's registrations")
        dropping.add_argument("aor", metavar="ADDRESS", help="such as alice@example.com")
        dropping.add_argument("--contact", help="only this contact, as the list shows it")

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def _takes_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--domain", help="only users of this domain")
    parser.add_argument("--user", metavar="ADDRESS", help="only this user")


def list_all(options: Mapping[str, Any]) -> None:
    """Show what is registered now."""
    bindings = services.current()
    if options["domain"]:
        bindings = bindings.filter(domain=lookup.domain(options["domain"]))
    if options["user"]:
        bindings = bindings.filter(aor=lookup.subscriber(options["user"]).aor)
    speech.show([rows.of_binding(each) for each in bindings.iterator()], COLUMNS, options)


def drop(options: Mapping[str, Any]) -> None:
    """Forget registrations; the phone can come back with its next REGISTER."""
    username, domain = lookup.address(options["aor"])
    aor = f"{username}@{domain.name}"
    bindings = Binding.objects.filter(aor=aor)
    if options["contact"]:
        bindings = bindings.filter(contact=options["contact"])
    dropped = services.sign_out(bindings)
    if not dropped:
        raise Refused(f"{aor} has no such registration.")
    sentence = f"{dropped} registration{'s' if dropped > 1 else ''} of {aor} dropped."
    speech.done(sentence, {"aor": aor, "dropped": dropped}, options)
