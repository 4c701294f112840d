"""The answer to a request that cannot be parsed whole (RFC 3261 s16.3 step 1, s21.4.1)."""

from __future__ import annotations

from proxy.sip.errors import ParseError
from proxy.sip.headers import SINGLE, Headers, Line, parse_lines
from proxy.sip.message import Request, Response

from .flow import Flow
from .via_source import stamp_source

_MOST_LINES = 300


def refusal_for(data: bytes, error: ParseError, flow: Flow) -> Response | None:
    """A response to what can be read of the request; None when too little can: no start line of a
    request, an ACK, or no Via to answer to. What should stand once and stands twice is answered by
    the first, and a field that is missing is missing in the answer (RFC 4475 s3.3.1, s3.3.8)."""
    head = data.partition(b"\r\n\r\n")[0].lstrip(b"\r\n")
    start, _, section = head.partition(b"\r\n")
    method = start.partition(b" ")[0]
    if error.status_hint is None or start[:4].upper() == b"SIP/" or method in (b"ACK", b""):
        return None
    headers = _readable(section)
    if not headers.values(b"via"):
        return None
    request = Request(method, b"sip:unreadable.invalid", headers)
    stamp_source(request, flow)
    reason = error.message.encode("ascii", "replace") if error.status_hint == 400 else None
    response = request.response(error.status_hint, reason and b"Bad Request: " + reason)
    to = headers.first(b"to")
    if to is not None and b";tag=" not in to:
        response.headers.set(b"to", to + b";tag=refused")
    return response


def _readable(section: bytes) -> Headers:
    """The lines that can be read; a broken one is left out, the others say where to answer."""
    lines: list[Line] = []
    seen: set[bytes] = set()
    for raw in section.split(b"\r\n")[:_MOST_LINES]:
        try:
            line = parse_lines(raw, max_headers=1)[0]
        except ParseError:
            continue
        if line[0] not in SINGLE or line[0] not in seen:
            lines.append(line)
            seen.add(line[0])
    return Headers(lines)
