"""RTCP as far as statistics need it: sender and receiver reports, BYE (RFC 3550 s6)."""

from __future__ import annotations

from dataclasses import dataclass

from media.rtp.errors import ParseError

SENDER_REPORT = 200
RECEIVER_REPORT = 201
BYE = 203


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one side says about a stream that it receives (s6.4.1).

    `fraction_lost` in 1/256 since the last report, `jitter` in RTP timestamp units, `last_sr` the
    middle 32 bits of an NTP timestamp, `delay_since_last_sr` in 1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int


@dataclass(frozen=True, slots=True)
class Report:
    """An SR or RR. `ntp_middle` is what the other side will quote as `last_sr`; 0 in an RR."""

    ssrc: int
    ntp_middle: int
    packets_sent: int
    bytes_sent: int
    blocks: tuple[ReportBlock, ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    """BYE: these sources stop."""

    ssrcs: tuple[int, ...]


def parse(datagram: bytes) -> list[Report | Goodbye]:
    """Reports and goodbyes of a compound packet; other kinds are passed over."""
    found: list[Report | Goodbye] = []
    at = 0
    while at < len(datagram):
        if len(datagram) - at < 4 or datagram[at] >> 6 != 2:
            raise ParseError(f"no RTCP header at offset {at}")
        count, kind = datagram[at] & 0x1F, datagram[at + 1]
        end = at + 4 + 4 * (datagram[at + 2] << 8 | datagram[at + 3])
        if end > len(datagram):
            raise ParseError(f"RTCP packet at offset {at} is cut off")
        body = datagram[at + 4 : end]
        if kind in (SENDER_REPORT, RECEIVER_REPORT):
            found.append(_report(body, count, is_sender=kind == SENDER_REPORT))
        elif kind == BYE:
            if len(body) < 4 * count:
                raise ParseError("BYE is cut off")
            found.append(Goodbye(tuple(_word(body, 4 * number) for number in range(count))))
        at = end
    if not at:
        raise ParseError("empty")
    return found


def _report(body: bytes, count: int, *, is_sender: bool) -> Report:
    first = 24 if is_sender else 4
    if len(body) < first + 24 * count:
        raise ParseError("report is cut off")
    return Report(
        ssrc=_word(body, 0),
        ntp_middle=_word(body, 6) if is_sender else 0,
        packets_sent=_word(body, 16) if is_sender else 0,
        bytes_sent=_word(body, 20) if is_sender else 0,
        blocks=tuple(_block(body, first + 24 * number) for number in range(count)),
    )


def _block(body: bytes, at: int) -> ReportBlock:
    lost = int.from_bytes(body[at + 5 : at + 8], "big", signed=True)
    return ReportBlock(
        ssrc=_word(body, at),
        fraction_lost=body[at + 4],
        cumulative_lost=lost,
        highest_sequence=_word(body, at + 8),
        jitter=_word(body, at + 12),
        last_sr=_word(body, at + 16),
        delay_since_last_sr=_word(body, at + 20),
    )


def _word(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 4], "big")
