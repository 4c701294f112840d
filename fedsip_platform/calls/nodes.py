"""Which proxies are alive, and which media relays they reach, by what the proxies write of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .models import Node

SILENT = timedelta(seconds=10)  # a heartbeat comes each second


@dataclass(frozen=True, slots=True)
class Seen:
    """Proxies of the last day, and their relays."""

    alive: Sequence[Node]
    silent: Sequence[Node]
    relays: dict[str, bool]
    """By name: whether a living proxy reaches it."""


def seen(*, now: datetime) -> Seen:
    """All proxies that wrote within a day (then housekeeping forgets them), in one query."""
    found = list(Node.objects.all())
    alive = [node for node in found if is_alive(node, now=now)]
    relays: dict[str, bool] = {}
    for node in alive:
        for name, answers in node.relays.items():
            relays[name] = relays.get(name, False) or bool(answers)
    return Seen(alive, [node for node in found if node not in alive], dict(sorted(relays.items())))


def listeners(*, now: datetime) -> set[tuple[str, str, int]]:
    """Where living proxies listen: address, host as others reach it, port."""
    alive = Node.objects.filter(seen_at__gt=now - SILENT)
    return {(address, host, port) for node in alive for _, address, host, port in node.listeners}


def is_alive(node: Node, *, now: datetime) -> bool:
    """Whether it has written its row just now."""
    return now - node.seen_at < SILENT
