"""fedsip calls [list] | show | live | export | by-hour | hang-up"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.api import filters
from fedsip_platform.api.base import is_uuid
from fedsip_platform.api.calls import (
    FILTERS,
    CallSerializer,
    CallViewSet,
    LiveCallSerializer,
)
from fedsip_platform.calls import policies, queries, services, verdict
from fedsip_platform.calls.hops import hops_of
from fedsip_platform.calls.models import CallRecord, LiveCall
from fedsip_platform.cli import filtering, speech
from fedsip_platform.cli.speech import Refused

COLUMNS = {
    "started_at": gettext_lazy("began"),
    "summary": gettext_lazy("what"),
    "status": gettext_lazy("status"),
    "call_id": gettext_lazy("Call-ID"),
}
LIVE_COLUMNS = {
    "started_at": gettext_lazy("began"),
    "summary": gettext_lazy("what"),
    "node": gettext_lazy("node"),
    "call_id": gettext_lazy("Call-ID"),
}
HOP_COLUMNS = {
    "tried": gettext_lazy("tried"),
    "address": gettext_lazy("address"),
    "ended": gettext_lazy("ended"),
    "led by": gettext_lazy("led by"),
}
HOUR_COLUMNS = {
    "hour": gettext_lazy("hour"),
    "answered": gettext_lazy("answered"),
    "failed": gettext_lazy("failed"),
    "mos": gettext_lazy("MOS"),
}
# The user's option was there before the API called it an address.
OWN_NAMES = {"user": "address"}


class Command(BaseCommand):
    help = gettext_lazy("Calls that have ended, calls that go on.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        _takes_filters(parser)
        parser.add_argument("--json", action="store_true", help=_("for programs"))
        parser.set_defaults(run=list_all)
        verbs = parser.add_subparsers(metavar="list|show|live|export|by-hour|hang-up")
        _takes_filters(speech.verb(verbs, "list", list_all, help=_("calls that have ended")))
        telling = speech.verb(
            verbs, "show", show, help=_("one call, and each place that was tried")
        )
        telling.add_argument("call", metavar="CALL", help=_("its id or Call-ID"))
        going_on = speech.verb(verbs, "live", list_live, help=_("calls that go on"))
        filtering.add_options(going_on, FILTERS)
        exporting = speech.verb(
            verbs, "export", export, help=_("all that the filters choose, as CSV")
        )
        counting = speech.verb(verbs, "by-hour", by_hour, help=_("how many in each hour, and how"))
        for each in (exporting, counting):
            filtering.add_options(each, CallViewSet.filters)
        ending = speech.verb(verbs, "hang-up", hang_up, help=_("end a call that goes on"))
        ending.add_argument("call", metavar="CALL", help=_("its id or Call-ID"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def _takes_filters(parser: Any) -> None:
    parser.add_argument("--user", metavar="ADDRESS", help=_("only from or to this user"))
    parser.add_argument("--failed", action="store_true", help=_("only those not answered"))
    parser.add_argument("-n", type=int, default=20, metavar="N", help=_("so many, the newest (20)"))
    filtering.add_options(parser, CallViewSet.filters)


def list_all(options: Mapping[str, Any]) -> None:
    """Show calls that have ended, the newest first."""
    calls = _chosen(options)
    if options["failed"]:
        calls = calls.filter(answered_at=None)
    found = [
        _row(each) | {"ended_at": each.ended_at, "status": each.status, "reason": each.reason}
        for each in calls[: filtering.most(options)]
    ]
    speech.show(found, COLUMNS, options)


def show(options: Mapping[str, Any]) -> None:
    """Show all that is kept of one call but its messages, which are `fedsip trace`'s."""
    call = _named(LiveCall.objects.all(), options) or _named(CallRecord.objects.all(), options)
    if call is None:
        raise Refused(_("there is no call %(wanted)s.") % {"wanted": options["call"]})
    shape = LiveCallSerializer() if isinstance(call, LiveCall) else CallSerializer()
    shown = shape.to_representation(call)
    if options["json"]:
        speech.show_one(shown, options)
        return
    apart = ("hops", "media", "policies")
    told = {name: value for name, value in shown.items() if name not in apart}
    speech.show_one(told | dict(policies.said(call)), options)
    print()
    hops = [
        {
            "tried": f"{hop.seconds:.3f} s",
            "address": hop.address,
            "ended": hop.ending,
            "led by": "; ".join(hop.leads),
        }
        for hop in hops_of(call)
    ]
    speech.show(hops, HOP_COLUMNS, options)


def list_live(options: Mapping[str, Any]) -> None:
    """Show calls that go on."""
    found = filtering.apply(FILTERS, options, LiveCall.objects.all())
    speech.show([_row(each) for each in found], LIVE_COLUMNS, options)


def export(options: Mapping[str, Any]) -> None:
    """Write what the filters choose as CSV, or a JSON object a line, as it is read."""
    filtering.write(CallSerializer(), queries.with_names(_chosen(options)), options)


def by_hour(options: Mapping[str, Any]) -> None:
    """Count the calls of each hour: of the last day, or between --since and --until."""
    chosen = _chosen(options)
    until = filters.moment_of(options, "until") or timezone.now()
    since = filters.moment_of(options, "since") or until - queries.SHOWN
    if not timedelta() < until - since <= queries.MOST_SHOWN:
        raise Refused(_("--since must be before --until, at most 31 days."))
    hours = queries.calls_by_hour(chosen, since=since, until=until)
    found = [
        {
            "hour": each.hour,
            "answered": each.answered,
            "failed": each.all_failed,
            "mos": None if each.mos is None else round(each.mos, 2),
            "measured": each.measured,
        }
        for each in hours
    ]
    speech.show(found, HOUR_COLUMNS, options)


def hang_up(options: Mapping[str, Any]) -> None:
    """Have its proxy end a call."""
    call = _named(LiveCall.objects.all(), options)
    if call is None:
        raise Refused(_("no call %(wanted)s goes on.") % {"wanted": options["call"]})
    services.hang_up(call, by="command line")
    speech.done(_("%(call)s is being ended.") % {"call": call}, {"id": call.public_id}, options)


def _named(calls: QuerySet[Any], options: Mapping[str, Any]) -> Any:
    """The last call that is named by its id or Call-ID."""
    named = options["call"]
    called = Q(call_id=named)
    if is_uuid(named):  # as browsers' Call-IDs may be, too
        called |= Q(public_id=uuid.UUID(named))
    return queries.with_names(calls).filter(called).order_by("-started_at").first()


def _chosen(options: Mapping[str, Any]) -> Any:
    given = {OWN_NAMES.get(name, name): value for name, value in options.items() if value}
    return filtering.apply(CallViewSet.filters, given, CallRecord.objects.all())


def _row(call: CallRecord | LiveCall) -> dict[str, Any]:
    return {
        "id": call.public_id,
        "call_id": call.call_id,
        "summary": verdict.sentence(call, now=timezone.now()),
        "caller": call.caller,
        "callee": call.callee,
        "node": call.node_id,
        "started_at": call.started_at,
        "answered_at": call.answered_at,
    }
