"""Bytes to a Session (RFC 8866). Order of lines is not policed: phones break it, peers cope.

What must be right is what the relay relies on: v= first, one o= and at most one c= in a section,
m= with a port. Everything else only has to be lines.
"""

from __future__ import annotations

from media.sdp.errors import ParseError
from media.sdp.model import IP4, IP6, Connection, Line, Media, Origin, Session

MAX_BYTES = 65_535
MAX_MEDIA = 32


def parse(body: bytes) -> Session:
    """Read one description; ParseError for anything that is none."""
    if len(body) > MAX_BYTES:
        raise ParseError("too long")
    sections: list[list[tuple[int, Line]]] = [[]]
    for number, line in _lines(body):
        if line.kind == b"m":
            sections.append([])
            if len(sections) > MAX_MEDIA + 1:
                raise ParseError(f"more than {MAX_MEDIA} media sections", number)
        sections[-1].append((number, line))
    head = sections[0]
    if not head or head[0][1].kind != b"v" or head[0][1].value.strip() != b"0":
        raise ParseError("does not begin with v=0")
    return Session(
        lines=tuple(line for _, line in head),
        origin=_origin(head),
        connection=_connection(head),
        media=tuple(_media(section) for section in sections[1:]),
    )


def _lines(body: bytes) -> list[tuple[int, Line]]:
    """The lines with their numbers. Blank ones are borne at the end, where some phones send them.

    A last line without an ending gets that of the first, so that lines can be added behind it.
    """
    found: list[tuple[int, Line]] = []
    blank = 0
    for number, raw in enumerate(body.splitlines(keepends=True), 1):
        content = raw.rstrip(b"\r\n")
        if not content:
            blank = blank or number
            continue
        if blank or content[1:2] != b"=" or not content[:1].isalpha():
            raise ParseError("not of the form x=...", blank or number)
        ending = raw[len(content) :] or (found[0][1].ending if found else b"\r\n")
        found.append((number, Line(content[:1], content[2:], ending)))
    return found


def _origin(section: list[tuple[int, Line]]) -> Origin:
    for number, line in section:
        if line.kind == b"o":
            words = line.value.rsplit(maxsplit=2)
            if len(words) != 3 or words[1].upper() not in (IP4, IP6):
                raise ParseError("o= without an address", number)
            return Origin(words[0], Connection(words[1].upper(), words[2]))
    raise ParseError("no o= line")


def _connection(section: list[tuple[int, Line]]) -> Connection | None:
    found = None
    for number, line in section:
        if line.kind != b"c":
            continue
        words = line.value.split()
        if len(words) != 3 or words[0].upper() != b"IN" or words[1].upper() not in (IP4, IP6):
            raise ParseError("c= is not IN with a family and an address", number)
        if found is None:  # several c= lines are layers of multicast (RFC 8866 s5.7)
            found = Connection(words[1].upper(), words[2])
    return found


def _media(section: list[tuple[int, Line]]) -> Media:
    number, line = section[0]
    words = line.value.split()
    if len(words) < 3:
        raise ParseError("m= without kind, port and protocol", number)
    port, _, _ = words[1].partition(b"/")
    if not port.isdigit() or len(port) > 5 or int(port) > 65_535:
        raise ParseError("m= without a port", number)
    return Media(
        lines=tuple(line for _, line in section),
        kind=words[0],
        port=int(port),
        protocol=words[2],
        formats=tuple(words[3:]),
        connection=_connection(section),
    )
