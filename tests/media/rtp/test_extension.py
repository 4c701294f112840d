"""Elements of header extensions, in both forms, whole and cut off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.rtp import extension, packet

HEADER = packet.build(
    payload_type=96, sequence_number=7, rtp_timestamp=8, ssrc=0x0A0B0C0D, payload=b""
)


def extended(words: str, *, sources: int = 0, payload: bytes = b"payload") -> bytes:
    return (
        bytes((0x90 | sources,)) + HEADER[1:] + bytes(4 * sources) + bytes.fromhex(words) + payload
    )


FOUND = [
    ("bede0001 40310000", 4, b"1"),
    ("bede0001 00004031", 4, b"1"),
    ("bede0002 10ff413132000000", 4, b"12"),
    ("bede0002 10ff413132000000", 1, b"\xff"),
    ("bede0002 10ff413132000000", 2, b""),
    ("bede0001 f0ff4031", 4, b""),
    ("bede0001 00004331", 4, b""),
    ("bede0000", 4, b""),
    ("bede0009 40310000", 4, b""),
    ("10000002 0401310003023132", 4, b"1"),
    ("10050002 0401310003023132", 3, b"12"),
    ("10000001 00000004", 4, b""),
    ("10000001 04050000", 4, b""),
    ("12340001 40310000", 4, b""),
    ("bede", 4, b""),
]


@pytest.mark.parametrize("sources", [0, 2])
@pytest.mark.parametrize(("words", "number", "carried"), FOUND)
def test_found(words: str, number: int, carried: bytes, sources: int) -> None:
    payload = b"" if len(words) < 8 else b"payload"
    assert extension.find(extended(words, sources=sources, payload=payload), number) == carried


def test_a_packet_without_one() -> None:
    assert extension.find(HEADER, 4) == b""


PUT = [
    ("bede0000", "bede0001 40310000"),
    ("bede0001 10ff0000", "bede0002 4031000010ff0000"),
    ("10050001 0301ff00", "10050002 040131000301ff00"),
    ("12340001 40310000", "12340001 40310000"),
    ("bedeffff", "bedeffff"),
    ("bede", "bede"),
]


@pytest.mark.parametrize("sources", [0, 2])
@pytest.mark.parametrize(("words", "after"), PUT)
def test_put_in(words: str, after: str, sources: int) -> None:
    payload = b"" if len(words) < 8 else b"payload"
    found = extension.put(extended(words, sources=sources, payload=payload), 4, b"1")
    assert found == extended(after, sources=sources, payload=payload)


def test_put_into_a_packet_without_one() -> None:
    assert extension.put(HEADER + b"payload", 4, b"1") == extended("bede0001 40310000")
    cut_off = b"\x8f" + HEADER[1:] + b"payload"
    assert extension.put(cut_off, 4, b"1") == cut_off


@given(
    st.integers(1, extension.MOST_NUMBER),
    st.binary(min_size=1, max_size=extension.MOST_OCTETS),
    st.binary(max_size=40),
)
def test_what_is_put_in_is_found(number: int, carried: bytes, payload: bytes) -> None:
    made = extension.put(HEADER + payload, number, carried)
    assert extension.find(made, number) == carried
    assert made[packet.payload_offset(made) :] == payload
    other = number % extension.MOST_NUMBER + 1
    again = extension.put(made, other, b"another")
    assert extension.find(again, number) == carried
    assert extension.find(again, other) == b"another"


@given(st.binary(min_size=12), st.integers(1, 14))
def test_whatever_comes_is_borne(data: bytes, number: int) -> None:
    extension.find(data, number)
    extension.put(data, number, b"1")
