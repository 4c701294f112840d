"""Which dialogues have ended without a delete: silent too long, or deleted with a delay. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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


def sweep(
    calls: Iterable[Call],
    patience: Patience,
    packets: Callable[[Address], int],
    *,
    wall: float,
    now: float,
) -> Iterator[tuple[Call, Dialogue, str]]:
    """Look at the counters of every port; yield what is over, and why."""
    for call in calls:
        for dialogue in call.dialogues:
            if dialogue.delete_at is not None:
                if dialogue.delete_at <= now:
                    yield call, dialogue, "deleted"
                continue
            note_packets(dialogue, packets, wall=wall, now=now)
            if now - dialogue.quiet_since >= patience.with_(dialogue):
                yield call, dialogue, "silence"


def note_packets(
    dialogue: Dialogue, packets: Callable[[Address], int], *, wall: float, now: float
) -> None:
    """Bring the time of the last packet up to date, at every port that has had one since."""
    for streams in dialogue.sections():
        for stream in streams:
            if stream.pair is None:
                continue
            for end in (stream.rtp, stream.rtcp):
                count = packets(end.local)
                if count != end.packets_seen:
                    end.packets_seen = count
                    end.last_packet_wall = int(wall)
                    dialogue.quiet_since = now
