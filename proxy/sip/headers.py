"""The header section: an ordered list of raw lines, looked up by canonical name (s7.3).

Canonical names are lower-case and long: b"call-id" also finds `i:`. A line that nobody changes
goes out as it came, folding and spacing included. Changes raise `version`, by which the message
knows that its cached fields are stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .errors import ParseError
from .fields import find_comma
from .lines import first_value, has, plain_lines, value_of
from .scan import LWS, is_token, split_values

Line = tuple[bytes, bytes]
"""Canonical name, and the raw line without its final CRLF."""

_WIRE_NAMES: Final = (
    b"Accept Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authentication-Info "
    b"Authorization Call-ID Call-Info Contact Content-Disposition Content-Encoding "
    b"Content-Language Content-Length Content-Type CSeq Date Diversion Error-Info Event Expires "
    b"Flow-Timer From History-Info Identity In-Reply-To Join Max-Breadth Max-Forwards MIME-Version "
    b"Min-Expires Min-SE Organization P-Asserted-Identity P-Preferred-Identity Path Priority "
    b"Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route "
    b"Refer-To Referred-By Replaces Reply-To Require Retry-After Route RSeq Server Service-Route "
    b"Session-Expires SIP-ETag SIP-If-Match Subject Subscription-State Supported Timestamp To "
    b"Unsupported User-Agent Via Warning WWW-Authenticate X-Real-IP"
).split()
_COMPACT: Final[dict[bytes, bytes]] = {
    b"a": b"accept-contact",
    b"b": b"referred-by",
    b"c": b"content-type",
    b"d": b"request-disposition",
    b"e": b"content-encoding",
    b"f": b"from",
    b"i": b"call-id",
    b"j": b"reject-contact",
    b"k": b"supported",
    b"l": b"content-length",
    b"m": b"contact",
    b"n": b"identity-info",
    b"o": b"event",
    b"r": b"refer-to",
    b"s": b"subject",
    b"t": b"to",
    b"u": b"allow-events",
    b"v": b"via",
    b"x": b"session-expires",
    b"y": b"identity",
}
# Every spelling that is often seen, so that most lines cost one dict lookup.
_CANONICAL: Final[dict[bytes, bytes]] = {
    **{name: name.lower() for name in _WIRE_NAMES},
    **{name.lower(): name.lower() for name in _WIRE_NAMES},
    **_COMPACT,
    **{name.upper(): long for name, long in _COMPACT.items()},
}
_ON_WIRE: Final[dict[bytes, bytes]] = {name.lower(): name for name in _WIRE_NAMES}

SINGLE: Final = frozenset(
    b"call-id cseq from to max-forwards max-breadth content-length content-type".split()
)
"""Fields that must not stand twice in a message."""


def canonical_name(name: bytes) -> bytes:
    """Canonical form of a field name as on the wire; raises ParseError when it is no token."""
    stripped = name.rstrip(b" \t")
    lowered = stripped.lower()
    if not is_token(lowered):
        raise ParseError("field name is no token")
    return _COMPACT.get(lowered, lowered)


def wire_name(name: bytes) -> bytes:
    """How we write a canonical name: RFC spelling, else Each-Word-Capital."""
    return _ON_WIRE.get(name) or b"-".join(part.capitalize() for part in name.split(b"-"))


def parse_lines(section: bytes, *, max_headers: int) -> list[Line]:
    """Split a header section (without the empty line) into lines."""
    lines = plain_lines(section, _CANONICAL)
    if lines is None:
        lines = _unusual_lines(section)
    if len(lines) > max_headers:
        raise ParseError("too many header fields", 513)
    return lines


def _unusual_lines(section: bytes) -> list[Line]:
    raw_lines = section.split(b"\r\n")
    ends = 2 * len(raw_lines) - 2
    if section.count(b"\r") + section.count(b"\n") != ends:
        raise ParseError("CR or LF inside a header line")
    if b"\r\n " in section or b"\r\n\t" in section:
        raw_lines = _unfold_list(raw_lines)
    lines = []
    for raw in raw_lines:
        name, colon, _ = raw.partition(b":")
        if not colon:
            raise ParseError("header line without a colon")
        lines.append((_CANONICAL.get(name) or canonical_name(name), raw))
    return lines


def _unfold_list(raw_lines: list[bytes]) -> list[bytes]:
    """Join continuation lines to the line they continue (s7.3.1), CRLF kept inside."""
    joined: list[list[bytes]] = []
    for raw in raw_lines:
        if raw[:1] not in (b" ", b"\t"):
            joined.append([raw])
        elif joined:
            joined[-1].append(raw)
        else:
            raise ParseError("header section begins with a continuation line")
    return [b"\r\n".join(parts) for parts in joined]


class Headers:
    """Ordered header fields. Names given to the methods are canonical."""

    __slots__ = ("lines", "version")

    def __init__(self, lines: list[Line] | None = None) -> None:
        self.lines: list[Line] = [] if lines is None else lines
        self.version = 0

    def first(self, name: bytes) -> bytes | None:
        """Value of the first line of that name: unfolded, stripped; None where there is none."""
        return first_value(self.lines, name)

    def all(self, name: bytes) -> list[bytes]:
        """The value of each line of that name."""
        return [value_of(raw) for key, raw in self.lines if key == name]

    def values(self, name: bytes) -> list[bytes]:
        """All values of a comma-list field, over all its lines."""
        found: list[bytes] = []
        for key, raw in self.lines:
            if key == name:
                found += split_values(value_of(raw))
        return [value for value in found if value]

    def has(self, name: bytes) -> bool:
        for key, _ in self.lines:  # noqa: SIM110 - any() takes three times as long
            if key == name:
                return True
        return False

    def count(self, name: bytes) -> int:
        """How many lines of that name there are."""
        return sum(key == name for key, _ in self.lines)

    def set(self, name: bytes, value: bytes) -> None:
        """One line in place of all of that name: where the first stood, else at the end."""
        self.version += 1
        line = (name, _line(name, value))
        lines = self.lines
        for at, (key, _) in enumerate(lines):
            if key == name:
                lines[at] = line
                if name not in SINGLE:
                    lines[at + 1 :] = [one for one in lines[at + 1 :] if one[0] != name]
                return
        lines.append(line)

    def append(self, name: bytes, value: bytes) -> None:
        self.version += 1
        self.lines.append((name, _line(name, value)))

    def prepend(self, name: bytes, value: bytes) -> None:
        """A line before the first of that name, else on top."""
        self.version += 1
        lines = self.lines
        for at, (key, _) in enumerate(lines):
            if key == name:
                lines.insert(at, (name, _line(name, value)))
                return
        lines.insert(0, (name, _line(name, value)))

    def put_at(self, at: int, name: bytes, raw: bytes) -> None:
        """A whole line in the place of another."""
        self.version += 1
        self.lines[at] = (name, raw)

    def put_on_top(self, lines: list[Line]) -> None:
        """Put whole lines before all others."""
        self.version += 1
        self.lines[:0] = lines

    def take_off_top(self, count: int) -> None:
        """Take off the first lines."""
        self.version += 1
        del self.lines[:count]

    def remove(self, name: bytes) -> int:
        """Remove all lines of that name; how many there were."""
        kept = [line for line in self.lines if line[0] != name]
        removed = len(self.lines) - len(kept)
        if removed:
            self.version += 1
            self.lines = kept
        return removed

    def remove_first_value(self, name: bytes) -> None:
        """Remove the first value of a comma-list field."""
        self._change_first(name, None)

    def replace_first_value(self, name: bytes, value: bytes) -> None:
        """Put another value in the place of the first one of a comma-list field."""
        self._change_first(name, value)

    def _change_first(self, name: bytes, value: bytes | None) -> None:
        lines = self.lines
        for at, (key, raw) in enumerate(lines):
            if key != name:
                continue
            self.version += 1
            rest = b""
            if has(raw, b","):
                whole = value_of(raw)
                comma = find_comma(whole)
                rest = whole[comma + 1 :].strip(LWS) if comma >= 0 else b""
            if value is None and not rest:
                del lines[at]
            elif value is None:
                lines[at] = (name, _line(name, rest))
            else:
                lines[at] = (name, _line(name, value + b", " + rest if rest else value))
            return

    def copy(self) -> Headers:
        return Headers(self.lines.copy())

    def serialise(self) -> bytes:
        """All lines, each with its CRLF."""
        return b"".join([raw + b"\r\n" for _, raw in self.lines])

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return ((key, value_of(raw)) for key, raw in self.lines)

    def __len__(self) -> int:
        return len(self.lines)


def _line(name: bytes, value: bytes) -> bytes:
    if has(value, b"\n") or has(value, b"\r"):
        # Header injection ends here: nothing that we write can hold a line end.
        raise ParseError("line end in a header value", 500)
    return (_ON_WIRE.get(name) or wire_name(name)) + b": " + value
