"""Whole messages: read from bytes, checked, written; untouched lines byte-identical."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.codec import check, parse, serialise
from proxy.sip.errors import ParseError
from proxy.sip.message import Request, Response
from tests.sip.torture.corpus import MESSAGES

REQUEST = (
    b"OPTIONS sip:a@b SIP/2.0\r\n"
    b"v: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
    b"f:  <sip:c@d>;tag=1\r\n"
    b"t: <sip:a@b>\r\n"
    b"i: 1\r\n"
    b"CSeq: 1  OPTIONS\r\n"
    b"Subject: folded\r\n  line\r\n"
    b"l: 2\r\n\r\nhi"
)
RESPONSE = b"SIP/2.0 200 OK\r\n" + REQUEST.partition(b"\r\n")[2]


@pytest.mark.parametrize("data", [REQUEST, RESPONSE])
def test_what_is_not_touched_goes_out_as_it_came(data: bytes) -> None:
    message = parse(data)
    check(message)
    assert serialise(message) == data


def test_request_and_response() -> None:
    request, response = parse(REQUEST), parse(RESPONSE)
    assert isinstance(request, Request)
    assert (request.method, request.uri_raw, request.body) == (b"OPTIONS", b"sip:a@b", b"hi")
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (200, b"OK")


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (REQUEST + b"rubbish behind", b"hi"),
        (REQUEST.replace(b"l: 2\r\n", b""), b"hi"),
        (b"\r\n\r\n" + REQUEST, b"hi"),
    ],
)
def test_bodies(data: bytes, body: bytes) -> None:
    if data.startswith(b"\r\n"):
        data = data.lstrip(b"\r\n")  # what the transport takes off (s7.5)
    assert parse(data).body == body


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"SIP/2.0\r", b"SIP/3.0\r", 505),
        (b"SIP/2.0\r", b"HTTP/1.1\r", 400),
        (b"OPTIONS sip", b"OPT@ONS sip", 400),
        (b"OPTIONS sip", b"OPTIONS  sip", 400),
        (b"sip:a@b SIP", b"sip:a@b  SIP", 400),
        (b"sip:a@b SIP", b"<sip:a@b> SIP", 400),
        (b"OPTIONS sip:a@b SIP/2.0\r\n", b"OPTIONS\r\n", None),
        (b"l: 2", b"l: 3", 400),
        (b"l: 2", b"l: -2", 400),
        (b"l: 2", b"l: 2\r\nContent-Length: 2", 400),
        (b"i: 1", b"i: 1\r\nCall-ID: 1", 400),
        (b"i: 1", b"no colon", 400),
        (b"i: 1", b"X: 1\nY: 2", 400),
        (b"i: 1", b"\r\n".join([b"X: 1"] * 300), 513),
    ],
)
def test_parse_refuses(old: bytes, new: bytes, status: int | None) -> None:
    with pytest.raises(ParseError) as caught:
        parse(REQUEST.replace(old, new, 1))
    assert caught.value.status_hint == status


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"i: 1", b"X: 1", 400),
        (b"v: SIP/2.0/UDP x", b"v: x", 400),
        (b"v: SIP", b"X: SIP", 400),
        (b";branch", b";;branch", 400),
        (b"f:  <sip:c@d>;tag=1", b"f: <sip:c@d", 400),
        (b"t: <sip:a@b>", b"t: <sip:a@b>;=x", 400),
        (b"1  OPTIONS", b"1 INVITE", 400),
        (b"OPTIONS sip", b"NOVEL sip", 501),
        (b"sip:a@b SIP", b"sip:a@b?x=y SIP", 400),
        (b"sip:a@b SIP", b"sip:@b SIP", 400),
    ],
)
def test_check_refuses(old: bytes, new: bytes, status: int) -> None:
    with pytest.raises(ParseError) as caught:
        check(parse(REQUEST.replace(old, new, 1)))
    assert caught.value.status_hint == status


@pytest.mark.parametrize(
    "start", [b"SIP/2.0 99 x", b"SIP/2.0 700 x", b"SIP/2.0 abc", b"SIP/3.0 200"]
)
def test_responses_are_refused_without_an_answer(start: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        parse(start + b"\r\n" + RESPONSE.partition(b"\r\n")[2])
    assert caught.value.status_hint is None


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"x", b"OPTIONS sip:a@b SIP/2.0"])
def test_no_message(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse(data)


def test_a_section_without_an_empty_line_ends_with_the_datagram() -> None:
    head = REQUEST.partition(b"\r\n\r\n")[0].replace(b"\r\nl: 2", b"")
    assert parse(head + b"\r\n").body == b""


def test_length_is_written_when_the_body_changed() -> None:
    message = parse(REQUEST)
    message.body = b"longer"
    assert serialise(message).endswith(b"\r\nContent-Length: 6\r\n\r\nlonger")
    message.headers.remove(b"content-length")
    assert serialise(message).endswith(b"line\r\nContent-Length: 6\r\n\r\nlonger")


def test_length_with_more_digits_than_anybody_needs() -> None:
    message = parse(REQUEST.replace(b"l: 2", b"l: " + b"0" * 5000 + b"2"))
    assert serialise(message) == REQUEST.replace(b"l: 2", b"Content-Length: 2")


@pytest.mark.parametrize("version", [b"sip/2.0", b"Sip/2.0"])
def test_version_in_any_case(version: bytes) -> None:
    message = parse(REQUEST.replace(b"SIP/2.0\r", version + b"\r", 1))
    assert serialise(message) == REQUEST


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    for text in (data, REQUEST[: len(data)] + data, REQUEST + data):
        _parses_or_is_refused(text)


@given(st.sampled_from(sorted(MESSAGES)), st.data())
def test_torture_messages_with_bytes_changed(name: str, data: st.DataObject) -> None:
    text = bytearray(MESSAGES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    _parses_or_is_refused(bytes(text))


def _parses_or_is_refused(data: bytes) -> None:
    """A message that is written as it came, or ParseError, and nothing else."""
    try:
        message = parse(data)
    except ParseError:
        return
    written = serialise(message)
    again = parse(written)
    assert serialise(again) == written
    assert again.headers.lines[: len(message.headers)] == [
        line if line[0] != b"content-length" else again.headers.lines[at]
        for at, line in enumerate(message.headers.lines)
    ]
    assert again.body == message.body
    try:
        check(message)
    except ParseError:
        return


_NAME = st.sampled_from([b"subject", b"x-one", b"supported", b"p-two"])
_VALUE = st.text(alphabet='abc <>",;=@:\t', max_size=12).map(str.encode).map(bytes.strip)


@given(st.lists(st.tuples(_NAME, _VALUE), max_size=6), st.binary(max_size=30))
def test_what_is_written_is_read(pairs: list[tuple[bytes, bytes]], body: bytes) -> None:
    made = Request(b"MESSAGE", b"sip:a@b", pairs, body)
    read = parse(serialise(made))
    assert isinstance(read, Request)
    assert (read.method, read.uri_raw, read.body) == (b"MESSAGE", b"sip:a@b", body)
    assert list(read.headers)[: len(pairs)] == pairs
