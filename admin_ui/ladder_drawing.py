"""Where a ladder's lanes and arrows stand in the picture, and what a message changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fedsip_platform.calls.ladder import Arrow, Ladder, Message, ladder_of

LANES = {2: 240, 3: 240, 4: 190}
"""How far lanes stand apart, by their number; more of them stand closer."""
LEAST_LANE = 168
TOP = 52
STEP = 34
MARGIN = 110
LETTER = 6.6
"""Pixels that a letter of a label takes, on average."""
SHORTEST_GAP = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Sound:
    """What the relay carried between both phones, as the call's record has it."""

    relay: str
    answered_at: datetime
    streams: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class DrawnLane:
    """A vertical line with its title, and whose it is: caller, us, relay, callee, or nobody's."""

    x: int
    title: str
    short: str
    """The title, cut to the room that it has."""
    whose: str


@dataclass(frozen=True, slots=True)
class DrawnArrow:
    """A horizontal line from one lane to another, with its message."""

    arrow: Arrow
    x1: int
    x2: int
    y: int
    source: DrawnLane
    target: DrawnLane
    lines: tuple[tuple[str, bool], ...]
    """The message's lines, and whether each is new or changed since it came in."""
    gap: float | None
    """Seconds since the message before, where that is long ago."""

    @property
    def middle(self) -> int:
        return (self.x1 + self.x2) // 2

    @property
    def label(self) -> str:
        """As much of title and note as there is room for."""
        again = " ↻" if self.arrow.is_repeated else ""
        room = int((abs(self.x2 - self.x1) - 16) / LETTER)
        whole = f"{self.arrow.title} ({self.arrow.note}){again}" if self.arrow.note else ""
        if whole and len(whole) <= room:
            return whole
        return cut(f"{self.arrow.title}{again}", room)

    @property
    def label_y(self) -> int:
        return self.y - 6

    @property
    def head(self) -> str:
        return _head(self.x1, self.x2, self.y)


@dataclass(frozen=True, slots=True)
class DrawnStream:
    """One direction of the sound, from phone to phone through the relay."""

    x1: int
    via: int
    x2: int
    y: int
    sender: str
    codec: str
    packets: int

    @property
    def label_x(self) -> int:
        return (self.x1 + self.via) // 2

    @property
    def label_y(self) -> int:
        return self.y - 6

    @property
    def head(self) -> str:
        return _head(self.x1, self.x2, self.y)


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it."""

    width: int
    height: int
    lanes: tuple[DrawnLane, ...]
    arrows: tuple[DrawnArrow, ...]
    streams: tuple[DrawnStream, ...]


def drawing_of(
    messages: Sequence[Message], caller: str = "", callee: str = "", sound: Sound | None = None
) -> Drawing:
    """The picture of a call's messages in order of time, and of the sound between its phones.

    `caller` and `callee` are address and port that the call came from and went to.
    """
    ladder: Ladder = ladder_of(messages)
    outside = {lane.key for lane in ladder.lanes if not lane.is_ours}
    if caller == callee or not {caller, callee} <= outside:
        sound = None  # a phone without a lane of its own
    ends = {callee: "callee", caller: "caller"}
    lanes, relay = _lanes(ladder, ends, sound)
    at_row = _first_after(ladder.arrows, sound.answered_at) if sound else len(ladder.arrows)
    taken = len(sound.streams) if sound else 0
    arrows = tuple(
        DrawnArrow(
            arrow,
            lanes[arrow.source].x,
            lanes[arrow.target].x,
            _y(number + (taken if number >= at_row else 0)),
            lanes[arrow.source],
            lanes[arrow.target],
            _marked(messages, arrow.index, ladder),
            _gap(ladder.arrows, number),
        )
        for number, arrow in enumerate(ladder.arrows)
    )
    streams = _streams(sound, lanes, relay.x, at_row) if sound and relay else ()
    shown = sorted((*lanes, *([relay] if relay else [])), key=lambda lane: lane.x)
    height = _y(len(arrows) + taken)
    return Drawing(
        2 * MARGIN + max(shown[-1].x - MARGIN, LEAST_LANE), height, tuple(shown), arrows, streams
    )


def cut(text: str, room: int) -> str:
    """A text of so many letters at most."""
    return text if len(text) <= room else text[: max(room - 1, 1)].rstrip() + "…"


def _lanes(
    ladder: Ladder, ends: Mapping[str, str], sound: Sound | None
) -> tuple[list[DrawnLane], DrawnLane | None]:
    """The ladder's lanes, and the relay's, which stands right of our last node."""
    after = max((at for at, lane in enumerate(ladder.lanes) if lane.is_ours), default=0)
    apart = LANES.get(len(ladder.lanes) + (sound is not None), LEAST_LANE)
    room = int(apart / LETTER)

    def lane_at(place: int, title: str, whose: str) -> DrawnLane:
        return DrawnLane(MARGIN + place * apart, title, cut(title, room), whose)

    lanes = [
        lane_at(at + (sound is not None and at > after), lane.title, whose)
        for at, lane in enumerate(ladder.lanes)
        for whose in ["us" if lane.is_ours else ends.get(lane.key, "")]
    ]
    return lanes, lane_at(after + 1, sound.relay, "relay") if sound else None


def _streams(
    sound: Sound, lanes: Sequence[DrawnLane], relay_x: int, row: int
) -> tuple[DrawnStream, ...]:
    ends = {lane.whose: lane.x for lane in lanes}
    return tuple(
        DrawnStream(
            ends[stream["sender"]],
            relay_x,
            ends["callee" if stream["sender"] == "caller" else "caller"],
            _y(row + number),
            stream["sender"],
            stream.get("codec", ""),
            stream.get("packets", 0),
        )
        for number, stream in enumerate(sound.streams)
    )


def _first_after(arrows: Sequence[Arrow], answered_at: datetime) -> int:
    """Where the dialog goes on after it was set up: the first request then that is no ACK."""
    for number, arrow in enumerate(arrows):
        if arrow.at >= answered_at and arrow.kind == "request" and arrow.title != "ACK":
            return number
    return len(arrows)


def _gap(arrows: Sequence[Arrow], number: int) -> float | None:
    if number == 0:
        return None
    gap = arrows[number].seconds - arrows[number - 1].seconds
    return gap if gap >= SHORTEST_GAP else None


def _y(row: int) -> int:
    return TOP + (row + 1) * STEP


def _head(x1: int, x2: int, y: int) -> str:
    """The triangle at the end of an arrow."""
    back = x2 - 8 if x2 > x1 else x2 + 8
    return f"{x2},{y} {back},{y - 4} {back},{y + 4}"


def _marked(
    messages: Sequence[Message], index: int, ladder: Ladder
) -> tuple[tuple[str, bool], ...]:
    lines = messages[index].text.replace("\r\n", "\n").rstrip("\n").split("\n")
    earlier = _as_it_came(messages, index, ladder)
    if earlier is None:
        return tuple((line, False) for line in lines)
    known = set(earlier.text.replace("\r\n", "\n").split("\n"))
    return tuple((line, line not in known) for line in lines)


def _as_it_came(messages: Sequence[Message], index: int, ladder: Ladder) -> Message | None:
    """What a message that we sent was when we received it."""
    sent = messages[index]
    if sent.way != "out":
        return None
    kinds = [(arrow.transaction, arrow.title) for arrow in ladder.arrows]
    for at in range(index - 1, -1, -1):
        if messages[at].way == "in" and kinds[at] == kinds[index]:
            return messages[at]
    return None
