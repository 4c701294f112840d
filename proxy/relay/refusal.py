"""Whether a phone that has refused an offer of plain RTP may take an encrypted one. Pure.

A 488 may say why (RFC 3261 s21.4.26): by Warnings (s20.43), and by a description of what the phone
can do. What says nothing leaves it open: most phones that take nothing plain do not say so. Of
descriptions only the protocols of their sections are read here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

BY_KEYS: Final = "either"
"""RTP/SAVP, with keys in the signalling and a fingerprint beside them (profile.py)."""
BY_DTLS: Final = "dtls"
EVERYTHING: Final = (BY_KEYS, BY_DTLS)

_PLAIN: Final = (b"RTP/AVP", b"RTP/AVPF")
_WITH_KEYS: Final = (b"RTP/SAVP", b"RTP/SAVPF")
_WITH_DTLS: Final = (b"UDP/TLS/RTP/SAVP", b"UDP/TLS/RTP/SAVPF")
_ABOUT_PROTOCOLS: Final = (b"302", b"399")
"""302: "One or more transport protocols described in the session description are not available";
399 may be about anything."""


def may_take(offer: bytes, warnings: Iterable[bytes], description: bytes) -> tuple[str, ...]:
    """Of EVERYTHING what is worth offering, the first thing first; the description is that of the
    488, empty where it has none."""
    if not any(b"RTP" in one.split(b"/") for one in _protocols(offer)):
        return ()
    codes = {one.strip()[:3] for one in warnings if one.strip()[:3].isdigit()}
    if codes and not codes.intersection(_ABOUT_PROTOCOLS):
        return ()  # codecs, kinds of media, addresses, bandwidth
    able = _protocols(description, also_refused=True)
    if able.intersection(_PLAIN):
        return ()
    found = [BY_KEYS] if able.intersection(_WITH_KEYS) else []
    if able.intersection(_WITH_DTLS):
        found.append(BY_DTLS)
    return tuple(found) or (() if able else EVERYTHING)


def _protocols(description: bytes, *, also_refused: bool = False) -> set[bytes]:
    """Of its sections: m=<media> <port> <protocol> <formats> (RFC 8866 s5.14). One of port 0 is
    none in an offer; in a list of capabilities it is (RFC 3264 s9)."""
    found = set()
    for line in description.splitlines():
        if line.startswith(b"m="):
            words = line.split()
            if len(words) > 3 and (also_refused or words[1] != b"0"):
                found.add(words[2].upper())
    return found
