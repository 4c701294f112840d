"""First bytes, all of them (RFC 7983 s7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.rtp import DTLS, RTCP, RTP, STUN, TURN, UNKNOWN, ZRTP, kind_of

RANGES = [
    (range(0, 4), STUN),
    (range(4, 16), UNKNOWN),
    (range(16, 20), ZRTP),
    (range(20, 64), DTLS),
    (range(64, 80), TURN),
    (range(80, 128), UNKNOWN),
    (range(128, 192), RTP),
    (range(192, 256), UNKNOWN),
]


@pytest.mark.parametrize(("firsts", "kind"), RANGES)
def test_first_byte(firsts: range, kind: int) -> None:
    for first in firsts:
        assert kind_of(bytes((first, 0)) + bytes(30)) == kind


def test_second_byte_tells_rtcp_from_rtp() -> None:
    for second in range(256):
        expected = RTCP if 192 <= second <= 223 else RTP
        assert kind_of(bytes((0x80, second)) + bytes(10)) == expected


@pytest.mark.parametrize(
    "datagram", [b"", b"\x80", b"\x80\x00" + bytes(9), b"\x80\xc8" + bytes(5), bytes(19)]
)
def test_too_short(datagram: bytes) -> None:
    assert kind_of(datagram) == UNKNOWN


@given(st.binary(max_size=64))
def test_any_bytes(datagram: bytes) -> None:
    assert kind_of(datagram) == kind_of(memoryview(datagram)) == kind_of(bytearray(datagram))
