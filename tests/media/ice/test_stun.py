"""STUN messages: the vectors of RFC 5769, what is cut off or forged, and any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.ice import ParseError, stun
from media.ice.stun import Message

TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36"
    "00060009"
    "6576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
RESPONSE_IP4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
RESPONSE_IP6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)
ADDRESSES = [("192.0.2.1", 32853), ("2001:db8:1234:5678:11:2233:4455:6677", 32853)]


def test_sample_request() -> None:
    message = stun.parse(REQUEST)
    assert message.kind == stun.BINDING_REQUEST
    assert message.transaction_id == TRANSACTION
    assert message.get(stun.USERNAME) == b"evtj:h6vY"
    assert message.get(stun.PRIORITY) == bytes.fromhex("6e0001ff")
    assert message.get(stun.ICE_CONTROLLED) == bytes.fromhex("932ff9b151263b36")
    assert message.get(stun.USE_CANDIDATE) is None
    assert message.has_fingerprint
    assert stun.has_integrity(REQUEST, message, PASSWORD)
    assert not stun.has_integrity(REQUEST, message, PASSWORD + b"x")


@pytest.mark.parametrize(
    ("datagram", "address"), [(RESPONSE_IP4, ADDRESSES[0]), (RESPONSE_IP6, ADDRESSES[1])]
)
def test_sample_responses(datagram: bytes, address: stun.Address) -> None:
    message = stun.parse(datagram)
    assert message.kind == stun.BINDING_SUCCESS
    assert stun.has_integrity(datagram, message, PASSWORD)
    mapped = message.get(stun.XOR_MAPPED_ADDRESS)
    assert mapped is not None
    assert stun.parse_xor_address(mapped, TRANSACTION) == address
    assert stun.xor_address(address, TRANSACTION) == mapped


def test_what_we_write_is_what_we_read() -> None:
    message = Message(
        stun.BINDING_SUCCESS, TRANSACTION, ((stun.XOR_MAPPED_ADDRESS, bytes(8)), (0x8022, b"abc"))
    )
    datagram = stun.serialise(message, key=b"secret")
    found = stun.parse(datagram)
    assert found.attributes[:2] == message.attributes
    assert found.has_fingerprint
    assert stun.has_integrity(datagram, found, b"secret")


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (b"", "shorter"),
        (REQUEST[:19], "shorter"),
        (b"\x80" + REQUEST[1:], "no STUN header"),
        (REQUEST[:4] + b"\x00" + REQUEST[5:], "no STUN header"),
        (REQUEST[:-1], "length"),
        (REQUEST + b"x", "length"),
        (REQUEST[:-1] + b"\x00", "FINGERPRINT is wrong"),
        (REQUEST[:30] + b"X" + REQUEST[31:], "FINGERPRINT is wrong"),
        (REQUEST[:20] + b"\x80\x22\x00\xff" + REQUEST[24:], "cut off"),
    ],
)
def test_no_message(datagram: bytes, why: str) -> None:
    with pytest.raises(ParseError, match=why):
        stun.parse(datagram)


def test_fingerprint_must_be_last() -> None:
    datagram = stun.serialise(Message(stun.BINDING_REQUEST, TRANSACTION, ()))
    longer = bytearray(datagram + b"\x80\x22\x00\x00")
    longer[3] += 4
    with pytest.raises(ParseError, match="not the last"):
        stun.parse(bytes(longer))


def test_integrity_of_a_wrong_size() -> None:
    message = Message(stun.BINDING_REQUEST, TRANSACTION, ((stun.MESSAGE_INTEGRITY, b"short..."),))
    with pytest.raises(ParseError, match="wrong size"):
        stun.parse(stun.serialise(message))


def test_what_follows_integrity_is_not_read() -> None:
    plain = stun.serialise(Message(stun.BINDING_REQUEST, TRANSACTION, ()), key=b"k")
    body = bytearray(plain[:-8] + b"\x00\x25\x00\x00")
    body[2:4] = (len(body) - 20).to_bytes(2, "big")
    message = stun.parse(bytes(body))
    assert message.get(stun.USE_CANDIDATE) is None
    assert not message.has_fingerprint


@pytest.mark.parametrize("value", [b"", b"\x00\x01\x00", b"\x00\x03" + bytes(6), bytes(20)])
def test_no_address(value: bytes) -> None:
    assert stun.parse_xor_address(value, TRANSACTION) is None


def test_error_code() -> None:
    value = stun.error_code(487, b"Role Conflict")
    assert value == b"\x00\x00\x04\x57Role Conflict"
    assert stun.status_of(value) == 487
    assert stun.status_of(b"") == 0


def test_unknown_attributes() -> None:
    message = Message(1, TRANSACTION, ((0x7FFF, b""), (0x8FFF, b""), (stun.USERNAME, b"a")))
    assert message.unknown() == (0x7FFF,)


@given(st.binary(max_size=200))
def test_any_bytes(datagram: bytes) -> None:
    for one in (datagram, b"\x00\x01" + datagram, REQUEST[:8] + datagram):
        try:
            stun.parse(one)
        except ParseError:
            continue
