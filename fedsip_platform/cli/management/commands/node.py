"""fedsip node list | relays"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.calls import nodes
from fedsip_platform.calls.models import Node
from fedsip_platform.cli import speech

COLUMNS = {
    "node": gettext_lazy("node"),
    "alive": gettext_lazy("alive"),
    "address": gettext_lazy("address"),
    "bindings": gettext_lazy("devices"),
    "calls": gettext_lazy("calls"),
    "relays": gettext_lazy("relays"),
    "seen_at": gettext_lazy("seen"),
}


class Command(BaseCommand):
    help = gettext_lazy("Proxies, and the media relays that they reach.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="list|relays")
        speech.verb(verbs, "list", list_all, help=_("show proxies that ran in the last day"))
        speech.verb(
            verbs, "relays", list_relays, help=_("show relays, as living proxies reach them")
        )

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show proxies."""
    now = timezone.now()
    found = [_row(node) | {"alive": nodes.is_alive(node, now=now)} for node in Node.objects.all()]
    speech.show(found, COLUMNS, options)


def list_relays(options: Mapping[str, Any]) -> None:
    """Show relays."""
    relays = nodes.seen(now=timezone.now()).relays.items()
    found = [{"relay": name, "answers": answers} for name, answers in relays]
    speech.show(found, {"relay": _("relay"), "answers": _("answers")}, options)


def _row(node: Node) -> dict[str, Any]:
    return {
        "node": node.node_id,
        "address": node.address,
        "version": node.version,
        "bindings": node.bindings,
        "calls": node.calls,
        "lost_calls": node.lost_calls,
        "relays": list(node.relays),
        "started_at": node.started_at,
        "seen_at": node.seen_at,
    }
