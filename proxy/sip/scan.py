"""Byte scanners: tokens, quoted strings, parameters and comma lists (RFC 3261 s25.1).

A parameter list is a tuple of (name, value) with the name lower-cased and the value as on the
wire; a flag has b"" as its value.
"""

from __future__ import annotations

from typing import Final

from .errors import ParseError
from .lines import has, plain_params

Params = tuple[tuple[bytes, bytes], ...]

TOKEN: Final = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~"
)
_TOKEN_BYTES: Final = bytes(sorted(TOKEN))
LWS: Final = b" \t\r\n"
MAX_PARAMS: Final = 64


def is_token(data: bytes) -> bool:
    """Whether the bytes are one non-empty token."""
    return bool(data) and not data.translate(None, _TOKEN_BYTES)


def parse_number(data: bytes, *, most: int, what: str) -> int:
    """A decimal number of ASCII digits, not above `most`."""
    if not data.isdigit():
        raise ParseError(f"{what} is not a number")
    if len(data) > 20:
        data = data.lstrip(b"0") or b"0"
    number = int(data) if len(data) <= 20 else most + 1
    if number > most:
        raise ParseError(f"{what} is above {most}")
    return number


def find_outside_quotes(data: bytes, wanted: bytes, start: int = 0) -> int:
    """Index of the first `wanted` byte outside of quoted strings and <>, or -1."""
    quote = data.find(b'"', start)
    while (found := data.find(wanted, start)) >= 0:
        if 0 <= quote < found:
            return _find_behind_quotes(data, wanted, start)
        opened = data.rfind(b"<", start, found)
        if opened < 0 or data.find(b">", opened, found) >= 0:
            return found
        closed = data.find(b">", found)
        if quote >= 0 and (closed < 0 or quote < closed):
            return _find_behind_quotes(data, wanted, start)
        if closed < 0:
            return -1
        start = closed + 1
    return -1 if quote < 0 else _find_behind_quotes(data, wanted, start)


def _find_behind_quotes(data: bytes, wanted: bytes, start: int) -> int:
    """The same byte by byte, for what has a quoted string on the way."""
    position = start
    end = len(data)
    target = wanted[0]
    in_brackets = False
    while position < end:
        byte = data[position]
        if byte == 0x22:
            position = skip_quoted(data, position)
            continue
        if byte == target and not in_brackets:
            return position
        if byte == 0x3C:
            in_brackets = True
        elif byte == 0x3E:
            in_brackets = False
        position += 1
    return -1


def skip_quoted(data: bytes, start: int) -> int:
    """Index behind the quoted string that begins at `start`."""
    position = start + 1
    while True:
        end = data.find(b'"', position)
        if end < 0:
            raise ParseError("unterminated quoted string")
        escapes = 0
        while data[end - 1 - escapes] == 0x5C and end - 1 - escapes > start:
            escapes += 1
        if escapes % 2 == 0:
            return end + 1
        position = end + 1


def split_values(data: bytes) -> list[bytes]:
    """Split a comma list outside of quoted strings and <> (s7.3.1); values are stripped."""
    if not has(data, b","):
        return [data.strip(LWS)]
    if not (has(data, b'"') or has(data, b"<")):
        return [part.strip(LWS) for part in data.split(b",")]
    values = []
    start = 0
    while (comma := find_outside_quotes(data, b",", start)) >= 0:
        values.append(data[start:comma].strip(LWS))
        start = comma + 1
    values.append(data[start:].strip(LWS))
    return values


def parse_params(data: bytes) -> Params:
    """Parameters of a header value: `;a=b;c;d="x;y"`, with or without the first semicolon."""
    if not data:
        return ()
    plain = plain_params(data)
    return _unusual_params(data) if plain is None else plain


def _unusual_params(data: bytes) -> Params:
    parts = []
    start = 0
    while (semicolon := find_outside_quotes(data, b";", start)) >= 0:
        parts.append(data[start:semicolon])
        start = semicolon + 1
    parts.append(data[start:])
    if len(parts) > MAX_PARAMS:
        raise ParseError("too many parameters")
    found = []
    for part in parts:
        name, equals, value = part.partition(b"=")
        name = name.strip(LWS)
        if name:
            found.append((name.lower(), value.strip(LWS)))
        elif equals:
            raise ParseError("parameter without a name")
    return tuple(found)


def serialise_params(params: Params) -> bytes:
    """`;name=value;flag`, b"" for none."""
    return b"".join(b";" + name + b"=" + value if value else b";" + name for name, value in params)


def unquote(data: bytes) -> bytes:
    """The text of a quoted string; anything else unchanged."""
    if len(data) < 2 or data[0] != 0x22 or data[-1] != 0x22:
        return data
    inner = data[1:-1]
    if b"\\" not in inner:
        return inner
    out = bytearray()
    escaped = False
    for byte in inner:
        if byte == 0x5C and not escaped:
            escaped = True
            continue
        out.append(byte)
        escaped = False
    return bytes(out)


def quote(data: bytes) -> bytes:
    """A quoted string; control characters cannot be carried and are refused."""
    if any(byte < 0x20 or byte == 0x7F for byte in data):
        raise ParseError("control character in a quoted string")
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
