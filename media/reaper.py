"""Which dialogues have ended without a delete: silent too long, or deleted with a delay. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from media.call import Call
from media.dialogue import Dialogue
from media.forward.rule import Address


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a dialogue may be silent, in seconds, by what it is doing."""

    answered: float
    held: float
    ringing: float

    def with_(self, dialogue: Dialogue) -> float:
        if not dialogue.is_answered:
            return self.ringing
        return self.held if dialogue.is_held else self.answered


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a look at all counters found: what is over and why, whose rules have changed."""

    ended: list[tuple[Call, Dialogue, str]]
    changed: list[Dialogue]


def sweep(
    calls: Iterable[Call],
    patience: Patience,
    packets: Callable[[Address], int],
    *,
    wall: float,
    now: float,
) -> Sweep:
    """Look at the counters of every port of every call."""
    found = Sweep([], [])
    for call in calls:
        for dialogue in call.dialogues:
            if dialogue.delete_at is not None:
                if dialogue.delete_at <= now:
                    found.ended.append((call, dialogue, "deleted"))
                continue
            note_packets(dialogue, packets, wall=wall, now=now)
            if now - dialogue.quiet_since >= patience.with_(dialogue):
                found.ended.append((call, dialogue, "silence"))
            elif _settle(dialogue, packets, now=now):
                found.changed.append(dialogue)
    return found


def note_packets(
    dialogue: Dialogue, packets: Callable[[Address], int], *, wall: float, now: float
) -> None:
    """Bring the time of the last packet up to date, at every port that has had one since."""
    for streams in dialogue.sections():
        for stream in streams:
            for end in stream.ends:
                count = packets(end.local)
                if count != end.packets_seen:
                    end.packets_seen = count
                    end.last_packet_wall = int(wall)
                    dialogue.quiet_since = now


def _settle(dialogue: Dialogue, packets: Callable[[Address], int], *, now: float) -> bool:
    """True when some port has become exclusive, or is no longer. RTCP is too rare to judge by."""
    changes = [
        stream.rtp.settle(packets(stream.rtp.local), now=now)
        for streams in dialogue.sections()
        for stream in streams
        if stream.pair is not None and stream.rides is None
    ]
    return any(changes)
