"""fedsip usage"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import lookup, speech
from fedsip_platform.tenants import usage

COLUMNS = {
    "name": gettext_lazy("what"),
    "used": gettext_lazy("used"),
    "limit": gettext_lazy("limit"),
}


class Command(BaseCommand):
    help = gettext_lazy("A tenant's limits, and how much of each is used.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="TENANT", help=_("its short name"))
        parser.add_argument("--json", action="store_true", help=_("for programs"))
        parser.set_defaults(run=show)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def show(options: Mapping[str, Any]) -> None:
    """Show limits and use."""
    found = usage.of(lookup.tenant(options["slug"]))
    speech.show([dataclasses.asdict(each) for each in found], COLUMNS, options)
