"""Reports and goodbyes in compound packets."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.rtp.errors import ParseError
from media.rtp.rtcp import Goodbye, Report, ReportBlock, parse

BLOCK_BYTES = struct.pack("!IBxxxIIII", 7, 64, 1000, 80, 0xAABBCCDD, 65536)
BLOCK_BYTES = BLOCK_BYTES[:5] + (-3).to_bytes(3, "big", signed=True) + BLOCK_BYTES[8:]
BLOCK = ReportBlock(7, 64, -3, 1000, 80, 0xAABBCCDD, 65536)
SENDER = struct.pack("!BBHIIIIII", 0x81, 200, 12, 9, 0x1111AAAA, 0xBBBB2222, 160, 50, 8000)
SENDER += BLOCK_BYTES
RECEIVER = struct.pack("!BBHI", 0x80, 201, 1, 9)
SDES = struct.pack("!BBHIBBxx", 0x81, 202, 2, 9, 0, 0)
BYE = struct.pack("!BBHI", 0x81, 203, 1, 9)
GOOD: list[tuple[bytes, list[Report | Goodbye]]] = [
    (RECEIVER, [Report(9, 0, 0, 0, ())]),
    (SENDER, [Report(9, 0xAAAABBBB, 50, 8000, (BLOCK,))]),
    (SENDER + SDES + BYE, [Report(9, 0xAAAABBBB, 50, 8000, (BLOCK,)), Goodbye((9,))]),
    (SDES, []),
    (b"\x80\xcb\x00\x00", [Goodbye(())]),
]
BAD = [
    b"",
    b"\x80",
    b"\x40\xc9\x00\x01" + bytes(4),
    RECEIVER[:-1],
    b"\x81\xc9\x00\x01" + bytes(4),
    b"\x80\xc8\x00\x01" + bytes(4),
    b"\x81\xcb\x00\x00",
    RECEIVER + b"\x00",
]


@pytest.mark.parametrize(("datagram", "found"), GOOD)
def test_good(datagram: bytes, found: list[Report | Goodbye]) -> None:
    assert parse(datagram) == found


@pytest.mark.parametrize("datagram", BAD)
def test_bad(datagram: bytes) -> None:
    with pytest.raises(ParseError):
        parse(datagram)


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda tail: SENDER[:20] + tail))
def test_any_bytes(datagram: bytes) -> None:
    try:
        parse(datagram)
    except ParseError:
        return
