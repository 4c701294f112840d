"""fedsip blocks list"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from fedsip_platform.calls.models import BlockedSource
from fedsip_platform.cli import rows, speech

COLUMNS = {
    "address": "address",
    "reason": "reason",
    "evidence": "evidence",
    "node": "node",
    "blocked_until": "until",
}


class Command(BaseCommand):
    help = "Addresses that the proxy ignores for a while."
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="list")
        speech.verb(verbs, "list", list_all, help="show who is blocked now, and why")

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show who is blocked now."""
    blocked = BlockedSource.objects.filter(blocked_until__gt=timezone.now())
    speech.show([rows.of_block(each) for each in blocked], COLUMNS, options)
