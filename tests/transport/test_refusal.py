"""What is answered to a request that cannot be parsed whole, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.codec import check, parse, serialise
from proxy.sip.errors import ParseError
from proxy.sip.message import Response
from proxy.transport.flow import Flow
from proxy.transport.refusal import refusal_for

from .peers import options

FLOW = Flow("udp", ("192.0.2.1", 5060), ("198.51.100.7", 40000))
REQUEST = options(via="SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1")


def refused(data: bytes, flow: Flow = FLOW) -> Response | None:
    """What the layer does with it."""
    try:
        check(parse(data))
    except ParseError as error:
        return refusal_for(data, error, flow)
    raise AssertionError("it is well-formed")


def test_answer() -> None:
    response = refused(REQUEST.replace(b"1 OPTIONS", b"x OPTIONS"))
    assert response is not None
    assert response.status == 400
    assert response.reason.startswith(b"Bad Request: ")
    assert response.via.branch == b"z9hG4bK1"
    assert response.via.param(b"received") == b"198.51.100.7"
    assert response.via.param(b"rport") == b"40000"
    assert response.call_id == b"1"
    assert response.from_tag == b"1"
    assert response.to_tag
    assert parse(serialise(response)).call_id == b"1"


def test_tag_that_is_there_stays() -> None:
    response = refused(
        REQUEST.replace(b"1 OPTIONS", b"x OPTIONS").replace(
            b"proxy.test>\r", b"proxy.test>;tag=7\r"
        )
    )
    assert response is not None
    assert response.to_tag == b"7"


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"SIP/2.0\r", b"SIP/3.0\r", 505),
        (b"OPTIONS sip:proxy.test", b"OPTIONS <sip:proxy.test>", 400),
        (b"OPTIONS sip:proxy.test", "OPTIONS sip:bücher.test".encode(), 400),  # ASCII (s25.1)
        (b"Content-Length: 0", b"Content-Length: 10", 400),
        (b"Content-Length: 0", b"Content-Length: -1", 400),
        (b"Max-Forwards: 70", b"rubbish", 400),
        (b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE", 400),
        (b"From:", b"X:", 400),
        (b"To:", b"X:", 400),
        (b"Call-ID:", b"X:", 400),
        (b"CSeq:", b"X:", 400),
    ],
)
def test_status(old: bytes, new: bytes, status: int) -> None:
    response = refused(REQUEST.replace(old, new, 1))
    assert response is not None
    assert response.status == status


def test_what_stands_twice_is_answered_by_the_first() -> None:
    response = refused(REQUEST.replace(b"Call-ID: 1\r\n", b"Call-ID: 1\r\nCall-ID: 2\r\n"))
    assert response is not None
    assert parse(serialise(response)).headers.all(b"call-id") == [b"1"]


@pytest.mark.parametrize(
    "data",
    [
        REQUEST.replace(b"Via:", b"X:"),
        REQUEST.replace(b"OPTIONS", b"ACK").replace(b"1 ACK", b"x ACK"),
        b"SIP/2.0 200 OK\r\n" + REQUEST.partition(b"\r\n")[2].replace(b"1 OPTIONS", b"x"),
        b"\r\n\r\n",
        b"rubbish",
        b"",
    ],
)
def test_nothing_to_answer(data: bytes) -> None:
    assert refused(data) is None


@given(st.binary(max_size=400), st.integers(0, len(REQUEST)))
def test_any_bytes(data: bytes, at: int) -> None:
    """A ParseError at most, and what is answered can be read."""
    for wire in (data, REQUEST[:at] + data, REQUEST[:at] + data + REQUEST[at:]):
        try:
            response = refusal_for(wire, ParseError("x"), FLOW)
        except ParseError:
            continue
        if response is not None:
            assert parse(serialise(response))
