"""Samples of how a stream sounds: evenly spread, never more than some, none of silence."""

from __future__ import annotations

import itertools

from media.rtp.history import FIRST_STEP, MOST_SAMPLES, History


def note(history: History, now: float, *, expected: int, lost: int = 0) -> None:
    history.note(
        expected=expected, lost=lost, jitter_seconds=0.001, round_trip_seconds=0.0, at=int(now),
        now=now,
    )  # fmt: skip


def test_it_is_due_each_step() -> None:
    history = History()
    assert not history.is_due(now=100.0)
    assert not history.is_due(now=100.0 + FIRST_STEP - 0.1)
    assert history.is_due(now=100.0 + FIRST_STEP)
    note(history, 106.0, expected=250)
    assert not history.is_due(now=106.0 + FIRST_STEP - 0.1)
    assert history.is_due(now=106.0 + FIRST_STEP)


def test_a_sample_is_of_what_came_since_the_one_before() -> None:
    history = History()
    note(history, 5.0, expected=250)
    note(history, 10.0, expected=500, lost=25)
    note(history, 15.0, expected=750, lost=20)  # late ones came after all
    assert [sample.loss_fraction for sample in history.samples] == [0.0, 0.1, 0.0]
    good, bad, _ = history.samples
    assert good.mos > 4.3 > bad.mos
    assert bad.at == 10


def test_silence_is_no_sample() -> None:
    history = History()
    note(history, 5.0, expected=0)
    note(history, 10.0, expected=250)
    note(history, 15.0, expected=250)
    assert len(history.samples) == 1


def test_a_long_call_has_no_more_samples_than_a_short_one() -> None:
    history, now, expected = History(), 0.0, 0
    history.is_due(now=now)
    while now < 4 * 3600.0:
        now += 1.0
        expected += 50
        if history.is_due(now=now):
            note(history, now, expected=expected)
    assert MOST_SAMPLES // 2 <= len(history.samples) <= MOST_SAMPLES
    times = [sample.at for sample in history.samples]
    steps = {later - earlier for earlier, later in itertools.pairwise(times)}
    assert max(steps) <= 2 * history.step
    assert times[0] <= history.step
