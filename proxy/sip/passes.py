"""Passes: credentials that expire, for pages that must not hold a user's password. Pure.

A pass is a digest username and a password. The username is the user and when the pass expires,
`alice 69263a5f` (a space is in no user name); the password is a keyed hash over realm, username and
the user's HA1. So whoever has the cluster's key and the user at hand can make a pass and check one,
without a table: it opens one address, until then, and no longer than the user's password stays.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from . import digest

LONGEST_SECONDS: Final = 86400

_PASSWORD_BYTES: Final = 24
_HEX: Final = b"0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Pass:
    """What a page is given."""

    username: bytes
    password: bytes
    expires_at: int
    """Seconds since the epoch."""


def make_pass(
    key: bytes, username: bytes, realm: bytes, ha1_md5: bytes, *, expires_at: int
) -> Pass:
    """A pass for a user of the domain `realm`, whose own HA1 this is."""
    name = b"%b %08x" % (username, expires_at)
    return Pass(name, _password(key, name, realm, ha1_md5), expires_at)


def read_username(username: bytes) -> tuple[bytes, int] | None:
    """User and expiry of a pass; None for the username of somebody without one."""
    user, space, expiry = username.rpartition(b" ")
    if not space or not user or len(expiry) != 8 or expiry.translate(None, _HEX):
        return None
    return user, int(expiry, 16)


def pass_ha1(
    key: bytes, username: bytes, realm: bytes, ha1_md5: bytes, algorithm: bytes, *, wall: float
) -> bytes | None:
    """HA1 of the pass with that username; None when it has expired, or lasts longer than any."""
    read = read_username(username)
    if read is None or not wall < read[1] <= wall + LONGEST_SECONDS or not ha1_md5:
        return None
    return digest.ha1(username, realm, _password(key, username, realm, ha1_md5), algorithm)


def _password(key: bytes, username: bytes, realm: bytes, ha1_md5: bytes) -> bytes:
    derived = blake2b(key, digest_size=32, person=b"fedsip pass").digest()
    text = b"\0".join((realm, username, ha1_md5))
    return urlsafe_b64encode(hmac.digest(derived, text, "sha256")[:_PASSWORD_BYTES])
