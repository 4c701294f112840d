"""fedsip blocks list | add | lift | allowed | allow | disallow | failures"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.api.sources import FailedSignInViewSet
from fedsip_platform.calls import services
from fedsip_platform.calls.models import AllowedSource, FailedSignIn
from fedsip_platform.cli import filtering, rows, speech
from fedsip_platform.cli.speech import Refused

MOST_FAILURES = 1000
COLUMNS = {
    "address": gettext_lazy("address"),
    "reason": gettext_lazy("reason"),
    "evidence": gettext_lazy("evidence"),
    "hits": gettext_lazy("hits"),
    "node": gettext_lazy("node"),
    "blocked_until": gettext_lazy("until"),
}


class Command(BaseCommand):
    help = gettext_lazy(
        "Addresses that the proxies ignore for a while, and networks that they never do."
    )
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(
            required=True, metavar="list|add|lift|allowed|allow|disallow|failures"
        )
        speech.verb(verbs, "list", list_all, help=_("show who is blocked now, and why"))
        adding = speech.verb(verbs, "add", add, help=_("block an address"))
        adding.add_argument("address", metavar="ADDRESS")
        adding.add_argument("--hours", type=float, default=24.0 * 30, help=_("for so long (720)"))
        adding.add_argument("--note", default="", help=_("why"))
        lifting = speech.verb(verbs, "lift", lift, help=_("listen to an address again"))
        lifting.add_argument("address", metavar="ADDRESS")
        speech.verb(verbs, "allowed", list_allowed, help=_("show networks that nothing blocks"))
        allowing = speech.verb(verbs, "allow", allow, help=_("never block a network"))
        allowing.add_argument("network", metavar="NETWORK", help=_("such as 192.0.2.0/24"))
        allowing.add_argument("--note", default="", help=_("whose it is"))
        ending = speech.verb(verbs, "disallow", disallow, help=_("treat a network like any other"))
        ending.add_argument("network", metavar="NETWORK")

        failing = speech.verb(verbs, "failures", list_failures, help=_("show failed sign-ins"))
        filtering.add_options(failing, FailedSignInViewSet.filters)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show who is blocked now."""
    speech.show([rows.of_block(each) for each in services.blocked()], COLUMNS, options)


def add(options: Mapping[str, Any]) -> None:
    """Block an address by hand."""
    lasting = timedelta(hours=options["hours"])
    block = services.block(options["address"], evidence=options["note"], lasting=lasting)
    until = speech.text(block.blocked_until)
    speech.done(
        _("%(address)s is ignored until %(until)s.") % {"address": block.address, "until": until},
        rows.of_block(block),
        options,
    )


def lift(options: Mapping[str, Any]) -> None:
    """Have the proxies listen again."""
    address = services.normal_address(options["address"])
    block = services.blocked().filter(address=address).first()
    if block is None:
        raise Refused(_("%(address)s is not blocked.") % {"address": address})
    services.lift(block)
    speech.done(
        _("%(address)s is listened to again.") % {"address": address}, {"address": address}, options
    )


def list_allowed(options: Mapping[str, Any]) -> None:
    """Show the networks that nothing blocks."""
    found = [{"network": each.network, "note": each.note} for each in AllowedSource.objects.all()]
    speech.show(found, {"network": _("network"), "note": _("note")}, options)


def list_failures(options: Mapping[str, Any]) -> None:
    """Show failed sign-ins of phones, the latest first."""
    found = FailedSignIn.objects.order_by("-last_at", "-pk")
    found = filtering.apply(FailedSignInViewSet.filters, options, found)
    names = ("aor", "address", "attempts", "user_agent", "last_at")
    shown = [{name: getattr(each, name) for name in names} for each in found[:MOST_FAILURES]]
    columns = {
        "aor": _("user"),
        "address": _("from"),
        "attempts": _("attempts"),
        "last_at": _("last"),
    }
    speech.show(shown, columns, options)


def allow(options: Mapping[str, Any]) -> None:
    """Never block a network."""
    made = services.allow(options["network"], options["note"])
    speech.done(
        _("%(network)s is never blocked.") % {"network": made.network},
        {"network": made.network},
        options,
    )


def disallow(options: Mapping[str, Any]) -> None:
    """Treat a network like any other."""
    network = services.normal_network(options["network"])
    source = AllowedSource.objects.filter(network=network).first()
    if source is None:
        raise Refused(_("%(network)s is not allowed specially.") % {"network": network})
    services.disallow(source)
    speech.done(
        _("%(network)s is treated like any other.") % {"network": network},
        {"network": network},
        options,
    )
