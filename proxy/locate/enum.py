"""ENUM (RFC 6116): from an E.164 number to SIP URIs, as a generator that asks and returns. Pure.

The number's digits backwards under a root (`4.3.2.1.e164.arpa`) have NAPTR records; terminal ones
with the service E2U+sip rewrite the number by their regular expression. That comes from strangers
and runs on RE2, in linear time, as all patterns do that we did not write. Records without flags are
not terminal: they name where further records stand (RFC 3403 s4.1), and are followed so far and no
further, each name once, so that none of them can lead round in a circle.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final

import re2

from proxy.sip.errors import ParseError
from proxy.sip.uri import SipUri, parse_uri

from .records import Naptr
from .rfc3263 import Answer, LocateError, Question

_MOST_RECORDS: Final = 16
_MOST_NAMES: Final = 5
"""So many names are asked for records of one number under one root."""
_MOST_DIGITS: Final = 15  # E.164
_MEMORY: Final = 256 * 1024
_REFUSED: Final = re2.error

EnumLookup = Generator[Question, Answer, list[SipUri]]


def look_up(number: str, roots: Sequence[str]) -> EnumLookup:
    """The SIP URIs of a number such as "+441632960083", best first; the first root that has any
    decides. [] when there is none, or the number is none."""
    digits = number[1:]
    if number[:1] != "+" or not digits.isascii() or not digits.isdigit():
        return []
    if len(digits) > _MOST_DIGITS:
        return []
    for root in roots:
        name = ".".join(reversed(digits)) + "." + root.strip(".")
        found = yield from _at(name, number, set())
        if found:
            return found
    return []


def _at(name: str, number: str, asked: set[str]) -> EnumLookup:
    """What the records of a name make of the number, and those of the names that they lead to."""
    if name in asked or len(asked) >= _MOST_NAMES:
        return []
    asked.add(name)
    try:
        answer = yield Question("NAPTR", name)
    except LocateError:
        return []
    found: list[SipUri] = []
    for record in _usable([one for one in answer if isinstance(one, Naptr)]):
        if record.flags:
            uri = _uri(number, record)
            if uri is not None:
                found.append(uri)
        elif further := _next_name(number, record):
            found += yield from _at(further, number, asked)
    return found


def is_number(user: bytes | None) -> bool:
    """Whether the user of a Request-URI is a number that ENUM may know."""
    return user is not None and user[:1] == b"+" and user[1:].isdigit()


def _usable(records: list[Naptr]) -> list[Naptr]:
    ordered = sorted(records, key=lambda one: (one.order, one.preference))
    return [one for one in ordered if not one.flags or _is_terminal(one)][:_MOST_RECORDS]


def _is_terminal(record: Naptr) -> bool:
    return record.flags.lower() == "u" and _is_sip(record)


def _is_sip(record: Naptr) -> bool:
    """E2U+sip, also among other services and with subtypes; and the old sip+E2U (RFC 2916)."""
    parts = record.service.lower().split("+")
    if parts[0] == "e2u":
        return any(part.partition(":")[0] == "sip" for part in parts[1:])
    return parts == ["sip", "e2u"]


def _uri(number: str, record: Naptr) -> SipUri | None:
    text = _rewritten(number, record)
    try:
        uri = parse_uri((text or "").encode("ascii"))
    except (ParseError, UnicodeEncodeError):
        return None
    return uri if isinstance(uri, SipUri) else None


def _next_name(number: str, record: Naptr) -> str:
    """Where a record that is not terminal leads: its replacement, else what its expression says;
    empty where that is nowhere."""
    name = record.replacement.strip(".") or _rewritten(number, record) or ""
    return name.strip(".").lower()


def _rewritten(number: str, record: Naptr) -> str | None:
    """The number by the record's `!pattern!replacement!flags`; None when that does not work."""
    parts = _split(record.regexp)
    if parts is None:
        return None
    pattern, replacement, flags = parts
    options: Any = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    options.case_sensitive = flags != "i"
    try:
        match = re2.search(pattern, number, options)
    except _REFUSED:
        return None
    if match is None:
        return None
    return _filled(replacement, (match.group(0), *match.groups()))


def _split(regexp: str) -> tuple[str, str, str] | None:
    """Pattern, replacement and flags; the first character delimits, a backslash keeps it."""
    delimiter = regexp[:1]
    if not delimiter or delimiter in "\\i123456789":
        return None
    parts = [""]
    escaped = False
    for character in regexp[1:]:
        if escaped:
            parts[-1] += character if character == delimiter else "\\" + character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == delimiter:
            parts.append("")
        else:
            parts[-1] += character
    if escaped or len(parts) != 3 or not parts[0] or parts[2] not in ("", "i"):
        return None
    return parts[0], parts[1], parts[2]


def _filled(replacement: str, groups: Sequence[str | None]) -> str:
    """`\\1` to `\\9` stand for groups; any other escaped character stands for itself."""
    text = ""
    escaped = False
    for character in replacement:
        if not escaped and character == "\\":
            escaped = True
            continue
        if escaped and character.isdigit():
            at = int(character)
            text += (groups[at] or "") if at < len(groups) else ""
        else:
            text += character
        escaped = False
    return text
