"""Passwords of trunks: sealed before they are stored, opened by the proxies that answer carriers.

To answer a challenge takes the password, or a hash for a realm that nobody knows before (RFC 7616
s3.4.2), so here one has to be readable again. The key is made of the cluster's; a copy of the
database alone opens nothing.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import blake2b

from cryptography.fernet import Fernet, InvalidToken


def seal(password: str, cluster_key: bytes) -> str:
    """The password as it may be stored: base64 of AES-128-CBC with HMAC-SHA256."""
    return _box(cluster_key).encrypt(password.encode()).decode()


def unseal(sealed: str, cluster_key: bytes) -> bytes | None:
    """The password again; None where it was sealed with another key."""
    try:
        return _box(cluster_key).decrypt(sealed.encode())
    except InvalidToken:
        return None


def _box(cluster_key: bytes) -> Fernet:
    key = blake2b(key=cluster_key, digest_size=32, person=b"fedsip trunk").digest()
    return Fernet(urlsafe_b64encode(key))
