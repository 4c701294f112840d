"""Where arrows stand, and which lines count as changed by us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from admin_ui.ladder_drawing import MARGIN, drawing_of

START = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass
class Passed:
    """A message as it passed a node."""

    way: str
    remote: str
    text: str
    at: datetime = START
    node_id: str = "a"
    protocol: str = "UDP"
    local: str = "192.0.2.1:5060"


def test_arrows_lead_from_lane_to_lane_and_mark_what_we_changed() -> None:
    came = "INVITE sip:b@x SIP/2.0\r\nMax-Forwards: 70\r\nCSeq: 1 INVITE\r\n\r\n"
    went = "INVITE sip:b@x SIP/2.0\r\nMax-Forwards: 69\r\nCSeq: 1 INVITE\r\n\r\n"
    drawing = drawing_of(
        [
            Passed("in", "203.0.113.1:5060", came),
            Passed("out", "203.0.113.2:5060", went, START + timedelta(milliseconds=5)),
        ]
    )
    first, second = drawing.arrows
    assert first.x1 == MARGIN
    assert first.x2 == second.x1 == drawing.lanes[1].x
    assert second.y > first.y
    assert drawing.width > second.x2
    assert drawing.height > second.y
    assert not any(is_new for _, is_new in first.lines)
    assert [line for line, is_new in second.lines if is_new] == ["Max-Forwards: 69"]
