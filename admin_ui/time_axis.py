"""One call on one axis of time: where its messages and its decisions stand, and what each was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from admin_ui.ladder_drawing import Drawing
from fedsip_platform.calls.hops import hops_of
from fedsip_platform.calls.models import CallRecord, LiveCall

SHORTEST = timedelta(milliseconds=100)
TICKS = 4


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that was decided about a call, or became of it."""

    seconds: float
    """Since the axis begins."""
    what: str
    address: str = ""
    ending: str = ""
    is_well: bool = True
    target: str = ""
    leads: tuple[str, ...] = ()
    """The DNS's answers."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on the axis."""

    seconds: float
    percent: float
    title: str
    kind: str
    opens: str = ""
    """Id of what is opened by it."""


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """From the first message to the end; instants are seconds of the epoch."""

    begin: float
    end: float
    messages: tuple[Mark, ...]
    decided: tuple[Mark, ...]
    decisions: tuple[Decision, ...]
    ticks: tuple[Mark, ...]


def axis_of(call: CallRecord | LiveCall, drawing: Drawing | None, *, now: datetime) -> TimeAxis:
    """The axis of a call whose ladder is drawn, or whose messages were not kept."""
    arrows = [drawn.arrow for drawn in drawing.arrows] if drawing else []
    begin = arrows[0].at if arrows else call.started_at
    last = [arrow.at for arrow in arrows[-1:]]
    end = max(call.ended_at if isinstance(call, CallRecord) else now, begin + SHORTEST, *last)
    length = (end - begin).total_seconds()

    def mark(seconds: float, title: str, kind: str, opens: str = "") -> Mark:
        return Mark(seconds, round(100 * seconds / length, 3), title, kind, opens)

    decisions = tuple(decisions_of(call, begin))
    return TimeAxis(
        begin.timestamp(),
        end.timestamp(),
        tuple(mark(one.seconds, one.title, one.kind, f"message-{one.index}") for one in arrows),
        tuple(
            mark(
                one.seconds,
                " ".join(filter(None, (one.what, one.address, one.ending))),
                "success" if one.is_well else "failure",
            )
            for one in decisions
        ),
        decisions,
        tuple(mark(at, elapsed(at), "") for at in _spread(length)),
    )


def decisions_of(call: CallRecord | LiveCall, begin: datetime) -> list[Decision]:
    """In the order in which they were made: it came, was tried, rang, was answered, ended."""

    def since(at: datetime) -> float:
        return max(0.0, (at - begin).total_seconds())

    came = Decision(since(call.started_at), _("Came from"), call.caller_address)
    found = [
        Decision(
            since(hop.at),
            _("Sent to") if hop.address else _("Looked up"),
            hop.address,
            hop.ending,
            hop.is_well,
            hop.target,
            hop.leads,
        )
        for hop in hops_of(call)
    ]
    if call.ringing_at is not None:
        found.append(Decision(since(call.ringing_at), _("Rang")))
    if call.answered_at is not None:
        found.append(Decision(since(call.answered_at), _("Answered")))
    if isinstance(call, CallRecord):
        ending = " ".join(str(part) for part in (call.status, call.reason) if part)
        is_well = call.answered_at is not None
        by = _("Ended by %(who)s") % {"who": call.get_ended_by_display()}
        found.append(Decision(since(call.ended_at), by, "", ending, is_well))
    return [came, *sorted(found, key=lambda one: one.seconds)]


def elapsed(seconds: float) -> str:
    """As clocks of calls say it, 1:05; below ten seconds with parts."""
    if seconds < 10:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def _spread(length: float) -> Sequence[float]:
    return [length * step / TICKS for step in range(TICKS + 1)]
