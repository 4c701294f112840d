"""fedsip translate CALLER DIALLED"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import lookup, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.federation import shown
from fedsip_platform.launch import report
from fedsip_platform.routing import trying
from fedsip_platform.routing.trying import Trial

MOST_SHOWN = 50


class Command(BaseCommand):
    help = gettext_lazy("What would become of a call, rule by rule, without placing it.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("caller", metavar="CALLER", help=_("such as alice@example.com"))
        parser.add_argument("dialled", metavar="DIALLED", help=_("a name, a number or an address"))
        parser.add_argument(
            "--user-agent", default="", metavar="TEXT", help=_("the caller's phone")
        )
        parser.add_argument(
            "--at",
            metavar="TIME",
            help=_("such as 2026-12-24T18:00, in the domain's time zone (now)"),
        )
        parser.add_argument("--json", action="store_true", help=_("for programs"))
        parser.set_defaults(run=tell)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def tell(options: Mapping[str, Any]) -> None:
    """Print every step."""
    caller, domain = lookup.address(options["caller"])
    at = _moment(options["at"], domain.time_zone)
    agent = options["user_agent"]
    trial = trying.try_call(domain, caller, options["dialled"], user_agent=agent, at=at)
    rules = list(trying.shown_verdicts(trial, most=MOST_SHOWN))
    servers = [shown.of_located(located) for located in trial.located]
    row = {
        "dialled": trial.dialled.serialise().decode(),
        "normalised": trial.normalised.serialise().decode(),
        "rules": rules,
        "request_uri": trial.request_uri.serialise().decode(),
        "way": trial.way,
        "servers": servers,
    }
    if options["json"]:
        speech.show_one(row, options)
        return
    _print(trial, row)


def _print(trial: Trial, row: Mapping[str, Any]) -> None:
    print(f"dialled {row['dialled']}")
    if row["normalised"] != row["dialled"]:
        print(f"a number of the domain's country: {row['normalised']}")
    for rule in row["rules"]:
        mark = "*" if rule["share"] else "+" if rule["matches"] else "-"
        name = rule["note"] or rule["match_regex"] or "all"
        becomes = f"makes {rule['request_uri']}" if rule["request_uri"] else rule["reason"]
        by = f" by the trunk {rule['trunk']}" if rule["trunk"] else ""
        share = f" ({rule['share']:.0%})" if 0 < rule["share"] < 1 else ""
        print(f" {mark} {rule['priority']:>4} {name}: {becomes}{by}{share}")
        for sentence in _besides(rule):
            print(f"        {sentence}")
    hidden = len(trial.verdicts) - len(row["rules"])
    if hidden:
        print(f"   and {hidden} more that do not match")
    if not trial.verdicts:
        print("   the domain has no rules")
    print(f"becomes {row['request_uri']}")
    for sentence in trial.way:
        print(sentence)
    for server in row["servers"]:
        _print_server(server)


def _besides(rule: Mapping[str, Any]) -> Iterator[str]:
    """What the rule does to the header, a sentence each."""
    if rule["from_user"]:
        yield f"From user becomes {rule['from_user']}"
    if rule["from_display"]:
        yield f"From display name becomes {rule['from_display']}"
    yield from (f"adds {line}" for line in rule["added"])
    yield from (f"removes {name}" for name in rule["removed"])


def _print_server(server: Mapping[str, Any]) -> None:
    print(server["uri"])
    if server["error"]:
        print(f"  leads nowhere: {server['error']}")
    hops = [
        ["", hop["transport"], shown.place(hop["address"], hop["port"])] for hop in server["hops"]
    ]
    if hops:
        print(report.table(hops))


def _moment(text: str | None, zone: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(
            _("%(text)s is no time such as 2026-12-24T18:00.") % {"text": text}
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
