"""Secrets that must be read again (TOTP seeds, keys of webhooks) are sealed before they are stored.

The key is derived from FEDSIP_WEB_SECRET_KEY, so a copy of the database alone opens none of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet
from django.conf import settings


def seal(text: str, purpose: str) -> str:
    """The secret as it may be stored; what is sealed for one purpose opens for no other."""
    return _box(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, purpose: str) -> str:
    """The secret again; raises cryptography's InvalidToken where key or purpose are others."""
    return _box(purpose).decrypt(sealed.encode()).decode()


def mark(text: str, purpose: str) -> str:
    """32 hexadecimal digits that only this platform can make of the text."""
    return hmac.digest(_key(purpose), text.encode(), "sha256").hex()[:32]


def _box(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key(purpose)))


def _key(purpose: str) -> bytes:
    return hashlib.sha256(f"{purpose}:{settings.SECRET_KEY}".encode()).digest()
