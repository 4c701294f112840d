"""fedsip health"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import speech
from fedsip_platform.federation import wellbeing
from fedsip_platform.federation.models import DomainCheck

COLUMNS = {
    "label": gettext_lazy("what"),
    "state": gettext_lazy("state"),
    "text": "",
    "sentence": "",
}


class Command(BaseCommand):
    help = gettext_lazy("Whether proxies, relays, our domains' DNS and certificates are well.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help=_("for programs"))
        parser.set_defaults(run=show)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def show(options: Mapping[str, Any]) -> None:
    """Show every part."""
    parts = wellbeing.of(DomainCheck.objects.all(), now=timezone.now())
    speech.show([dataclasses.asdict(part) for part in parts], COLUMNS, options)
    if any(part.state == wellbeing.BAD for part in parts):
        speech.end_as_unwell()
