"""Put the relay's addresses and ports into a description; leave every other line as it is.

What changes: o= and c= addresses, m= ports and profiles, a=rtcp, a=rtcp-mux; what goes: ICE, bundle
groups (each section gets ports of its own here), rtcp-fb where the profile has no feedback, and
what the plan names; what comes is in the plan as well: keys, fingerprints, candidates of ours. A
zero address stays zero: it means hold (RFC 3264 s8.4); towards who speaks ICE, and so looks at no
address, a direction says it. A section that nobody relays keeps its address even when it stood at
session level.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from media.sdp.model import (
    DIRECTIONS,
    ICE_ATTRIBUTES,
    ZERO,
    Connection,
    Line,
    Media,
    Session,
    attribute,
)
from media.sdp.serialise import serialise_lines


@dataclass(frozen=True, slots=True)
class MediaRewrite:
    """What one relayed section is to say. `rtcp_port` None: the section has no RTCP at all."""

    port: int
    rtcp_port: int | None
    rtcp_mux: bool
    protocol: bytes
    dropped: frozenset[bytes] = frozenset()
    """Attributes that go."""
    added: tuple[bytes, ...] = ()
    """Attributes that come, without "a="."""
    direction: bytes = b""
    """What is said in the place of a zero address and of the direction beside it."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a description is to say; `media` has one entry a section, None for one left alone."""

    connection: Connection
    media: tuple[MediaRewrite | None, ...]
    origin: bool = False
    session_connection: bool = False
    ice: bool = False
    dropped: frozenset[bytes] = frozenset()
    """Attributes of the session that go."""
    added: tuple[bytes, ...] = ()
    """Attributes of the session that come."""
    rtcp_attribute: bool = True
    full_rtcp_attribute: bool = False


def rewrite(session: Session, how: Rewrite) -> bytes:
    """The new body, in the order of the old one."""
    replaces_session = session.connection is not None and (
        how.session_connection
        or any(
            plan is not None and media.connection is None
            for media, plan in zip(session.media, how.media, strict=True)
        )
    )
    lines = list(_session_lines(session, how, replaces_session))
    for media, plan in zip(session.media, how.media, strict=True):
        if plan is not None:
            lines.extend(_relayed(session, media, plan, how))
        else:
            lines.extend(_left_alone(session, media, replaces_session))
    return serialise_lines(lines)


def replaced(old: Connection, new: Connection) -> Connection:
    """The address to write in the place of `old`: zero stays zero, in the new family."""
    return Connection(new.family, ZERO[new.family]) if old.is_zero else new


def _session_lines(session: Session, how: Rewrite, replaces: bool) -> Iterator[Line]:
    for line in session.lines:
        if line.kind == b"o" and how.origin:
            new = replaced(session.origin.connection, how.connection)
            value = b"%b %b %b" % (session.origin.before, new.family, new.address)
            yield Line(b"o", value, line.ending)
        elif line.kind == b"c" and replaces and session.connection is not None:
            below = [one for one in session.media if one.connection is None]
            is_held = not below or any(session.is_held_by_address(one) for one in below)
            old = session.connection if is_held else how.connection
            yield _connection_line(line, replaced(old, how.connection))
        elif not _is_dropped(line, how) and line.attribute not in how.dropped:
            yield line
    for value in how.added:
        yield Line(b"a", value, session.ending)


def _relayed(session: Session, media: Media, plan: MediaRewrite, how: Rewrite) -> Iterator[Line]:
    value = b" ".join((media.kind, b"%d" % plan.port, plan.protocol, *media.formats))
    yield Line(b"m", value, media.lines[0].ending)
    if media.connection is None and (plan.direction or session.connection is None):
        yield _connection_line(Line(b"c", b"", session.ending), how.connection)
    dropped = plan.dropped
    if not plan.protocol.upper().endswith(b"F"):
        dropped |= {b"rtcp-fb"}
    if plan.direction:
        dropped |= frozenset(DIRECTIONS)
    has_mux = has_connection = False
    for line in media.lines[1:]:
        if line.kind == b"c" and media.connection is not None:
            if not has_connection:
                is_held = session.is_held_by_address(media) and not plan.direction
                old = media.connection if is_held else how.connection
                yield _connection_line(line, replaced(old, how.connection))
            has_connection = True
            continue
        name = line.attribute
        if name == b"rtcp":
            if plan.rtcp_port is not None and how.rtcp_attribute:
                yield Line(b"a", _rtcp(line, plan.rtcp_port, how), line.ending)
        elif name == b"rtcp-mux":
            if plan.rtcp_mux and not has_mux:
                yield line
            has_mux = has_mux or plan.rtcp_mux
        elif not _is_dropped(line, how) and name not in dropped:
            yield line
    if plan.rtcp_mux and not has_mux:
        yield Line(b"a", b"rtcp-mux", session.ending)
    if plan.direction:
        yield Line(b"a", plan.direction, session.ending)
    for value in plan.added:
        yield Line(b"a", value, session.ending)


def _left_alone(session: Session, media: Media, session_is_replaced: bool) -> Iterator[Line]:
    """Disabled, or not datagrams: as it was, with the address it had."""
    for line in media.lines:
        if line.attribute == b"bundle-only":
            continue
        yield line
        if (
            line.kind == b"m"
            and session_is_replaced
            and not media.is_disabled
            and media.connection is None
            and session.connection is not None
        ):
            yield _connection_line(Line(b"c", b"", session.ending), session.connection)


def _is_dropped(line: Line, how: Rewrite) -> bool:
    name = line.attribute
    if not name:
        return False
    if name in ICE_ATTRIBUTES:
        return not how.ice
    return name == b"bundle-only" or (name == b"group" and line.value[6:12] == b"BUNDLE")


def _connection_line(line: Line, connection: Connection) -> Line:
    return Line(b"c", b"IN %b %b" % (connection.family, connection.address), line.ending)


def _rtcp(line: Line, port: int, how: Rewrite) -> bytes:
    """a=rtcp in the long form where it was long: the port alone would mean the c= address."""
    if how.full_rtcp_attribute or len((attribute((line,), b"rtcp") or b"").split()) > 1:
        return b"rtcp:%d IN %b %b" % (port, how.connection.family, how.connection.address)
    return b"rtcp:%d" % port
