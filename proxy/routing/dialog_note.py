"""What routing seals into a dialog when it begins, and finds in each request within it.

Our Record-Route carries it, so that nothing is stored: as whom the caller is shown (caller_id.py),
by which trunk the call has left, and how far the CSeq of its requests is ahead there
(carrier_accounts.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_CALLER_PARTS: Final = 4
_TRUNK_PARTS: Final = 2


@dataclass(frozen=True, slots=True)
class Renamed:
    """The caller's From towards the callee, and as it was."""

    shown_display: bytes
    shown_user: bytes
    display: bytes
    user: bytes


@dataclass(frozen=True, slots=True)
class DialogNote:
    """All of it; what is falsy was not changed."""

    renamed: Renamed | None = None
    trunk_id: int = 0
    cseq_ahead: int = 0

    def serialise(self) -> bytes:
        """As few bytes as possible: they travel in every request."""
        parts: list[bytes] = []
        if self.renamed is not None:
            caller = self.renamed
            parts += [caller.shown_display, caller.shown_user, caller.display, caller.user]
        if self.trunk_id:
            parts += [b"%d" % self.trunk_id, b"%d" % self.cseq_ahead]
        return b"\0".join(parts)


_NOTHING: Final = DialogNote()


def parse(note: bytes) -> DialogNote:
    """The note again. Only what we sealed comes here, also what an earlier version did."""
    if not note:
        return _NOTHING
    parts = note.split(b"\0")
    renamed = None
    if len(parts) >= _CALLER_PARTS:
        renamed = Renamed(parts[0], parts[1], parts[2], parts[3])
        parts = parts[_CALLER_PARTS:]
    if len(parts) != _TRUNK_PARTS:
        return DialogNote(renamed)
    return DialogNote(renamed, int(parts[0]), int(parts[1]))
