"""Lines back to bytes."""

from __future__ import annotations

from collections.abc import Iterable

from media.sdp.model import Line, Session


def serialise(session: Session) -> bytes:
    """The description as bytes; what `parse` read comes out as it was."""
    lines = list(session.lines)
    for media in session.media:
        lines.extend(media.lines)
    return serialise_lines(lines)


def serialise_lines(lines: Iterable[Line]) -> bytes:
    return b"".join([line.kind + b"=" + line.value + line.ending for line in lines])
