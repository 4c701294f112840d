"""The link's codec: whole, byte by byte, with anything behind it, and with anything at all."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.transport.gateway_frames import (
    FrameReader,
    GatewayError,
    Preamble,
    PreambleReader,
    frame,
)

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
IPV4 = bytes.fromhex("c6336407 c0000201 9c40 01bb")
IPV6 = bytes.fromhex(f"20010db8{'00' * 11}07 20010db8{'00' * 11}01 9c40 01bb")

PREAMBLES = [
    (
        Preamble(("198.51.100.7", 40000), ("192.0.2.1", 443), is_secure=False),
        SIGNATURE + b"\x21\x11\x00\x0c" + IPV4,
    ),
    (
        Preamble(("198.51.100.7", 40000), ("192.0.2.1", 443), is_secure=True),
        SIGNATURE + b"\x21\x11\x00\x14" + IPV4 + b"\x20\x00\x05\x01\0\0\0\0",
    ),
    (
        Preamble(("2001:db8::7", 40000), ("2001:db8::1", 443), is_secure=True),
        SIGNATURE + b"\x21\x21\x00\x2c" + IPV6 + b"\x20\x00\x05\x01\0\0\0\0",
    ),
    (
        Preamble(("198.51.100.7", 40000), ("192.0.2.1", 443), False, (7, 70_000)),
        SIGNATURE + b"\x21\x11\x00\x17" + IPV4 + b"\xe0\x00\x08\0\0\0\x07\0\x01\x11\x70",
    ),
]


@pytest.mark.parametrize(("preamble", "data"), PREAMBLES)
def test_preamble(preamble: Preamble, data: bytes) -> None:
    assert preamble.serialise() == data
    assert PreambleReader().feed(data) == (preamble, b"")
    assert PreambleReader().feed(data + b"rest") == (preamble, b"rest")
    reader = PreambleReader()
    found = [reader.feed(data[at : at + 1]) for at in range(len(data))]
    assert found == [None] * (len(data) - 1) + [(preamble, b"")]


def test_other_tlvs_are_passed_over() -> None:
    tlvs = b"\x02\x00\x03abc" + b"\x20\x00\x05\x01\0\0\0\0"
    data = SIGNATURE + b"\x21\x11" + (12 + len(tlvs)).to_bytes(2, "big") + IPV4 + tlvs
    found = PreambleReader().feed(data)
    assert found is not None
    assert found[0].is_secure


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\r\n\r\nOPTIONS",
        SIGNATURE + b"\x20\x00\x00\x00",  # LOCAL: nobody is behind it
        SIGNATURE + b"\x11\x11\x00\x0c" + IPV4,  # version 1
        SIGNATURE + b"\x21\x12\x00\x0c" + IPV4,  # UDP
        SIGNATURE + b"\x21\x11\x00\x0b" + IPV4[:11],
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_preamble_that_is_none(data: bytes) -> None:
    with pytest.raises(GatewayError):
        PreambleReader().feed(data)


@pytest.mark.parametrize("tlvs", [b"\x20", b"\x20\x00\x05", b"\x20\x00\x00", b"\x02\xff\xff"])
def test_broken_tlvs_are_not_secure(tlvs: bytes) -> None:
    data = SIGNATURE + b"\x21\x11" + (12 + len(tlvs)).to_bytes(2, "big") + IPV4 + tlvs
    found = PreambleReader().feed(data)
    assert found is not None
    assert not found[0].is_secure


@pytest.mark.parametrize(
    ("source", "local"),
    [("alice.example", "192.0.2.1"), ("192.0.2.1", "2001:db8::1"), ("", "")],
)
def test_addresses_that_cannot_be_told(source: str, local: str) -> None:
    with pytest.raises(GatewayError):
        Preamble((source, 1), (local, 1), is_secure=True).serialise()


@given(st.lists(st.binary(max_size=50)), st.data())
def test_frames_for_every_split(messages: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frame(message) for message in messages)
    cuts = data.draw(st.lists(st.integers(0, len(stream))))
    reader = FrameReader(50)
    found: list[bytes] = []
    for start, end in pairwise([0, *sorted(cuts), len(stream)]):
        found += reader.feed(stream[start:end])
    assert found == [message for message in messages if message]


def test_frame_above_the_limit() -> None:
    reader = FrameReader(50)
    assert reader.feed(frame(b"x" * 50)) == [b"x" * 50]
    with pytest.raises(GatewayError):
        reader.feed((51).to_bytes(4, "big"))


@given(st.binary(max_size=100))
def test_any_bytes(data: bytes) -> None:
    for reader in (FrameReader(50), PreambleReader()):
        with suppress(GatewayError):
            reader.feed(data)
