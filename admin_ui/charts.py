"""What the charts of pages show, as parts/charts.js reads it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from fedsip_platform.calls.queries import Hour

FEWEST = 2  # points that make a line
Line = tuple[str, str, Sequence[float | None]]
"""Its label, its colour (a custom property of the style sheet), and a value for each moment."""


def of_calls(hours: Sequence[Hour]) -> dict[str, Any]:
    """Calls by hour; bars of the answered ones stand before those of all."""
    bars = [
        (_("All"), "--bad", [hour.calls for hour in hours]),
        (_("Answered"), "--good", [hour.answered for hour in hours]),
    ]
    chart = lines([hour.hour for hour in hours], bars)
    for one in chart["series"]:
        one["bars"] = True
    return chart


def of_quality(hours: Sequence[Hour]) -> dict[str, Any]:
    """The average MOS by hour, with gaps where nothing was measured."""
    scores = [None if hour.mos is None else round(hour.mos, 2) for hour in hours]
    chart = lines([hour.hour for hour in hours], [("MOS", "--good", scores)])
    return chart | {"least": 1, "most": 5}


def lines(moments: Sequence[datetime], shown: Sequence[Line]) -> dict[str, Any]:
    """Lines over time."""
    return {
        "x": [int(moment.timestamp()) for moment in moments],
        "series": [
            {"label": label, "colour": colour, "values": list(values)}
            for label, colour, values in shown
        ],
    }
