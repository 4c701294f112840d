"""Passwords of phones and carriers: random ones that people can type, and what none may have."""

from __future__ import annotations

import secrets
import unicodedata

# No characters that look alike: these passwords are typed into phones with number keys.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, GROUP = 4, 4  # 31^16: 79 bits


def generated() -> str:
    """A random password that can be read out and typed."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


def has_controls(password: str) -> bool:
    """Whether it has control characters or half of a surrogate pair, which nobody can type."""
    return any(unicodedata.category(letter) in ("Cc", "Cs") for letter in password)
