"""Fields at their offsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.rtp import ParseError, packet

HEADER = bytes.fromhex("80ff fffe 01020304 0a0b0c0d")
OFFSETS = [
    (HEADER, 12),
    (HEADER + b"payload", 12),
    (b"\x82" + HEADER[1:] + bytes(8), 20),
    (b"\x90" + HEADER[1:] + bytes.fromhex("bede0001") + bytes(4), 20),
    (b"\x91" + HEADER[1:] + bytes(4) + bytes.fromhex("bede0000"), 20),
]
CUT_OFF = [
    b"",
    HEADER[:11],
    b"\x40" + HEADER[1:],
    b"\x81" + HEADER[1:] + bytes(3),
    b"\x90" + HEADER[1:] + bytes(3),
    b"\x90" + HEADER[1:] + bytes.fromhex("bede0002") + bytes(7),
]


def test_fields() -> None:
    assert packet.payload_type(HEADER) == 127
    assert packet.sequence_number(HEADER) == 0xFFFE
    assert packet.rtp_timestamp(HEADER) == 0x01020304
    assert packet.ssrc(HEADER) == 0x0A0B0C0D


@pytest.mark.parametrize(("data", "offset"), OFFSETS)
def test_payload_offset(data: bytes, offset: int) -> None:
    assert packet.payload_offset(data) == offset
    assert packet.payload_offset(memoryview(data)) == offset


@pytest.mark.parametrize("data", CUT_OFF)
def test_cut_off(data: bytes) -> None:
    with pytest.raises(ParseError):
        packet.payload_offset(data)


@given(
    st.integers(0, 127),
    st.integers(0, 0x1FFFF),
    st.integers(0, 2**33),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=20),
    st.booleans(),
)
def test_what_is_built_is_read(
    payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, marker: bool
) -> None:
    data = packet.build(
        payload_type=payload_type,
        sequence_number=sequence,
        rtp_timestamp=timestamp,
        ssrc=ssrc,
        payload=payload,
        marker=marker,
    )
    assert packet.payload_type(data) == payload_type
    assert packet.sequence_number(data) == sequence & 0xFFFF
    assert packet.rtp_timestamp(data) == timestamp & 0xFFFFFFFF
    assert packet.ssrc(data) == ssrc
    assert data[packet.payload_offset(data) :] == payload
    assert bool(data[1] & 0x80) is marker


@given(st.binary(max_size=40))
def test_any_bytes(data: bytes) -> None:
    try:
        assert packet.payload_offset(data) <= len(data)
    except ParseError:
        return
