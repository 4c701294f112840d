"""Requests and responses: typed fields, copies, and the messages that are made from others."""

from __future__ import annotations

import pytest

from proxy.sip.codec import parse
from proxy.sip.errors import ParseError
from proxy.sip.fields import parse_via
from proxy.sip.headers import Headers
from proxy.sip.message import Request, Response, ack_for, cancel_for
from proxy.sip.uri import SipUri, parse_uri

INVITE = (
    b"INVITE sip:bob@example.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/TCP 192.0.2.2\r\n"
    b"Route: <sip:r1;lr>\r\n"
    b"Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
    b"Max-Forwards: 70\r\n"
    b"From: Alice <sip:alice@example.com>;tag=a\r\n"
    b"To: <sip:bob@example.com>\r\n"
    b"Call-ID: c1\r\n"
    b"CSeq: 7 INVITE\r\n"
    b"Contact: <sip:alice@192.0.2.1>;expires=60, <sip:alice@192.0.2.3>\r\n"
    b"Supported: path, GRUU\r\n"
    b"Supported: outbound\r\n"
    b"Path: <sip:edge;lr>\r\n"
    b"Timestamp: 54\r\n"
    b"Expires: 0060\r\n"
    b"Content-Type: Application/SDP ;charset=x\r\n"
    b"Content-Length: 3\r\n\r\nv=0"
)


def invite() -> Request:
    message = parse(INVITE)
    assert isinstance(message, Request)
    return message


def test_typed_fields() -> None:
    request = invite()
    assert request.via.branch == b"z9hG4bK1"
    assert [via.transport for via in request.vias] == [b"UDP", b"TCP"]
    assert (request.from_tag, request.to_tag) == (b"a", None)
    assert request.call_id == b"c1"
    assert (request.cseq.number, request.cseq.method) == (7, b"INVITE")
    assert request.max_forwards == 70
    assert request.expires == 60
    assert request.content_type == b"application/sdp"
    assert [address.uri.serialise() for address in request.contacts] == [
        b"sip:alice@192.0.2.1",
        b"sip:alice@192.0.2.3",
    ]
    assert [str(len(request.routes)), len(request.record_routes), len(request.paths)] == ["1", 2, 1]
    assert request.option_tags(b"supported") == {b"path", b"gruu", b"outbound"}
    assert not request.is_star_contact


def test_fields_are_read_anew_after_a_change() -> None:
    request = invite()
    assert request.call_id == b"c1"
    request.headers.set(b"call-id", b"c2")
    assert request.call_id == b"c2"


def test_star_contact() -> None:
    request = invite()
    request.headers.set(b"contact", b"*")
    assert request.is_star_contact
    assert request.contacts == []


def test_absent_and_malformed() -> None:
    request = Request(b"OPTIONS", b"sip:x")
    for name in ("via", "from_", "to", "call_id", "cseq"):
        with pytest.raises(ParseError):
            getattr(request, name)
    assert request.max_forwards is None
    assert request.expires is None
    assert request.content_type is None
    request.headers.set(b"expires", b"soon")
    assert request.expires is None
    request.headers.set(b"max-forwards", b"300")
    with pytest.raises(ParseError):
        _ = request.max_forwards


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"0", 0),
        (b"000", 0),
        (b"3600", 3600),
        (b"9" * 10, 2**32 - 1),
        (b"1" + b"0" * 99, 2**32 - 1),
    ],
)
def test_expires_is_bound(value: bytes, seconds: int) -> None:
    assert Request(b"X", b"sip:x", ((b"expires", value),)).expires == seconds


@pytest.mark.parametrize("missing", [b"from", b"to", b"call-id", b"cseq"])
def test_prime_names_what_is_missing(missing: bytes) -> None:
    request = invite()
    request.headers.remove(missing)
    request.came_with(dict(request.headers.lines))
    with pytest.raises(ParseError, match=missing.decode()):
        request.prime()


def test_uri_is_read_late_and_written_when_set() -> None:
    request = invite()
    assert request.uri == parse_uri(b"sip:bob@example.com")
    request.uri = SipUri(b"sip", b"eric", b"workshop.example")
    assert request.uri_raw == b"sip:eric@workshop.example"
    with pytest.raises(ParseError):
        _ = Request(b"X", b"nonsense").uri


def test_top_via_in_place() -> None:
    request = invite()
    _ = request.call_id
    via = parse_via(b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;received=192.0.2.9")
    request.put_top_via(via)
    assert request.via is via
    assert request.headers.values(b"via") == [via.serialise(), b"SIP/2.0/TCP 192.0.2.2"]
    assert request.call_id == b"c1"


def test_copies_are_apart() -> None:
    request = invite()
    _ = request.via
    copy = request.copy()
    copy.headers.set(b"call-id", b"other")
    copy.uri = SipUri(b"sip", None, b"x")
    assert (request.call_id, request.uri_raw) == (b"c1", b"sip:bob@example.com")
    response = request.response(200)
    other = response.copy()
    other.headers.set(b"call-id", b"other")
    assert response.call_id == b"c1"
    assert (other.status, other.reason) == (200, b"OK")


def test_response_copies_what_s8_2_6_says() -> None:
    response = invite().response(404, to_tag=b"b", headers=((b"server", b"x"),))
    assert [name for name, _ in response.headers.lines] == [
        b"via",
        b"from",
        b"to",
        b"call-id",
        b"cseq",
        b"server",
    ]
    assert (response.status, response.reason, response.to_tag) == (404, b"Not Found", b"b")
    assert response.headers.first(b"via") == invite().headers.first(b"via")


def test_trying_has_the_timestamp_and_no_tag() -> None:
    response = invite().response(100)
    assert response.headers.first(b"timestamp") == b"54"
    assert response.to_tag is None
    assert not invite().response(180).headers.has(b"timestamp")


def test_a_tag_that_is_there_stays() -> None:
    request = invite()
    request.headers.set(b"to", b"<sip:bob@example.com>;tag=x")
    assert request.response(200, to_tag=b"y").to_tag == b"x"
    assert request.response(200, b"Fine").reason == b"Fine"


def test_what_is_primed_after_a_change_is_what_is_asked_for() -> None:
    request = invite()
    assert request.call_id == b"c1"
    request.headers.set(b"max-forwards", b"3")
    request.came_with(dict(request.headers.lines) | {b"call-id": b"Call-ID: primed"})
    request.prime()
    assert request.call_id == b"primed"


def test_ack_of_a_refusal() -> None:
    request = invite()
    ack = ack_for(request, request.response(486, to_tag=b"b"))
    assert (ack.method, ack.uri_raw) == (b"ACK", b"sip:bob@example.com")
    assert ack.headers.values(b"via") == [request.headers.values(b"via")[0]]
    assert ack.headers.values(b"route") == [b"<sip:r1;lr>"]
    assert (ack.to_tag, ack.from_tag, ack.call_id) == (b"b", b"a", b"c1")
    assert (ack.cseq.number, ack.cseq.method) == (7, b"ACK")


def test_cancel() -> None:
    cancel = cancel_for(invite())
    assert (cancel.method, cancel.cseq.number, cancel.cseq.method) == (b"CANCEL", 7, b"CANCEL")
    assert cancel.via.branch == b"z9hG4bK1"
    assert cancel.to_tag is None
    assert not cancel.headers.has(b"contact")
    assert cancel.body == b""


def test_made_from_pairs_or_headers() -> None:
    pairs = Response(699, headers=((b"call-id", b"1"),))
    assert pairs.reason == b"Failure"
    assert Response(200, headers=Headers(pairs.headers.lines)).call_id == b"1"
