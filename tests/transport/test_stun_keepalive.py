"""Binding requests and what they get, with the addresses of RFC 5769."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.transport.stun_keepalive import binding_response, is_stun

COOKIE = bytes.fromhex("2112a442")
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
REQUEST = b"\x00\x01\x00\x00" + COOKIE + TRANSACTION


def test_ipv4() -> None:
    """RFC 5769 s2.2."""
    assert binding_response(REQUEST, ("192.0.2.1", 32853)) == (
        b"\x01\x01\x00\x0c" + COOKIE + TRANSACTION + bytes.fromhex("00200008 0001a147 e112a643")
    )


def test_ipv6() -> None:
    """RFC 5769 s2.3."""
    source = ("2001:db8:1234:5678:11:2233:4455:6677", 32853)
    assert binding_response(REQUEST, source) == (
        b"\x01\x01\x00\x18"
        + COOKIE
        + TRANSACTION
        + bytes.fromhex("00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9")
    )


def test_attributes_of_the_request_do_not_matter() -> None:
    software = b"\x80\x22\x00\x04test"
    request = b"\x00\x01\x00\x08" + COOKIE + TRANSACTION + software
    assert is_stun(request)
    assert binding_response(request, ("192.0.2.1", 32853)) == binding_response(
        REQUEST, ("192.0.2.1", 32853)
    )


@pytest.mark.parametrize(
    "data",
    [
        b"\x01\x01" + REQUEST[2:],  # a response
        b"\x00\x11" + REQUEST[2:],  # an indication
        b"\x00\x03" + REQUEST[2:],  # TURN's allocate
        REQUEST[:2] + b"\x00\x04" + REQUEST[4:],  # longer than it is
    ],
)
def test_other_stun_gets_nothing(data: bytes) -> None:
    assert is_stun(data)
    assert binding_response(data, ("192.0.2.1", 32853)) is None


@pytest.mark.parametrize(
    "data", [b"", b"\0\0\0\0", REQUEST[:19], b"OPTIONS sip:a@b SIP/2.0\r\n", bytes(20)]
)
def test_what_is_no_stun(data: bytes) -> None:
    assert not is_stun(data)


@given(st.binary(max_size=100))
def test_any_bytes(data: bytes) -> None:
    if is_stun(data):
        binding_response(data, ("192.0.2.1", 1))
