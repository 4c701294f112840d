"""One NG datagram: a cookie, one space, a dictionary in bencode or JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

from media.ng import bencode
from media.ng.bencode import Document, Value
from media.ng.errors import NgError

_MAX_COOKIE = 256


@dataclass(frozen=True, slots=True)
class Frame:
    """What a datagram held; `is_json` says how the answer has to be written."""

    cookie: bytes
    document: Document
    is_json: bool = False


def parse_cookie(datagram: bytes) -> tuple[bytes, bytes]:
    """Split off the cookie, which alone tells a retransmission; NgError without one."""
    cookie, space, rest = datagram.partition(b" ")
    if not space or not cookie or len(cookie) > _MAX_COOKIE:
        raise NgError("no cookie")
    return cookie, rest


def parse_frame(datagram: bytes) -> Frame:
    """Read one datagram; NgError when it has no cookie or holds no dictionary."""
    cookie, rest = parse_cookie(datagram)
    is_json = rest.startswith(b"{")
    value = _from_json(rest) if is_json else bencode.decode(rest)
    if not isinstance(value, dict):
        raise NgError("not a dictionary")
    return Frame(cookie, value, is_json)


def serialise_frame(cookie: bytes, document: Document, *, is_json: bool = False) -> bytes:
    """The datagram of a request or of the answer to the request with this cookie."""
    body = _to_json(document) if is_json else bencode.encode(document)
    return cookie + b" " + body


def _from_json(text: bytes) -> Value:
    if len(text) > bencode.MAX_BYTES:
        raise NgError("message too long")
    try:
        return _bytes_inside(json.loads(text), bencode.MAX_DEPTH)
    except (ValueError, RecursionError):  # half of a surrogate pair is no text either
        raise NgError("JSON: not readable") from None


def _bytes_inside(value: object, levels: int) -> Value:
    match value:
        case str():
            return value.encode("utf-8", "surrogateescape")
        case bool() | int():
            return int(value)
        case float():
            return str(value).encode()
        case None:
            return b""
    if levels <= 0:
        raise NgError("JSON: nested too deeply")
    if isinstance(value, list):
        return [_bytes_inside(one, levels - 1) for one in value]
    return {
        str(key).encode("utf-8", "surrogateescape"): _bytes_inside(one, levels - 1)
        for key, one in (value.items() if isinstance(value, dict) else ())  # JSON has no more kinds
    }


def _to_json(document: Document) -> bytes:
    return json.dumps(_text_inside(document), separators=(",", ":")).encode()


def _text_inside(value: Value) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, int):
        return value
    if isinstance(value, list):
        return [_text_inside(one) for one in value]
    return {key.decode("utf-8", "replace"): _text_inside(one) for key, one in value.items()}
