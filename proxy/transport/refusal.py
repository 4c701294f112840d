"""The answer to a request that cannot be parsed whole (RFC 3261 s16.3 step 1, s21.4.1)."""

from __future__ import annotations

from proxy.sip.errors import ParseError
from proxy.sip.headers import Headers, parse_lines
from proxy.sip.message import Request, Response

from .flow import Flow
from .via_source import stamp_source

_MOST_LINES = 300


def refusal_for(data: bytes, error: ParseError, flow: Flow) -> Response | None:
    """A response to what can be read of the request; None when too little can: no start line of a
    request, an ACK, or no Via to answer to."""
    head = data.partition(b"\r\n\r\n")[0].lstrip(b"\r\n")
    start, _, section = head.partition(b"\r\n")
    method = start.partition(b" ")[0]
    if error.status_hint is None or start[:4].upper() == b"SIP/" or method in (b"ACK", b""):
        return None
    lines = []
    for raw in section.split(b"\r\n")[:_MOST_LINES]:
        try:
            lines += parse_lines(raw, max_headers=1)
        except ParseError:
            continue  # the line that is broken is left out; the others say where to answer
    headers = Headers(lines)
    value = next(iter(headers.values(b"via")), None)
    if value is None or not all(
        headers.has(name) for name in (b"from", b"to", b"call-id", b"cseq")
    ):
        return None
    request = Request(method, b"sip:unreadable.invalid", headers)
    stamp_source(request, flow)
    reason = error.message.encode("ascii", "replace") if error.status_hint == 400 else None
    response = request.response(error.status_hint, reason and b"Bad Request: " + reason)
    if b";tag=" not in (headers.first(b"to") or b""):
        response.headers.set(b"to", (headers.first(b"to") or b"") + b";tag=refused")
    return response
