"""Values of the protocol for the database and the log. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_LONGEST_TEXT: Final = 500


def as_text(value: bytes) -> str:
    """Bytes of the protocol: never a NUL, never endless."""
    return value.decode("utf-8", "replace").replace("\0", "")[:_LONGEST_TEXT]


def as_instant(wall: float) -> str:
    """Epoch seconds as PostgreSQL reads them."""
    return datetime.fromtimestamp(wall, UTC).isoformat()
