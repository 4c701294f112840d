"""Secrets that must be read again (TOTP seeds, keys of webhooks) are sealed before they are stored.

The key is derived from FEDSIP_WEB_SECRET_KEY, so a copy of the database alone opens none of them.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet
from django.conf import settings


def seal(text: str, purpose: str) -> str:
    """The secret as it may be stored; what is sealed for one purpose opens for no other."""
    return _box(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, purpose: str) -> str:
    """The secret again; raises cryptography's InvalidToken where key or purpose are others."""
    return _box(purpose).decrypt(sealed.encode()).decode()


def _box(purpose: str) -> Fernet:
    key = hashlib.sha256(f"{purpose}:{settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
