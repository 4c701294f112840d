"""The places where a call was tried, as people read them. Pure.

What a row of CallRecord.hops has, and what its outcomes are, proxy/observe/hops.py says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .models import CallRecord, LiveCall

OUTCOMES = {
    "waiting": gettext_lazy("nothing came back yet"),
    "ringing": gettext_lazy("rings"),
    "answered": gettext_lazy("answered"),
    "refused": gettext_lazy("refused"),
    "cancelled": gettext_lazy("called off"),
    "unanswered": gettext_lazy("rang too long"),
    "silent": gettext_lazy("no answer at all"),
    "failed": gettext_lazy("not reached"),
}
WELL = ("waiting", "ringing", "answered")


@dataclass(frozen=True, slots=True)
class Hop:
    """One place that was tried."""

    address: str
    """Protocol, address and port; empty where the DNS led nowhere."""
    target: str
    leads: tuple[str, ...]
    """The answers of the DNS that led there."""
    at: datetime
    seconds: float
    """Since the call began."""
    outcome: str
    ending: str
    """How it ended, in words, with the SIP status or the reason."""

    @property
    def is_well(self) -> bool:
        return self.outcome in WELL


def hops_of(call: CallRecord | LiveCall) -> list[Hop]:
    """In the order in which they were tried."""
    return [_hop(row, call.started_at) for row in call.hops]


def _hop(row: Mapping[str, Any], began: datetime) -> Hop:
    at = datetime.fromisoformat(row["at"])
    said = " ".join(str(part) for part in (row["status"], row["reason"]) if part)
    ending = str(OUTCOMES.get(row["outcome"], row["outcome"]))
    return Hop(
        address=row["address"],
        target=row["target"],
        leads=tuple(row["leads"]),
        at=at,
        seconds=max(0.0, (at - began).total_seconds()),
        outcome=row["outcome"],
        ending=_("%(ending)s: %(said)s") % {"ending": ending, "said": said} if said else ending,
    )
