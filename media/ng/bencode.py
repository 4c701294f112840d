"""Bencode behind limits: what NG carries in its datagrams.

`fastbencode` reads strictly: it refuses a dictionary whose keys are not in order, and rtpengine,
Kamailio and OpenSIPS do not sort theirs (rtpengine's documentation: the order "is not currently
honoured"). So it is tried first, and what it refuses is read once more by the tolerant reader here,
whose verdict counts. Keys that come twice: the last one wins, as in rtpengine.
"""

from __future__ import annotations

# The package is typed but exports its compiled functions only by implication.
from fastbencode import bdecode, bencode  # type: ignore[attr-defined]

from media.ng.errors import NgError

Value = bytes | int | list["Value"] | dict[bytes, "Value"]
Document = dict[bytes, Value]

MAX_BYTES = 65_535
MAX_DEPTH = 12
_MAX_DIGITS = 19


def encode(value: Value) -> bytes:
    """Serialise; dictionaries in the order of their keys."""
    data: bytes = bencode(value)
    return data


def decode(data: bytes) -> Value:
    """Parse one whole value; NgError for anything else, and past the limits of size and depth."""
    if len(data) > MAX_BYTES:
        raise NgError("message too long")
    try:
        value: Value = bdecode(data)
    except (ValueError, TypeError):
        value, end = _read(data, 0, MAX_DEPTH)
        if end != len(data):
            raise NgError(f"bencode: junk at offset {end}") from None
        return value
    if _is_deeper(value, MAX_DEPTH):
        raise NgError("bencode: nested too deeply")
    return value


def _is_deeper(value: Value, levels: int) -> bool:
    if isinstance(value, bytes | int):
        return levels < 0
    if levels <= 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(_is_deeper(one, levels - 1) for one in inner if not isinstance(one, bytes | int))


def _read(data: bytes, at: int, levels: int) -> tuple[Value, int]:
    first = data[at : at + 1]
    if first.isdigit():
        return _read_string(data, at)
    if first == b"i":
        return _read_integer(data, at)
    if first not in (b"l", b"d"):
        raise NgError(f"bencode: no value at offset {at}")
    if levels <= 0:
        raise NgError("bencode: nested too deeply")
    at += 1
    if first == b"l":
        items: list[Value] = []
        while data[at : at + 1] != b"e":
            value, at = _read(data, at, levels - 1)
            items.append(value)
        return items, at + 1
    found: Document = {}
    while data[at : at + 1] != b"e":
        key, at = _read_string(data, at)
        found[key], at = _read(data, at, levels - 1)
    return found, at + 1


def _read_string(data: bytes, at: int) -> tuple[bytes, int]:
    colon = data.find(b":", at, at + 7)
    digits = data[at:colon]
    if colon < 0 or not digits.isdigit():
        raise NgError(f"bencode: no string at offset {at}")
    end = colon + 1 + int(digits)
    if end > len(data):
        raise NgError(f"bencode: string at offset {at} is cut off")
    return data[colon + 1 : end], end


def _read_integer(data: bytes, at: int) -> tuple[int, int]:
    end = data.find(b"e", at + 1, at + 3 + _MAX_DIGITS)
    digits = data[at + 1 : end]
    if end < 0 or not digits.removeprefix(b"-").isdigit():
        raise NgError(f"bencode: no integer at offset {at}")
    return int(digits), end + 1
