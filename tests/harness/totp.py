"""An authenticator app: codes of RFC 6238 from the secret that a page shows."""

from __future__ import annotations

import base64
import hmac
import time

STEP_SECONDS = 30


def code_of(secret: str) -> str:
    """The six digits that count now."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter = int(time.time()) // STEP_SECONDS
    digest = hmac.digest(key, counter.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"
