"""How fast one browser may send."""

from __future__ import annotations

import pytest

from fedsip_platform.gateway.rate import Pace


def test_a_burst_passes_and_what_follows_waits_its_turn() -> None:
    pace = Pace(10, 3, now=0.0)
    waits = [pace.wait_seconds(now=0.0) for _ in range(5)]
    assert waits == pytest.approx([0, 0, 0, 0.1, 0.2])


def test_time_fills_it_again_up_to_the_burst() -> None:
    pace = Pace(10, 3, now=0.0)
    for _ in range(3):
        pace.wait_seconds(now=0.0)
    assert pace.wait_seconds(now=0.1) == 0
    assert pace.wait_seconds(now=0.1) == pytest.approx(0.1)
    assert [pace.wait_seconds(now=100.0) for _ in range(4)] == pytest.approx([0, 0, 0, 0.1])
