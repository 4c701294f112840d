"""What of the wire's bytes PostgreSQL can keep as text, the same when it is read back. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

_CONTROLS: Final = bytes((*range(32), 127))
_LONGEST_CALL_ID: Final = 128


def is_text(value: bytes) -> bool:
    """UTF-8 without control characters."""
    if len(value.translate(None, _CONTROLS)) != len(value):
        return False
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def as_text(value: bytes, longest: int) -> bytes:
    """The part that is text; for what only people read."""
    value = value[:longest]
    if is_text(value):
        return value
    return value.decode("utf-8", "ignore").encode().translate(None, _CONTROLS)


def kept_call_id(call_id: bytes) -> bytes:
    """A Call-ID as it is, or the hash of one that is long or no text."""
    if len(call_id) <= _LONGEST_CALL_ID and is_text(call_id):
        return call_id
    return blake2b(call_id, digest_size=16).hexdigest().encode()
