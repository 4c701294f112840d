"""Where a ladder's lanes and arrows stand in the picture, and what a message changed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedsip_platform.calls.ladder import Arrow, Ladder, Message, ladder_of

LANE = 240
TOP = 56
STEP = 40
MARGIN = 110


@dataclass(frozen=True, slots=True)
class DrawnLane:
    """A vertical line with its title."""

    x: int
    title: str
    is_ours: bool


@dataclass(frozen=True, slots=True)
class DrawnArrow:
    """A horizontal line from one lane to another, with its message."""

    arrow: Arrow
    x1: int
    x2: int
    y: int
    lines: tuple[tuple[str, bool], ...]
    """The message's lines, and whether each is new or changed since it came in."""

    @property
    def middle(self) -> int:
        return (self.x1 + self.x2) // 2

    @property
    def label_y(self) -> int:
        return self.y - 6

    @property
    def head(self) -> str:
        """The triangle at the end."""
        back = self.x2 - 8 if self.x2 > self.x1 else self.x2 + 8
        return f"{self.x2},{self.y} {back},{self.y - 4} {back},{self.y + 4}"


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it."""

    width: int
    height: int
    lanes: tuple[DrawnLane, ...]
    arrows: tuple[DrawnArrow, ...]


def drawing_of(messages: Sequence[Message]) -> Drawing:
    """The picture of a call's messages in order of time."""
    ladder: Ladder = ladder_of(messages)
    lanes = tuple(
        DrawnLane(MARGIN + number * LANE, lane.title, lane.is_ours)
        for number, lane in enumerate(ladder.lanes)
    )
    arrows = tuple(
        DrawnArrow(
            arrow,
            lanes[arrow.source].x,
            lanes[arrow.target].x,
            TOP + (number + 1) * STEP,
            _marked(messages, arrow.index, ladder),
        )
        for number, arrow in enumerate(ladder.arrows)
    )
    height = TOP + (len(arrows) + 1) * STEP
    return Drawing(2 * MARGIN + max(len(lanes) - 1, 1) * LANE, height, lanes, arrows)


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
