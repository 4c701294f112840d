"""fedsip trace CALL-ID"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.calls import ladder, pcap, verdict
from fedsip_platform.calls.messages import CallMessage, messages_of, opened
from fedsip_platform.calls.models import CallRecord, KeptMessages, LiveCall
from fedsip_platform.cli import speech
from fedsip_platform.cli.speech import Refused


class Command(BaseCommand):
    help = gettext_lazy("The SIP messages of one call, as a ladder.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("call_id", metavar="CALL-ID", help=_("as `fedsip calls` shows it"))
        parser.add_argument("--messages", action="store_true", help=_("every message in full, too"))
        parser.add_argument(
            "--pcap", metavar="FILE", help=_("write a pcap file instead (- for stdout)")
        )
        parser.add_argument("--json", action="store_true", help=_("for programs"))
        parser.set_defaults(run=show)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def show(options: Mapping[str, Any]) -> None:
    """Show the ladder, or write the file."""
    call, messages = find(options["call_id"])
    if options["pcap"]:
        _write(options["pcap"], pcap.pcap_of(messages))
    elif options["json"]:
        speech.show([_row(each) for each in messages], {}, options)
    else:
        if call is not None:
            print(verdict.sentence(call, now=timezone.now()))
            for said in getattr(call, "verdict_text", ()):
                print(f"  {said}")
        print(ladder.as_text(ladder.ladder_of(messages)))
        for each in messages if options["messages"] else ():
            arrow = "from" if each.way == "in" else "to"
            print(f"\n--- {speech.text(each.at)} {arrow} {each.protocol} {each.remote}")
            print(each.text.replace("\r\n", "\n").rstrip())


def find(call_id: str) -> tuple[CallRecord | LiveCall | None, list[CallMessage]]:
    """The last call with that Call-ID, and its messages."""
    call: CallRecord | LiveCall | None = (
        LiveCall.objects.filter(call_id=call_id).first()
        or CallRecord.objects.filter(call_id=call_id).first()
    )
    kept = KeptMessages.objects.all()
    messages = opened(kept.filter(call_id=call_id)) if call is None else messages_of(kept, call)
    if not messages:
        said = (
            _("There is no such call here; no message of %(call_id)s was kept.")
            if call is None
            else _("No message of %(call_id)s was kept (domain policy trace).")
        )
        raise Refused(said % {"call_id": call_id})
    return call, messages


def _row(message: CallMessage) -> dict[str, Any]:
    names = ("at", "node_id", "way", "protocol", "local", "remote", "size", "text")
    return {name: getattr(message, name) for name in names}


def _write(path: str, data: bytes) -> None:
    try:
        if path == "-":
            sys.stdout.buffer.write(data)
        else:
            with open(path, "wb") as file:
                file.write(data)
    except OSError as error:
        raise Refused(
            _("%(path)s cannot be written: %(strerror)s.")
            % {"path": path, "strerror": error.strerror}
        ) from error
