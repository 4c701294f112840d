"""a=crypto (RFC 4568, RFC 7714): a key in the session description. Pure.

    1 AES_CM_128_HMAC_SHA1_80 inline:BASE64[|lifetime][|MKI:length] [session parameters]

A line that asks for what the relay does not do (a suite it does not know, an MKI, several keys,
UNENCRYPTED_*, FEC_ORDER and so on) cannot be taken, and the next one may be (RFC 4568 s5.1.1).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from media.srtp.suite import BY_SDES_NAME, Suite

_HARMLESS_PARAMETERS = (b"KDR=0", b"WSH=")


@dataclass(frozen=True, slots=True)
class Crypto:
    """One key: `master` is key and salt. Never logged: its text hides the key."""

    tag: int
    suite: Suite
    master: bytes = field(repr=False)

    def serialise(self) -> bytes:
        """The value of the attribute, with "crypto:"."""
        key = base64.b64encode(self.master)
        return b"crypto:%d %b inline:%b" % (self.tag, self.suite.sdes, key)


def parse_crypto(value: bytes) -> Crypto | None:
    """The key in the attribute's value; None for a line that must be passed over."""
    words = value.split()
    if len(words) < 3 or not words[0].isdigit() or len(words[0]) > 9:
        return None
    suite = BY_SDES_NAME.get(words[1].upper())
    method, _, information = words[2].partition(b":")
    if suite is None or method.lower() != b"inline" or b";" in information:
        return None
    if any(not word.upper().startswith(_HARMLESS_PARAMETERS) for word in words[3:]):
        return None
    key, *others = information.split(b"|")
    if any(b":" in other for other in others):
        return None  # an MKI
    try:
        master = base64.b64decode(key + b"=" * (-len(key) % 4), validate=True)
    except binascii.Error:
        return None
    if len(master) != suite.master_bytes:
        return None
    return Crypto(int(words[0]), suite, master)
