"""fedsip forward set | load | list | delete"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import lookup, many, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.routing import services
from fedsip_platform.routing.models import Forward, ForwardWhen

LOADED = ("user", "when", "target", "ring_seconds")
COLUMNS = {
    "user": gettext_lazy("user"),
    "condition": gettext_lazy("when"),
    "target": gettext_lazy("to"),
    "ring_seconds": gettext_lazy("after (s)"),
    "enabled": gettext_lazy("enabled"),
}


class Command(BaseCommand):
    help = gettext_lazy(
        "Where calls to a user go instead: always, busy, no_answer, not_registered."
    )
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="set|load|list|delete")
        setting = speech.verb(verbs, "set", set_forward, help=_("forward a user's calls"))
        _takes_forward(setting)
        setting.add_argument("target", metavar="TARGET", help=_("a name, a number, or user@domain"))
        setting.add_argument("--ring-seconds", type=int, help=_("before no_answer forwards (20)"))
        listing = speech.verb(verbs, "list", list_all, help=_("show forwards"))
        listing.add_argument("--domain", help=_("only those of this domain's users"))
        listing.add_argument("--user", help=_("only those of this user"))
        _takes_forward(speech.verb(verbs, "delete", delete, help=_("forward no more")))

        loading = speech.verb(verbs, "load", load, help=_("set many from CSV, all or none"))
        loading.add_argument("file", metavar="FILE", help=speech.columns_help(LOADED))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def _takes_forward(parser: Any) -> None:
    parser.add_argument("aor", metavar="ADDRESS", help=_("such as alice@example.com"))
    parser.add_argument("condition", choices=ForwardWhen.values)


def set_forward(options: Mapping[str, Any]) -> None:
    """Forward a user's calls."""
    user = lookup.subscriber(options["aor"])
    forward = _bring(user, options["condition"], options["target"], options["ring_seconds"])
    sentence = _("calls to %(aor)s go to %(target)s: %(when)s.") % {
        "aor": user.aor,
        "target": forward.target,
        "when": forward.get_condition_display(),
    }
    speech.done(sentence, rows.of_forward(forward), options)


def load(options: Mapping[str, Any]) -> None:
    """Set the forwards of a file."""
    made = many.from_csv(options["file"], LOADED, _of_row)
    speech.show([rows.of_forward(forward) for forward in made], COLUMNS, options)


def _of_row(row: Mapping[str, str]) -> Forward:
    seconds = row["ring_seconds"]
    if seconds and not (seconds.isascii() and seconds.isdigit()):
        raise Refused(_("ring_seconds is a number, not %(seconds)s.") % {"seconds": repr(seconds)})
    user = lookup.subscriber(row["user"])
    return _bring(user, row["when"], row["target"], int(seconds) if seconds else None)


def _bring(user: Subscriber, condition: str, target: str, ring_seconds: int | None) -> Forward:
    fields: dict[str, Any] = {"target": target, "enabled": True}
    if ring_seconds is not None:
        fields["ring_seconds"] = ring_seconds
    known = user.forwards.filter(condition=condition).first()
    if known is None:
        return services.create_forward(user, condition, **fields)
    return services.update_forward(known, **fields)


def list_all(options: Mapping[str, Any]) -> None:
    """Show all forwards, or those of a domain or user."""
    forwards = Forward.objects.select_related("user")
    if options["domain"]:
        forwards = forwards.filter(user__domain=lookup.domain(options["domain"]))
    if options["user"]:
        forwards = forwards.filter(user=lookup.subscriber(options["user"]))
    speech.show([rows.of_forward(forward) for forward in forwards], COLUMNS, options)


def delete(options: Mapping[str, Any]) -> None:
    """Forward no more."""
    user = lookup.subscriber(options["aor"])
    forward = user.forwards.filter(condition=options["condition"]).first()
    if forward is None:
        raise Refused(
            _("%(aor)s has no forward for %(condition)s.")
            % {"aor": user.aor, "condition": options["condition"]}
        )
    row = rows.of_forward(forward)
    services.delete_forward(forward)
    speech.done(
        _("calls to %(aor)s are not forwarded on %(condition)s now.")
        % {"aor": user.aor, "condition": row["condition"]},
        row,
        options,
    )
