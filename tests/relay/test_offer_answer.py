"""Which body is an offer and which an answer (RFC 3264, 3262, 3311, 6337)."""

from __future__ import annotations

import pytest

from proxy.relay.offer_answer import Body, in_request, in_response

NOTHING, OFFER, ANSWER = Body.NOTHING, Body.OFFER, Body.ANSWER


@pytest.mark.parametrize(
    ("method", "expected", "body"),
    [
        (b"INVITE", False, OFFER),
        (b"INVITE", True, OFFER),
        (b"UPDATE", False, OFFER),
        (b"ACK", False, ANSWER),
        (b"ACK", True, ANSWER),
        (b"PRACK", True, ANSWER),
        (b"PRACK", False, OFFER),
        (b"MESSAGE", False, NOTHING),
        (b"INFO", True, NOTHING),
        (b"BYE", False, NOTHING),
    ],
)
def test_request(method: bytes, expected: bool, body: Body) -> None:
    assert in_request(method, has_sdp=True, answer_expected=expected) is body
    assert in_request(method, has_sdp=False, answer_expected=expected) is NOTHING


@pytest.mark.parametrize(
    ("method", "status", "offered", "body"),
    [
        (b"INVITE", 100, True, NOTHING),
        (b"INVITE", 180, True, ANSWER),
        (b"INVITE", 183, True, ANSWER),
        (b"INVITE", 200, True, ANSWER),
        (b"INVITE", 183, False, OFFER),
        (b"INVITE", 200, False, OFFER),
        (b"INVITE", 488, True, NOTHING),
        (b"UPDATE", 200, True, ANSWER),
        (b"UPDATE", 200, False, NOTHING),
        (b"PRACK", 200, True, ANSWER),
        (b"PRACK", 200, False, NOTHING),
        (b"OPTIONS", 200, False, NOTHING),
        (b"MESSAGE", 200, True, NOTHING),
    ],
)
def test_response(method: bytes, status: int, offered: bool, body: Body) -> None:
    assert in_response(method, status, has_sdp=True, request_offered=offered) is body
    assert in_response(method, status, has_sdp=False, request_offered=offered) is NOTHING
