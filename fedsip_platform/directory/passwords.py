"""Passwords that we make for phones: random, and such that people can type them."""

from __future__ import annotations

import secrets

# No characters that look alike: these passwords are typed into phones with number keys.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, GROUP = 4, 4  # 31^16: 79 bits


def generated() -> str:
    """A random password that can be read out and typed."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)
