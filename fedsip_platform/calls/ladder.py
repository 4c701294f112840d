"""The ladder of one call: lanes for the places that spoke, an arrow for each message. Pure.

The dashboard draws it, `fedsip trace` prints it. `Message` is what a CallMessage
of messages.py has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

_LANE_WIDTH = 26


class Message(Protocol):
    """One message as it passed a node."""

    node_id: str
    at: datetime
    way: str
    protocol: str
    local: str
    remote: str
    text: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A place: a node of ours, or an address that it spoke with."""

    key: str
    title: str
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """A message from one lane to another."""

    index: int
    """Which of the messages."""
    source: int
    target: int
    at: datetime
    seconds: float
    """Since the first message."""
    title: str
    """Method, or status and reason."""
    note: str
    """What else is worth seeing at first sight, such as SDP."""
    kind: str
    """request, provisional, success, redirect or failure."""
    transaction: str
    """The same for a request and its responses."""
    is_repeated: bool
    """A retransmission of an earlier one."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Lanes from left to right, arrows from top to bottom."""

    lanes: tuple[Lane, ...]
    arrows: tuple[Arrow, ...]


def ladder_of(messages: Sequence[Message]) -> Ladder:
    """The ladder of messages in the order of time. The first one's sender stands on the left, our
    nodes right of it, then everybody else."""
    outside = list(dict.fromkeys(message.remote for message in messages))
    nodes = list(dict.fromkeys(message.node_id for message in messages))
    protocols = {message.remote: message.protocol for message in messages}
    lanes = [Lane(one, f"{protocols[one]} {one}", False) for one in outside[:1]]
    lanes += [Lane(one, f"node {one}", True) for one in nodes]
    lanes += [Lane(one, f"{protocols[one]} {one}", False) for one in outside[1:]]
    place = {(lane.key, lane.is_ours): at for at, lane in enumerate(lanes)}
    seen: set[tuple[str, str, str]] = set()
    arrows = []
    for index, message in enumerate(messages):
        far, near = place[message.remote, False], place[message.node_id, True]
        source, target = (far, near) if message.way == "in" else (near, far)
        fingerprint = (message.way, message.remote, message.text)
        arrows.append(_arrow(index, message, messages[0], source, target, fingerprint in seen))
        seen.add(fingerprint)
    return Ladder(tuple(lanes), tuple(arrows))


def as_text(ladder: Ladder) -> str:
    """The ladder for a terminal."""
    count = len(ladder.lanes)
    titles = "".join(lane.title[: _LANE_WIDTH - 2].center(_LANE_WIDTH) for lane in ladder.lanes)
    lines = [f"{'':>10} {titles}".rstrip()]
    bare = _row(["|"] * count)
    for arrow in ladder.arrows:
        lines.append(f"{'':>10} {_label(bare, arrow)}".rstrip())
        lines.append(f"{arrow.seconds:>10.3f} {_shaft(bare, arrow)}".rstrip())
    lines.append(f"{'':>10} {bare}".rstrip())
    return "\n".join(lines)


def _arrow(
    index: int, message: Message, first: Message, source: int, target: int, is_repeated: bool
) -> Arrow:
    start, *lines = message.text.split("\r\n")
    fields = dict(_fields(lines))
    number, _, method = fields.get("cseq", "").partition(" ")
    if start.startswith("SIP/"):
        status, _, reason = start.partition(" ")[2].partition(" ")
        title, kind = f"{status} {reason}".strip(), _kind(status)
    else:
        title, kind = start.partition(" ")[0], "request"
    belongs = "INVITE" if method.strip() in ("ACK", "CANCEL") else method.strip()
    notes = []
    if "sdp" in fields.get("content-type", fields.get("c", "")).lower():
        notes.append("SDP")
    if kind != "request" and method.strip():
        notes.append(method.strip())
    return Arrow(
        index,
        source,
        target,
        message.at,
        (message.at - first.at).total_seconds(),
        title,
        ", ".join(notes),
        kind,
        f"{number} {belongs}",
        is_repeated,
    )


def _fields(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        if not line:
            return
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip().lower(), value.strip()


def _kind(status: str) -> str:
    kinds = {"1": "provisional", "2": "success", "3": "redirect"}
    return kinds.get(status[:1], "failure")


def _row(cells: Iterable[str]) -> str:
    return "".join(cell.center(_LANE_WIDTH) for cell in cells)


def _middle(lane: int) -> int:
    return lane * _LANE_WIDTH + (_LANE_WIDTH - 1) // 2


def _label(bare: str, arrow: Arrow) -> str:
    title = arrow.title + (f" ({arrow.note})" if arrow.note else "")
    title += " again" if arrow.is_repeated else ""
    left, right = sorted((_middle(arrow.source), _middle(arrow.target)))
    room = right - left - 3
    label = title[:room].center(room)
    return f"{bare[: left + 2]}{label}{bare[right - 1 :]}"


def _shaft(bare: str, arrow: Arrow) -> str:
    left, right = sorted((_middle(arrow.source), _middle(arrow.target)))
    line = "-" * (right - left - 2)
    shaft = f"{line}>" if arrow.source < arrow.target else f"<{line}"
    return f"{bare[: left + 1]}{shaft}{bare[right:]}"
