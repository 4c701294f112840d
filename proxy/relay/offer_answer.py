"""Is this body an offer, an answer, or nothing (RFC 3264, RFC 3262, RFC 3311, RFC 6337). Pure."""

from __future__ import annotations

from enum import Enum


class Body(Enum):
    """What a session description is in the exchange."""

    NOTHING = "nothing"
    OFFER = "offer"
    ANSWER = "answer"


def in_request(method: bytes, *, has_sdp: bool, answer_expected: bool) -> Body:
    """The body of a request. `answer_expected`: a response of this call made an offer that nobody
    has answered yet (the INVITE came without one)."""
    if not has_sdp:
        return Body.NOTHING
    match method:
        case b"INVITE" | b"UPDATE":
            return Body.OFFER
        case b"ACK":
            return Body.ANSWER
        case b"PRACK":
            return Body.ANSWER if answer_expected else Body.OFFER
        case _:
            return Body.NOTHING


def in_response(method: bytes, status: int, *, has_sdp: bool, request_offered: bool) -> Body:
    """The body of a response to a request that made an offer, or did not."""
    if not has_sdp or status == 100 or status >= 300:
        return Body.NOTHING
    if method not in (b"INVITE", b"UPDATE", b"PRACK"):
        return Body.NOTHING
    if request_offered:
        return Body.ANSWER
    return Body.OFFER if method == b"INVITE" else Body.NOTHING
