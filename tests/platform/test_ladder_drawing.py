"""Where arrows stand, and which lines count as changed by us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from admin_ui.ladder_drawing import MARGIN, Sound, drawing_of

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


PHONE, FAR = "203.0.113.1:5060", "203.0.113.2:5060"


def talk() -> list[Passed]:
    """A call that is answered after one second and ended after nine."""
    begins = [(1, "INVITE", 0.0), (1, "ACK", 1.1), (2, "BYE", 9.0)]
    found = []
    for cseq, method, seconds in begins:
        text = f"{method} sip:b@x SIP/2.0\r\nCSeq: {cseq} {method}\r\n\r\n"
        at = START + timedelta(seconds=seconds)
        found += [Passed("in", PHONE, text, at), Passed("out", FAR, text, at)]
    return found


SOUND = Sound(
    "r1",
    START + timedelta(seconds=1),
    [
        {"sender": "caller", "codec": "PCMU", "packets": 400},
        {"sender": "callee", "codec": "PCMU", "packets": 0},
    ],
)


def test_the_sound_passes_the_relay_between_answer_and_end() -> None:
    drawing = drawing_of(talk(), PHONE, FAR, SOUND)
    assert [lane.whose for lane in drawing.lanes] == ["caller", "us", "relay", "callee"]
    phone, _us, relay, far = (lane.x for lane in drawing.lanes)
    there, back = drawing.streams
    assert (there.x1, there.via, there.x2, there.packets) == (phone, relay, far, 400)
    assert (back.x1, back.via, back.x2, back.packets) == (far, relay, phone, 0)
    ack, bye = drawing.arrows[3], drawing.arrows[4]
    assert ack.y < there.y < back.y < bye.y
    assert (ack.source.whose, ack.target.whose) == ("us", "callee")
    assert [arrow.gap for arrow in drawing.arrows] == [None, None, 1.1, None, 7.9, None]


def test_a_phone_without_a_lane_of_its_own_has_no_sound_drawn() -> None:
    for caller, callee in ((PHONE, "203.0.113.9:5060"), (PHONE, PHONE), ("", "")):
        drawing = drawing_of(talk(), caller, callee, SOUND)
        assert not drawing.streams
        assert "relay" not in [lane.whose for lane in drawing.lanes]


def test_labels_are_cut_to_their_arrows() -> None:
    text = "SIP/2.0 407 Proxy Authentication Required\r\nCSeq: 1 INVITE\r\n\r\n"
    others = [Passed("in", f"203.0.113.{n}:5060", "X", START) for n in (2, 3, 4)]
    [wide] = drawing_of([Passed("out", PHONE, text)]).arrows
    narrow = drawing_of([Passed("out", PHONE, text), *others]).arrows[0]
    assert wide.label == "407 Proxy Authentication Required"
    assert narrow.label == "407 Proxy Authenticati…"
