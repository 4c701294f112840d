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
WELL = ("waiting", "ringing", "answered", "cancelled")
"""Nothing is wrong with it: a phone that rang beside the one that answered is called off."""


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
    return [_hop(row, call.started_at) for row in rows_of(call)]


def rows_of(call: CallRecord | LiveCall) -> list[dict[str, Any]]:
    """As programs read them: those that were kept, or the only one as the other columns say it."""
    if call.hops or not call.hop:
        return list(call.hops)
    outcome, status, reason = _end_of(call)
    return [
        {
            "target": call.target,
            "address": call.hop,
            "leads": [],
            "at": call.started_at.isoformat(),
            "outcome": outcome,
            "status": status,
            "reason": reason,
        }
    ]


def _end_of(call: CallRecord | LiveCall) -> tuple[str, int, str]:
    """Outcome, status and reason of a call that went to one place."""
    if call.answered_at is not None:
        return "answered", 200, "OK"
    if isinstance(call, LiveCall):
        return "ringing" if call.ringing_at else "waiting", 0, ""
    match call.status:
        case 487:
            return "cancelled", 487, call.reason
        case 408 if call.ended_by != "callee":
            return "unanswered" if call.ringing_at else "silent", 0, ""
    return "refused" if call.ended_by == "callee" else "failed", call.status, call.reason


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
