"""fedsip calls [list] | live | hang-up"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Q
from django.utils import timezone

from fedsip_platform.calls import services, verdict
from fedsip_platform.calls.models import CallRecord, LiveCall
from fedsip_platform.cli import lookup, speech
from fedsip_platform.cli.speech import Refused

COLUMNS = {"started_at": "began", "summary": "what", "status": "status", "call_id": "Call-ID"}
LIVE_COLUMNS = {"started_at": "began", "summary": "what", "node": "node", "call_id": "Call-ID"}


class Command(BaseCommand):
    help = "Calls that have ended, calls that go on."
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        _takes_filters(parser)
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.set_defaults(run=list_all)
        verbs = parser.add_subparsers(metavar="list|live|hang-up")
        _takes_filters(speech.verb(verbs, "list", list_all, help="calls that have ended"))
        speech.verb(verbs, "live", list_live, help="calls that go on")
        ending = speech.verb(verbs, "hang-up", hang_up, help="end a call that goes on")
        ending.add_argument("call", metavar="CALL", help="its id or Call-ID")

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def _takes_filters(parser: Any) -> None:
    parser.add_argument("--user", metavar="ADDRESS", help="only from or to this user")
    parser.add_argument("--failed", action="store_true", help="only those not answered")
    parser.add_argument("-n", type=int, default=20, metavar="N", help="so many, the newest (20)")


def list_all(options: Mapping[str, Any]) -> None:
    """Show calls that have ended, the newest first."""
    calls = CallRecord.objects.all()
    if options["user"]:
        uri = f"sip:{lookup.subscriber(options['user']).aor}"
        calls = calls.filter(Q(caller=uri) | Q(callee=uri))
    if options["failed"]:
        calls = calls.filter(answered_at=None)
    found = [
        _row(each) | {"ended_at": each.ended_at, "status": each.status, "reason": each.reason}
        for each in calls[: max(1, options["n"])]
    ]
    speech.show(found, COLUMNS, options)


def list_live(options: Mapping[str, Any]) -> None:
    """Show calls that go on."""
    speech.show([_row(each) for each in LiveCall.objects.all()], LIVE_COLUMNS, options)


def hang_up(options: Mapping[str, Any]) -> None:
    """Have its proxy end a call."""
    wanted = options["call"]
    try:
        call = LiveCall.objects.filter(public_id=uuid.UUID(wanted)).first()
    except ValueError:
        call = LiveCall.objects.filter(call_id=wanted).first()
    if call is None:
        raise Refused(f"no call {wanted} goes on.")
    services.hang_up(call, by="command line")
    speech.done(f"{call} is being ended.", {"id": call.public_id}, options)


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
