"""libsrtp through our contexts: every suite both ways, forgery, replay, wrap-around, SRTCP."""

from __future__ import annotations

import pytest

from media.rtp import packet
from media.srtp import SUITES, Suite
from media.srtp.context import (
    MAX_PACKET,
    SrtpError,
    is_available,
    protecting,
    unprotecting,
)

REPORT = bytes.fromhex("80c80006 00000007 0000aaaa bbbb0000 00000000 00000000 00000000")


def rtp(sequence_number: int, ssrc: int = 7) -> bytes:
    return packet.build(
        payload_type=0,
        sequence_number=sequence_number & 0xFFFF,
        rtp_timestamp=160 * sequence_number & 0xFFFFFFFF,
        ssrc=ssrc,
        payload=b"p" * 160,
    )


def key(suite: Suite) -> bytes:
    return bytes(range(suite.master_bytes))


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.sdes.decode())
def test_both_ways(suite: Suite) -> None:
    assert is_available(suite)
    out, back = protecting(suite, key(suite)), unprotecting(suite, key(suite))
    for ssrc in (7, 8):  # several sources under one key
        sealed = out.rtp(rtp(1, ssrc))
        assert sealed[:12] == rtp(1, ssrc)[:12]
        assert b"pppp" not in sealed
        assert back.rtp(sealed) == rtp(1, ssrc)
    sealed = out.rtcp(REPORT)
    assert REPORT[8:] not in sealed
    assert back.rtcp(sealed) == REPORT


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.sdes.decode())
def test_forged_and_replayed(suite: Suite) -> None:
    out, back = protecting(suite, key(suite)), unprotecting(suite, key(suite))
    sealed = out.rtp(rtp(1))
    for bad in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:20], b"\x80" * 12):
        with pytest.raises(SrtpError):
            back.rtp(bad)
    assert back.rtp(sealed) == rtp(1)
    with pytest.raises(SrtpError, match="replay"):
        back.rtp(sealed)
    report = out.rtcp(REPORT)
    assert back.rtcp(report) == REPORT
    with pytest.raises(SrtpError):
        back.rtcp(report)


def test_sequence_numbers_wrap_around_and_the_rollover_counter_follows() -> None:
    suite = SUITES[2]
    out, back = protecting(suite, key(suite)), unprotecting(suite, key(suite))
    for number in range(65_000, 3 * 65_536, 500):
        assert back.rtp(out.rtp(rtp(number))) == rtp(number)


def test_late_packets_are_borne_around_the_wrap() -> None:
    suite = SUITES[2]
    out, back = protecting(suite, key(suite)), unprotecting(suite, key(suite))
    sealed = {number: out.rtp(rtp(number)) for number in range(65_530, 65_545)}
    for number in (65_530, 65_540, 65_535, 65_536, 65_531):
        assert back.rtp(sealed[number]) == rtp(number)


def test_a_retransmission_goes_out_again() -> None:
    suite = SUITES[0]
    out = protecting(suite, key(suite))
    assert out.rtp(rtp(1)) == out.rtp(rtp(1))


def test_wrong_key() -> None:
    suite = SUITES[0]
    with pytest.raises(SrtpError):
        unprotecting(suite, bytes(suite.master_bytes)).rtp(
            protecting(suite, key(suite)).rtp(rtp(1))
        )


@pytest.mark.parametrize("size", [1200, 1500, 9000, MAX_PACKET - 200])
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.sdes.decode())
def test_packets_of_video_are_as_long_as_they_are(suite: Suite, size: int) -> None:
    out, back = protecting(suite, key(suite)), unprotecting(suite, key(suite))
    long = rtp(1) + bytes(size - len(rtp(1)))
    assert back.rtp(out.rtp(long)) == long
    report = REPORT + bytes(size // 4 * 4)
    assert back.rtcp(out.rtcp(report)) == report


def test_too_long() -> None:
    context = protecting(SUITES[0], key(SUITES[0]))
    for turn in (context.rtp, context.rtcp):
        with pytest.raises(SrtpError, match="too long"):
            turn(rtp(1) + bytes(MAX_PACKET))
