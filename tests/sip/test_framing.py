"""Messages out of a stream: whole, byte by byte, in any pieces (s18.3, RFC 5626 s3.5.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.errors import ParseError
from proxy.sip.framing import PING, PONG, StreamFramer

ONE = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n"
TWO = b"MESSAGE sip:a@b SIP/2.0\r\nX: y\r\nl : 5 \r\nZ: 1\r\n\r\nhello"
FOLDED = b"MESSAGE sip:a@b SIP/2.0\r\nX: y\r\n l: 99\r\nContent-Length:\r\n 2\r\n\r\nhi"
STREAM = ONE + TWO + PING + FOLDED + PONG + ONE
FRAMES = [ONE, TWO, PING, FOLDED, PONG, ONE]


def test_whole() -> None:
    assert StreamFramer(1000).feed(STREAM) == FRAMES


def test_byte_by_byte() -> None:
    framer = StreamFramer(1000)
    found: list[bytes] = []
    for at in range(len(STREAM)):
        found += framer.feed(STREAM[at : at + 1])
    assert found == FRAMES
    assert framer.unfinished == b""


@given(st.lists(st.integers(0, len(STREAM)), max_size=12).map(sorted))
def test_any_split_gives_the_same(cuts: list[int]) -> None:
    framer = StreamFramer(1000)
    found: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True):
        found += framer.feed(STREAM[start:end])
    assert found == FRAMES


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"OPTIONS sip:a@b SIP/2.0\r\nX: y\r\n\r\n", 400),
        (b"OPTIONS sip:a@b SIP/2.0\r\nl: x\r\n\r\n", 400),
        (b"OPTIONS sip:a@b SIP/2.0\r\nl: -1\r\n\r\n", 400),
        (b"OPTIONS sip:a@b SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"OPTIONS sip:a@b SIP/2.0\r\nl: 12345678901\r\n\r\n", 400),
        (b"OPTIONS sip:a@b SIP/2.0\r\nl: 1000\r\n\r\n", 413),
        (b"x" * 1001, 413),
    ],
)
def test_a_stream_that_is_lost(data: bytes, status: int) -> None:
    framer = StreamFramer(1000)
    with pytest.raises(ParseError) as caught:
        framer.feed(data)
    assert caught.value.status_hint == status
    assert framer.error is caught.value
    with pytest.raises(ParseError):
        framer.feed(ONE)


def test_what_came_whole_before_is_given_first() -> None:
    framer = StreamFramer(1000)
    assert framer.feed(ONE + b"X sip:a SIP/2.0\r\nY: z\r\n\r\n") == [ONE]
    assert framer.error is not None
    with pytest.raises(ParseError):
        framer.feed(b"")


def test_two_lengths_that_agree() -> None:
    data = b"X sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 1\r\n\r\na"
    assert StreamFramer(1000).feed(data) == [data]


def test_a_lone_crlf_may_be_half_a_ping() -> None:
    framer = StreamFramer(1000)
    assert framer.feed(PONG) == []
    assert framer.flush_pong()
    assert not framer.flush_pong()
    assert framer.feed(b"\r") == []
    assert framer.feed(b"\n\r") == []
    assert framer.feed(b"\n") == [PING]


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    framer = StreamFramer(100)
    try:
        frames = framer.feed(data)
    except ParseError:
        return
    assert b"".join(frames) + framer.unfinished == data
