"""Header lines and parameters as nearly all are written, taken apart.

What is unusual is left to headers.py and scan.py, which know the grammar and its errors: folding,
names that are seldom seen, quoted strings. `./fedsip build` puts lines.c in the place of this file,
which does the same; tests/sip/test_lines.py holds both to that.
"""

from __future__ import annotations

_LWS = b" \t\r\n"
_MOST_PARAMS = 64
_OF_KEYS = (b"a=crypto:", b"a=key-", b"a=ice-pwd:", b"k=")

Lines = list[tuple[bytes, bytes]]


def plain_lines(section: bytes, names: dict[bytes, bytes]) -> Lines | None:
    """(name, whole line) of each line of a header section; None where one is folded, has a lone CR
    or LF, no colon, or a name that `names` (spelling: name) does not have."""
    raw_lines = section.split(b"\r\n")
    if section.count(b"\r") + section.count(b"\n") != 2 * len(raw_lines) - 2:
        return None
    lines = []
    for raw in raw_lines:
        spelling, colon, _ = raw.partition(b":")
        name = names.get(spelling)
        if name is None or not colon:
            return None
        lines.append((name, raw))
    return lines


def value_of(raw: bytes) -> bytes:
    """The value of a whole header line: unfolded, stripped."""
    value = raw[raw.find(b":") + 1 :].strip(_LWS)
    if b"\r\n" in value:
        return b" ".join(part.strip(_LWS) for part in value.split(b"\r\n"))
    return value


def first_value(lines: Lines, name: bytes) -> bytes | None:
    """Value of the first line of that name; None where there is none."""
    for key, raw in lines:
        if key == name:
            return value_of(raw)
    return None


def plain_params(data: bytes) -> tuple[tuple[bytes, bytes], ...] | None:
    """(lower-cased name, value) of each `;name=value;flag`; None where there is a quoted string, a
    value without a name, or more than 64 of them."""
    if b'"' in data:
        return None
    parts = data.split(b";")
    if len(parts) > _MOST_PARAMS:
        return None
    found = []
    for part in parts:
        name, equals, value = part.partition(b"=")
        name = name.strip(_LWS)
        if name:
            found.append((name.lower(), value.strip(_LWS)))
        elif equals:
            return None
    return tuple(found)


def has(data: bytes, part: bytes) -> bool:
    """`part in data`, which Python answers only after an exception of its own: it tries first
    whether the part is a number, and takes five times as long."""
    return part in data


def has_auth(message: bytes) -> bool:
    """Whether "auth" stands anywhere, as in all fields with credentials or a nonce; whatever the
    case."""
    return b"auth" in message.lower()


def has_key_line(message: bytes) -> bool:
    """Whether a line begins as those do that have a key of media; whatever the case."""
    lower = message.lower()
    return any(lower.startswith(word) or b"\n" + word in lower for word in _OF_KEYS)


def between(data: bytes, before: bytes, after: bytes) -> bytes | None:
    """What stands behind the first `before`, until the next `after`; None where one is missing."""
    start = data.find(before)
    if start < 0:
        return None
    start += len(before)
    end = data.find(after, start)
    return None if end < 0 else data[start:end]
