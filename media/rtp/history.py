"""How one direction sounded as time went by: some samples, however long the call."""

from __future__ import annotations

from dataclasses import dataclass

from media.rtp.stats import mean_opinion_score

FIRST_STEP = 5.0
"""Seconds between samples at first; doubled whenever there are too many."""
MOST_SAMPLES = 48


@dataclass(frozen=True, slots=True)
class Sample:
    """What came in since the sample before."""

    at: int
    """Seconds of the epoch."""
    loss_fraction: float
    jitter_seconds: float
    mos: float


class History:
    """Samples of one stream; at most MOST_SAMPLES, evenly spread over its time."""

    __slots__ = ("_due", "_expected", "_lost", "samples", "step")

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.step = FIRST_STEP
        self._due: float | None = None
        self._expected = self._lost = 0

    def is_due(self, *, now: float) -> bool:
        """Whether it is time for a sample; asked before counters are read, which costs more."""
        if self._due is None:
            self._due = now + self.step
        return now >= self._due

    def note(
        self,
        *,
        expected: int,
        lost: int,
        jitter_seconds: float,
        round_trip_seconds: float,
        at: int,
        now: float,
    ) -> None:
        """Take a sample: `expected` and `lost` are counts of the whole stream so far."""
        self._due = now + self.step
        came, missed = expected - self._expected, lost - self._lost
        self._expected, self._lost = expected, lost
        if came <= 0:
            return  # held, or silent: there is nothing to judge
        loss = min(1.0, max(0.0, missed / came))
        score = mean_opinion_score(
            loss_fraction=loss,
            jitter_seconds=jitter_seconds,
            round_trip_seconds=round_trip_seconds,
        )
        self.samples.append(Sample(at, loss, jitter_seconds, score))
        if len(self.samples) > MOST_SAMPLES:
            self._thin()

    def _thin(self) -> None:
        """Make one of each two neighbours, and wait twice as long from now on."""
        pairs = zip(self.samples[::2], self.samples[1::2], strict=False)
        halved = [_mean(one, other) for one, other in pairs]
        self.samples = halved + self.samples[len(halved) * 2 :]
        self.step *= 2


def _mean(one: Sample, other: Sample) -> Sample:
    return Sample(
        other.at,
        (one.loss_fraction + other.loss_fraction) / 2,
        (one.jitter_seconds + other.jitter_seconds) / 2,
        (one.mos + other.mos) / 2,
    )
