"""What becomes of a call, as lines to read."""

from __future__ import annotations

import pytest

from admin_ui.call_way import way_of
from fedsip_platform.routing.models import Forward


def on(condition: str, target: str = "bob@example.com") -> Forward:
    return Forward(condition=condition, target=target, ring_seconds=20, enabled=True)


@pytest.mark.parametrize(
    ("forwards", "devices", "lines"),
    [
        ([], 0, [["no device is registered", "the call ends at once"]]),
        (
            [],
            1,
            [
                ["1 device rings", "until somebody answers or the caller gives up"],
                ["when busy", "the caller hears so"],
            ],
        ),
        ([on("always")], 2, [["bob@example.com at once, no phone rings"]]),
        (
            [on("no_answer"), on("busy", "+15551234567")],
            2,
            [
                ["2 devices ring for 20 s", "bob@example.com when nobody answers"],
                ["when busy", "+15551234567"],
            ],
        ),
        (
            [on("not_registered"), on("no_answer")],
            0,
            [["no device is registered", "bob@example.com"]],
        ),
        (
            [on("not_registered")],
            2,
            [
                ["2 devices ring", "until somebody answers or the caller gives up"],
                ["when busy", "the caller hears so"],
                ["while no device is registered", "bob@example.com"],
            ],
        ),
    ],
)
def test_lines(forwards: list[Forward], devices: int, lines: list[list[str]]) -> None:
    told = [
        [f"{step.what} {step.when}".strip() for step in line] for line in way_of(forwards, devices)
    ]
    assert told == lines
