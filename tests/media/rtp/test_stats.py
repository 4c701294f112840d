"""Loss, jitter, round trip, MOS: against RFC 3550's own words and known figures."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media.rtp import Hearsay, Reception, mean_opinion_score, packet
from media.rtp.rtcp import ReportBlock
from media.rtp.stats import counted_by_two


def rtp(sequence: int, *, timestamp: int | None = None, ssrc: int = 1) -> bytes:
    return packet.build(
        payload_type=0,
        sequence_number=sequence,
        rtp_timestamp=160 * sequence if timestamp is None else timestamp,
        ssrc=ssrc,
        payload=b"",
    )


def heard(sequences: list[int], ssrc: int = 1) -> Reception:
    reception = Reception()
    for sequence in sequences:
        reception.received(rtp(sequence, ssrc=ssrc), now=0.0)
    return reception


def numbers(first: int, last: int) -> list[int]:
    return [number & 0xFFFF for number in range(first, last + 1)]


BY_TWO = {
    "nobody": ([], [], 0, 0),
    "the first by one": ([5, 6], numbers(7, 100), 96, 0),
    "one in the midst": ([*numbers(1, 50), *numbers(55, 100)], numbers(51, 54), 100, 0),
    "by turns": (numbers(1, 100)[::2], numbers(1, 100)[1::2], 100, 0),
    "by turns, and lost": ([1, 5, 9], [2, 6], 9, 4),
    "first and last": (numbers(3, 2000), [1, 2, 2001], 2001, 0),
    "around zero": ([65534, 65535], [0, 1, 2], 5, 0),
    "first, long before": (numbers(5, 40_004), numbers(1, 4), 40_004, 0),
    "of a long call the end": (numbers(0, 200_000), numbers(200_001, 200_005), 200_006, 0),
    "of a long call the beginning": (numbers(4, 200_000), numbers(0, 3), 200_001, 0),
    "a jump": (numbers(1, 10), numbers(20_001, 20_010), 20, 0),
}


@pytest.mark.parametrize("case", BY_TWO)
def test_two_who_count_parts_of_a_stream(case: str) -> None:
    one, other, expected, lost = BY_TWO[case]
    assert counted_by_two(heard(one).run, heard(other).run) == (expected, lost)
    assert counted_by_two(heard(other).run, heard(one).run) == (expected, lost)


def test_two_streams_counted_by_two() -> None:
    assert counted_by_two(heard([1, 3]).run, heard([2], ssrc=2).run) == (4, 1)


LOSSES = [
    ([], 0, 0),
    ([5], 1, 0),
    ([65535], 1, 0),
    ([65535, 0, 1], 3, 0),
    ([1, 2, 3], 3, 0),
    ([1, 3], 3, 1),
    ([1, 3, 2], 3, 0),
    ([1, 1, 2, 3], 3, 0),
    ([65534, 2], 5, 3),
    ([1, 2999], 2999, 2997),
    ([1, 30000, 30001], 3, 0),  # a jump is a source that began anew
    ([100, 50, 101], 2, 0),  # late by 50: not before the first, but no new source either
]


@pytest.mark.parametrize(("sequences", "expected", "lost"), LOSSES)
def test_loss(sequences: list[int], expected: int, lost: int) -> None:
    reception = heard(sequences)
    assert (reception.expected, reception.lost) == (expected, lost)
    assert reception.rtp_packets == len(sequences)


def test_loss_fraction() -> None:
    assert heard([1, 2, 4, 5]).loss_fraction == pytest.approx(0.2)
    assert Reception().loss_fraction == 0.0


def test_another_source_with_near_numbers_begins_anew() -> None:
    reception = heard([100, 101])
    for number in range(40, 65):
        assert reception.ssrc == 1
        reception.received(rtp(number, ssrc=2), now=0.0)
    assert (reception.ssrc, reception.expected, reception.lost) == (2, 3, 0)


def test_retransmissions_beside_a_source_are_neither_loss_nor_another_source() -> None:
    """RFC 4588: they have an SSRC and numbers of their own."""
    reception = heard([])
    for number in range(100):
        reception.received(rtp(number), now=0.0)
        if number != 50:
            reception.received(rtp(9000 + number, ssrc=2), now=0.0)
    reception.received(rtp(101), now=0.0)
    assert (reception.ssrc, reception.expected, reception.lost) == (1, 102, 1)


def test_a_source_may_go_on_under_another_name() -> None:
    reception = heard([13, 14, 15])
    for number in (16, 17, 19):
        reception.received(rtp(number, ssrc=2), now=0.0)
    assert (reception.ssrc, reception.expected, reception.lost) == (2, 7, 1)


@given(st.integers(0, 65535), st.sets(st.integers(1, 400)))
@example(65535, {1})
def test_loss_of_any_pattern_over_the_wrap(first: int, missing: set[int]) -> None:
    numbers = [n for n in range(402) if n not in missing]
    reception = heard([(first + n) & 0xFFFF for n in numbers])
    assert (reception.expected, reception.lost) == (402, len(missing))


def test_jitter_of_a_steady_source_is_nothing() -> None:
    reception = Reception()
    for number in range(400):
        reception.received(rtp(number), now=number * 0.020)
    assert reception.jitter_seconds == pytest.approx(0.0, abs=1e-9)


def test_jitter_follows_rfc_3550() -> None:
    """Every second packet is 5 ms late: |D| is 5 ms, and J moves to it by sixteenths."""
    reception = Reception()
    expected = 0.0
    for number in range(16 * 40):
        reception.received(rtp(number), now=number * 0.020 + 0.005 * (number % 2))
        if number % 16 == 1:
            expected += (0.005 - expected) / 16
    assert reception.jitter_seconds == pytest.approx(expected)
    assert 0.0045 < expected < 0.005


def test_jitter_in_the_clock_of_the_codec_and_over_its_wrap() -> None:
    reception = Reception()
    reception.clock_rates = {0: 48_000}
    for number in range(64):
        timestamp = (0xFFFFFFFF - 10_000 + 960 * number) & 0xFFFFFFFF
        reception.received(rtp(number, timestamp=timestamp), now=number * 0.020)
    assert reception.jitter_seconds == pytest.approx(0.0, abs=1e-6)


def test_jitter_of_timestamps_that_run_back_and_of_a_leap_of_the_clock() -> None:
    reception = Reception()
    reception.received(rtp(16, timestamp=320), now=0.0)
    reception.received(rtp(17, timestamp=160), now=0.0)
    assert reception.jitter_seconds == pytest.approx(0.020 / 16)
    reception.received(rtp(32), now=0.0)
    reception.received(rtp(33), now=3600.0)
    assert reception.jitter_seconds == pytest.approx(0.020 / 16)


def test_only_neighbours_make_a_pair() -> None:
    reception = Reception()
    reception.received(rtp(16), now=0.0)
    reception.received(rtp(33), now=5.0)
    assert reception.jitter_seconds == 0.0


def block(last_sr: int, delay: int) -> ReportBlock:
    return ReportBlock(1, 64, 12, 0, 80, last_sr, delay)


def test_round_trip() -> None:
    hearsay = Hearsay()
    hearsay.sent_to(0xABCD, now=10.0)
    hearsay.said(block(0xABCD, 65536), now=11.25)
    assert hearsay.round_trip_seconds == pytest.approx(0.25)
    assert (hearsay.reports, hearsay.fraction_lost, hearsay.lost, hearsay.jitter) == (
        1,
        0.25,
        12,
        80,
    )
    hearsay.said(block(0xABCD, 3 * 65536), now=12.0)
    assert hearsay.round_trip_seconds == 0.0  # its clock is wrong, not ours


def test_round_trip_needs_a_report_that_passed() -> None:
    hearsay = Hearsay()
    hearsay.said(block(7, 0), now=1.0)
    assert hearsay.round_trip_seconds is None
    for number in range(100, 120):
        hearsay.sent_to(number, now=1.0)
    hearsay.said(block(100, 0), now=2.0)  # forgotten: only the last sixteen are kept
    assert hearsay.round_trip_seconds is None
    hearsay.said(block(119, 0), now=2.0)
    assert hearsay.round_trip_seconds == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("loss", "jitter", "round_trip", "low", "high"),
    [
        (0.0, 0.0, 0.0, 4.40, 4.41),
        (0.0, 0.020, 0.100, 4.3, 4.4),
        (0.01, 0.0, 0.0, 4.3, 4.35),
        (0.05, 0.0, 0.0, 3.9, 4.0),
        (0.0, 0.0, 1.0, 2.2, 3.0),
        (1.0, 1.0, 9.0, 1.0, 1.0),
        (7.0, 0.0, 0.0, 1.0, 1.4),
        (-1.0, 0.0, 0.0, 4.40, 4.41),
    ],
)
def test_mean_opinion_score(
    loss: float, jitter: float, round_trip: float, low: float, high: float
) -> None:
    score = mean_opinion_score(
        loss_fraction=loss, jitter_seconds=jitter, round_trip_seconds=round_trip
    )
    assert low <= score <= high
