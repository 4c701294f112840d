"""How a receiver knows that a delivery is ours and new.

`Fedsip-Signature: t=SECONDS,v1=HEX`, HEX being HMAC-SHA256 of `SECONDS.BODY` under the secret. A
receiver computes the same, compares in constant time, and refuses what is older than some minutes.
"""

from __future__ import annotations

import hashlib
import hmac


def sign(secret: str, body: bytes, at: int) -> str:
    """The value of Fedsip-Signature."""
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
