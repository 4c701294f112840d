"""Takes secrets out of a SIP message before it is kept or sent elsewhere. Pure.

Gone are digest credentials and nonces, and in session descriptions all that is a key: of SDES
(RFC 4568), of key management (RFC 4567) and k= (RFC 4566), and the passwords of ICE.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.sip.lines import has_auth, has_key_line

MASK: Final = b"(masked)"

# Our own expressions over one field or one message each.
_CREDENTIALS: Final = re.compile(
    rb"((?:proxy-)?authorization[ \t]*:[ \t]*(?:\S+[ \t]+)?)(?:[^\r\n]|\r?\n[ \t])*", re.I
)
_NAME: Final = re.compile(rb'username="([^"]*)"', re.I)
_NONCE: Final = re.compile(rb'\b(nonce|nextnonce|opaque|rspauth|cnonce)="[^"]*"', re.I)
_KEY: Final = re.compile(
    rb"^(a=crypto:[^\r\n]*?inline:|a=key-mgmt:[^\r\n ]*|a=ice-pwd:|k=[^\r\n:]*:)[^\r\n]*",
    re.I | re.M,
)


def masked(message: bytes) -> bytes:
    """The message without secrets; most have none and come back as they are."""
    if has_auth(message):
        message = _without_authentication(message)
    if has_key_line(message):
        message = _KEY.sub(rb"\1" + MASK, message)
    return message


def _without_authentication(message: bytes) -> bytes:
    """Only fields that have "auth" in their names or values are looked into: an expression costs
    some thirty instructions for each byte that it passes."""
    lower = message.lower()
    parts: list[bytes] = []
    done = 0
    at = lower.find(b"auth")
    while at >= 0:
        start = lower.rfind(b"\n", 0, at) + 1
        end = _end_of_field(message, at)
        field = message[start:end]
        credentials = _CREDENTIALS.match(field)
        if credentials is not None:
            field = _without_credentials(credentials) + field[credentials.end() :]
        parts += message[done:start], _NONCE.sub(rb'\1="' + MASK + b'"', field)
        done = end
        at = lower.find(b"auth", end)
    parts.append(message[done:])
    return b"".join(parts)


def _end_of_field(message: bytes, at: int) -> int:
    """Where the line ends in which `at` is, and those that are folded to it."""
    while True:
        at = message.find(b"\n", at) + 1
        if not at:
            return len(message)
        if message[at : at + 1] not in (b" ", b"\t"):
            return at


def _without_credentials(line: re.Match[bytes]) -> bytes:
    name = _NAME.search(line[0])
    who = b"" if name is None else b'username="%b", ' % name[1]
    return line[1] + who + MASK
