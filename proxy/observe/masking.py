"""Takes secrets out of a SIP message before it is kept or sent elsewhere. Pure.

Gone are digest credentials and nonces, and in session descriptions all that is a key: of SDES
(RFC 4568), of key management (RFC 4567) and k= (RFC 4566), and the passwords of ICE.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.sip.lines import has

MASK: Final = b"(masked)"

# Our own expressions over one message each; a line may be folded.
_CREDENTIALS: Final = re.compile(
    rb"^((?:proxy-)?authorization[ \t]*:[ \t]*(?:\S+[ \t]+)?)(?:[^\r\n]|\r?\n[ \t])*", re.I | re.M
)
_NAME: Final = re.compile(rb'username="([^"]*)"', re.I)
_NONCE: Final = re.compile(rb'\b(nonce|nextnonce|opaque|rspauth|cnonce)="[^"]*"', re.I)
_KEY: Final = re.compile(
    rb"^(a=crypto:[^\r\n]*?inline:|a=key-mgmt:[^\r\n ]*|a=ice-pwd:|k=[^\r\n:]*:)[^\r\n]*",
    re.I | re.M,
)
_BEGINNINGS: Final = (b"a=crypto:", b"a=key-", b"a=ice-pwd:", b"\nk=")  # of those lines


def masked(message: bytes) -> bytes:
    """The message without secrets; most have none and come back as they are."""
    lower = message.lower()
    if has(lower, b"auth"):  # as all fields are called that have credentials or a nonce
        message = _CREDENTIALS.sub(_without_credentials, message)
        message = _NONCE.sub(rb'\1="' + MASK + b'"', message)
    if any(has(lower, beginning) for beginning in _BEGINNINGS):
        message = _KEY.sub(rb"\1" + MASK, message)
    return message


def _without_credentials(line: re.Match[bytes]) -> bytes:
    name = _NAME.search(line[0])
    who = b"" if name is None else b'username="%b", ' % name[1]
    return line[1] + who + MASK
