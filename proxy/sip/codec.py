"""Whole messages from and to bytes (RFC 3261 s7, s18.3).

`parse` checks what every element needs: the start line, the shape of the header section, the
single fields and Content-Length. Everything else is parsed when it is asked for.
"""

from __future__ import annotations

from typing import Final

from .errors import ParseError
from .headers import SINGLE, Headers, Line, parse_lines
from .lines import has, value_of
from .message import Message, Request, Response
from .scan import is_token, parse_number
from .uri import SipUri

MAX_HEADERS: Final = 256
MAX_BODY: Final = 2**31
METHODS: Final = frozenset(
    b"ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH REFER REGISTER SUBSCRIBE "
    b"UPDATE".split()
)
"""Those that have an RFC."""


def parse(data: bytes, *, max_headers: int = MAX_HEADERS) -> Request | Response:
    """One message. Bytes behind Content-Length are dropped, fewer are an error (s18.3)."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        if data[-2:] != b"\r\n":
            raise ParseError("no end of the header section")
        head = data[:-2]
    start, _, section = head.lstrip(b"\r\n").partition(b"\r\n")
    first, space, rest = start.partition(b" ")
    if not space:
        raise ParseError("no start line", None)
    lines = parse_lines(section, max_headers=max_headers) if section else []
    fields = dict(lines)
    length = _content_length(lines, fields)
    if length is not None:
        if length > len(body):
            raise ParseError("body is shorter than Content-Length")
        body = body[:length]
    message: Request | Response
    if first == b"SIP/2.0" or first[:4].upper() == b"SIP/":
        message = _response(first, rest, lines, body)
    else:
        message = _request(first, rest, lines, body)
    message.came_with(fields)
    return message


def _request(method: bytes, rest: bytes, lines: list[Line], body: bytes) -> Request:
    uri, space, version = rest.rpartition(b" ")
    if version != b"SIP/2.0":
        if version.upper() == b"SIP/2.0":
            pass  # s7.1: the version is case-insensitive on receipt
        elif version[:4].upper() == b"SIP/" and space:
            raise ParseError("SIP version is not 2.0", 505)
        else:
            raise ParseError("request line without a version")
    if not is_token(method):
        raise ParseError("method is no token")
    if not uri or has(uri, b" ") or has(uri, b"\t") or uri[0] == 0x3C:
        raise ParseError("Request-URI is malformed")
    return Request(method, uri, Headers(lines), body)


def _response(version: bytes, rest: bytes, lines: list[Line], body: bytes) -> Response:
    if version.upper() != b"SIP/2.0":
        raise ParseError("SIP version is not 2.0", None)
    code, _, reason = rest.partition(b" ")
    if len(code) != 3 or not code.isdigit() or not b"100" <= code <= b"699":
        raise ParseError("status is not 100..699", None)
    return Response(int(code), reason, Headers(lines), body)


def _content_length(lines: list[Line], fields: dict[bytes, bytes]) -> int | None:
    """The Content-Length; on the way every single field is seen to be single."""
    if len(fields) < len(lines):
        seen: set[bytes] = set()
        for name, _ in lines:
            if name in SINGLE:
                if name in seen:
                    raise ParseError(f"{name.decode()} stands twice")
                seen.add(name)
    raw = fields.get(b"content-length")
    if raw is None:
        return None
    return parse_number(value_of(raw), most=MAX_BODY, what="Content-Length")


def check(message: Message) -> None:
    """What a request must have to be answered or forwarded (s8.1.1, s16.3 step 1).

    Raises ParseError when a required field or the Request-URI is missing or malformed, or the CSeq
    method differs.
    """
    message.prime()
    cseq = message.cseq
    _ = message.via.params, message.from_.params, message.to.params
    if isinstance(message, Request):
        if cseq.method != message.method:
            # RFC 4475 s3.1.2.18: for a method that nobody knows yet, 501 is the better answer.
            raise ParseError("CSeq has another method", 400 if message.method in METHODS else 501)
        uri = message.uri
        if isinstance(uri, SipUri) and uri.headers:
            raise ParseError("header fields in the Request-URI")  # s19.1.1 table 1


def serialise(message: Request | Response) -> bytes:
    """The bytes of a message. Content-Length is written when it differs from the body."""
    body = message.body
    if isinstance(message, Request):
        out = [b"%b %b SIP/2.0" % (message.method, message.uri_raw)]
    else:
        out = [b"SIP/2.0 %d %b" % (message.status, message.reason)]
    lines = message.headers.lines
    out += [raw for _, raw in lines]
    for at in range(len(lines), 0, -1):  # mostly the last one
        if lines[at - 1][0] == b"content-length":
            raw = out[at]
            value = raw[raw.find(b":") + 1 :].strip()
            if not value.isdigit() or len(value) > 20 or int(value) != len(body):
                out[at] = b"Content-Length: %d" % len(body)
            break
    else:
        out.append(b"Content-Length: %d" % len(body))
    out.append(b"")
    out.append(body)
    return b"\r\n".join(out)
