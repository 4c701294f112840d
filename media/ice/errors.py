"""What the ICE package raises."""

from __future__ import annotations


class ParseError(Exception):
    """Not a STUN message, or one whose FINGERPRINT is wrong."""
