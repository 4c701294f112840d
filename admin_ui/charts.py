"""What the charts of pages show, as parts/charts.js reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from fedsip_platform.calls.queries import Hour

FEWEST = 2  # points that make a line
Line = tuple[str, str, Sequence[float | None]]
"""Its label, its colour (a custom property of the style sheet), and a value for each moment."""


def of_calls(hours: Sequence[Hour]) -> dict[str, Any]:
    """Calls by hour; bars of the answered ones stand before those of all, whose rest is seen."""
    bars = [
        (_("Not answered"), "--bad", [hour.calls for hour in hours]),
        (_("Answered"), "--good", [hour.answered for hour in hours]),
    ]
    chart = lines([hour.hour for hour in hours], bars)
    for one in chart["series"]:
        one["bars"] = True
    chart["series"][0]["said"] = [_reasons(hour) for hour in hours]
    return chart


def _reasons(hour: Hour) -> str:
    """How many were not answered, and why, the most frequent reason first."""
    ended = hour.failed.most_common()
    why = ", ".join(f"{n} {failure.reason or failure.status}" for failure, n in ended)
    return f"{hour.all_failed} ({why})" if why else str(hour.all_failed)


def of_failures(hours: Sequence[tuple[datetime, int]]) -> dict[str, Any]:
    """Failed sign-ins by hour, as bars."""
    chart = lines(
        [hour for hour, _amount in hours],
        [(_("Failed sign-ins"), "--bad", [amount for _hour, amount in hours])],
    )
    chart["series"][0]["bars"] = True
    return chart


def of_quality(hours: Sequence[Hour]) -> dict[str, Any]:
    """The average MOS by hour, with gaps where nothing was measured."""
    scores = [None if hour.mos is None else round(hour.mos, 2) for hour in hours]
    chart = lines([hour.hour for hour in hours], [("MOS", "--good", scores)])
    return chart | {"least": 1, "most": 5}


def of_call(media: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """MOS, loss (percent) and jitter (ms) of each direction's first stream as a call went on.

    Empty where they are not known.
    """
    lanes: dict[str, Sequence[Sequence[float]]] = {}
    for stream in media:
        series = stream.get("series", ())
        if len(series) >= FEWEST:
            lanes.setdefault(stream["sender"], series)
    if not lanes:
        return {}
    return {
        "mos": _of_directions(lanes, 1) | {"least": 1, "most": 5},
        "loss": _of_directions(lanes, 2),
        "jitter": _of_directions(lanes, 3),
    }


def _of_directions(lanes: Mapping[str, Sequence[Sequence[float]]], column: int) -> dict[str, Any]:
    """One line for each direction: this column of its samples, whose first is when they are of."""
    moments = sorted({sample[0] for lane in lanes.values() for sample in lane})
    names = {"caller": (_("from the caller"), "--good"), "callee": (_("from the callee"), "--warn")}
    shown = []
    for who, lane in lanes.items():
        values = {sample[0]: sample[column] for sample in lane}
        shown.append((*names[who], [values.get(at) for at in moments]))
    chart = lines([datetime.fromtimestamp(at, UTC) for at in moments], shown)
    for one in chart["series"]:
        one["gaps"] = False
    return chart


def lines(moments: Sequence[datetime], shown: Sequence[Line]) -> dict[str, Any]:
    """Lines over time."""
    return {
        "x": [int(moment.timestamp()) for moment in moments],
        "series": [
            {"label": label, "colour": colour, "values": list(values)}
            for label, colour, values in shown
        ],
    }
