"""Loss, jitter and round-trip time of one direction, and what a listener would make of them.

The engine calls `Reception` for every packet in its own words (see forward/python.py): a packet in
order costs it one comparison and one addition; only what is out of order, and two of sixteen
packets for the jitter, come here.
"""

from __future__ import annotations

from typing import NamedTuple

from media.rtp.packet import Buffer, payload_type, rtp_timestamp, sequence_number, ssrc
from media.rtp.rtcp import ReportBlock

_MAX_DROPOUT = 3000  # RFC 3550 A.1
_MAX_MISORDER = 100
_MOST_ASIDE = 25
_MAX_REPORTS = 16
DEFAULT_CLOCK_RATE = 8000
SAMPLE_MASK = 15


class Run(NamedTuple):
    """The sequence numbers that somebody has counted: from `base` up to before `next` in the
    present run, `before` in those that have ended, and the packets of all of them that came."""

    ssrc: int
    base: int
    next: int
    before: int
    packets: int


def counted_by_two(one: Run, other: Run) -> tuple[int, int]:
    """How many packets a source has sent and how many of them never came, where two have counted,
    each those that it saw: what the one missed the other may have had, in the midst of its run."""
    lengths = one.next - one.base, other.next - other.base
    before, packets = one.before + other.before, one.packets + other.packets
    expected = sum(lengths)
    if all(lengths) and one.ssrc == other.ssrc:
        # Their distance is known in 16 bits: it is that for which least was lost, or doubled.
        joined = min(
            (
                max(one.next, other.next + shift) - min(one.base, other.base + shift)
                for shift in (_shift(one.next, other.next), _shift(one.base, other.base))
            ),
            key=lambda numbers: abs(numbers + before - packets),
        )
        if joined < expected + _MAX_DROPOUT:
            expected = joined
    expected += before
    return expected, max(0, expected - packets)


def _shift(number: int, other: int) -> int:
    """What to add to the other so that it is the nearest to the number that it can be."""
    return number + ((other - number + 0x8000) & 0xFFFF) - 0x8000 - other


class Reception:
    """Sequence numbers and arrival times of the RTP that comes in on one port.

    `next` is the extended sequence number that is expected now, `base` the first one of this run of
    numbers; a new run begins when a source jumps. Who sends beside that source (RFC 4588's
    retransmissions) is not counted until it is silent. Jitter is RFC 3550 A.8 over the pairs of
    neighbours whose first number is a multiple of 16: the same estimate, a sixteenth of the work.
    """

    __slots__ = (
        "_aside",
        "_aside_at",
        "_expected_before",
        "_pair_arrival",
        "_pair_sequence",
        "_pair_timestamp",
        "base",
        "clock_rates",
        "jitter_seconds",
        "next",
        "rtp_packets",
        "ssrc",
    )

    def __init__(self) -> None:
        self.next = self.base = -1  # so that a first packet numbered 65535 counts as well
        self.rtp_packets = 0
        self.ssrc = 0
        self.jitter_seconds = 0.0
        self.clock_rates: dict[int, int] = {}
        self._aside = self._aside_at = 0
        self._expected_before = 0
        self._pair_sequence = -1
        self._pair_timestamp = 0
        self._pair_arrival = 0.0

    @property
    def expected(self) -> int:
        return self._expected_before + self.next - self.base

    @property
    def run(self) -> Run:
        return Run(self.ssrc, self.base, self.next, self._expected_before, self.rtp_packets)

    @property
    def lost(self) -> int:
        """Packets that never came; duplicates count against it, as RFC 3550 s6.4.1 has it."""
        return max(0, self.expected - self.rtp_packets)

    @property
    def loss_fraction(self) -> float:
        return self.lost / self.expected if self.expected else 0.0

    def received(self, packet: Buffer, *, now: float) -> None:
        """One RTP packet, the way the engine does it in line."""
        sequence = sequence_number(packet)
        self.rtp_packets += 1
        if sequence == self.next & 0xFFFF:
            self.next += 1
        else:
            self.out_of_order(packet)
        if sequence & SAMPLE_MASK < 2:
            self.sample(packet, now=now)

    def out_of_order(self, packet: Buffer) -> None:
        """A first packet, a gap, a late or doubled packet, or a source that began anew."""
        sequence = sequence_number(packet)
        if self.next >= 0:
            if not self.ssrc:  # a first packet numbered 65535 was in order
                self.ssrc = ssrc(packet)
            if ssrc(packet) != self.ssrc:
                if self._is_aside():
                    self.rtp_packets -= 1
                    return
            else:
                ahead = (sequence - self.next) & 0xFFFF
                if ahead < _MAX_DROPOUT:
                    self.next += ahead + 1
                    return
                if ahead >= 0x10000 - _MAX_MISORDER:
                    return
            self._expected_before += self.next - self.base
        self.ssrc = ssrc(packet)
        self.base = sequence
        self.next = sequence + 1
        self._aside = 0
        self._pair_sequence = -1

    def _is_aside(self) -> bool:
        """A packet of another source than ours: the last of so many, when ours has been silent
        since the first of them, makes it the one that counts."""
        self._aside = self._aside + 1 if self._aside_at == self.next else 1
        self._aside_at = self.next
        return self._aside < _MOST_ASIDE

    def sample(self, packet: Buffer, *, now: float) -> None:
        """Take the first of a pair of neighbours, or with the second move the jitter."""
        sequence = sequence_number(packet)
        if sequence == (self.next - 1) & 0xFFFF:
            self.ssrc = ssrc(packet)  # it may go on under another name
        if ssrc(packet) != self.ssrc:
            return
        if not sequence & SAMPLE_MASK:
            self._pair_sequence = sequence
            self._pair_timestamp = rtp_timestamp(packet)
            self._pair_arrival = now
        elif sequence - 1 == self._pair_sequence:
            rate = self.clock_rates.get(payload_type(packet), DEFAULT_CLOCK_RATE)
            sent = (rtp_timestamp(packet) - self._pair_timestamp) & 0xFFFFFFFF
            if sent >= 0x80000000:
                sent -= 0x100000000
            difference = abs(now - self._pair_arrival - sent / rate)
            self._pair_sequence = -1
            if difference < 10.0:  # a clock that jumps is no jitter
                self.jitter_seconds += (difference - self.jitter_seconds) / 16


class Hearsay:
    """What one side reports about the streams that it receives, and its round-trip time to us.

    A sender report that goes out to a side is noted; when that side's report quotes it, the time
    between, less the side's own delay, is the round trip (RFC 3550 s6.4.1).
    """

    __slots__ = ("_passed", "fraction_lost", "jitter", "lost", "reports", "round_trip_seconds")

    def __init__(self) -> None:
        self.reports = 0
        self.fraction_lost = 0.0
        self.lost = 0
        self.jitter = 0
        self.round_trip_seconds: float | None = None
        self._passed: dict[int, float] = {}

    def sent_to(self, ntp_middle: int, *, now: float) -> None:
        """A sender report passed the relay on its way to this side."""
        if len(self._passed) >= _MAX_REPORTS:
            del self._passed[next(iter(self._passed))]
        self._passed[ntp_middle] = now

    def said(self, block: ReportBlock, *, now: float) -> None:
        """This side reported about what it receives."""
        self.reports += 1
        self.fraction_lost = block.fraction_lost / 256
        self.lost = block.cumulative_lost
        self.jitter = block.jitter
        passed = self._passed.get(block.last_sr)
        if passed is not None:
            self.round_trip_seconds = max(0.0, now - passed - block.delay_since_last_sr / 65536)


def mean_opinion_score(
    *, loss_fraction: float, jitter_seconds: float, round_trip_seconds: float = 0.0
) -> float:
    """Estimated MOS, 1.0 to 4.4: the E-model (ITU-T G.107) with its defaults, for G.711.

    One-way delay: half the round trip, a jitter buffer of twice the jitter, 10 ms of codec.
    R = 93.2 - Id(delay) - Ie,eff(loss) with Bpl = 25.1 (G.113: G.711 with concealment, as phones
    have it) and random loss, then MOS of R (G.107 Annex B).
    """
    delay_ms = 500 * round_trip_seconds + 2000 * jitter_seconds + 10
    impairment_delay = 0.024 * delay_ms + (0.11 * (delay_ms - 177.3) if delay_ms > 177.3 else 0.0)
    percent = 100 * min(1.0, max(0.0, loss_fraction))
    impairment_loss = 95 * percent / (percent + 25.1)
    rating = min(100.0, max(0.0, 93.2 - impairment_delay - impairment_loss))
    score = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
    return round(max(1.0, score), 2)
