"""How refusals of calls with other domains are answered; what is refused is for
directory/federation_rules.py to judge.

They say in a Warning (RFC 3261 s20.43) what the other side's administrator has to know, and are
counted for ours by their `why`.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from proxy.core.request_context import Reject
from proxy.directory.federation_rules import Why

# Reason phrase, and what is said of our domain and the other one.
_TEXTS: Final = {
    Why.CLOSED: (b"Federation Closed", b"%b has no calls with other domains"),
    Why.DENIED: (b"Domain Denied", b"%b has no calls with %b"),
    Why.NOT_LISTED: (b"Domain Not Listed", b"%b has calls with listed domains only; %b is not"),
    Why.NO_CERTIFICATE: (
        b"Certificate Required",
        b"%b wants a trusted certificate that speaks for %b shown by who connects (RFC 5922)",
    ),
    Why.NO_TLS: (
        b"Extension Required",
        b"%b takes calls over TLS alone, with a certificate that speaks for %b (RFC 5922)",
    ),
    Why.NEVER_SECURE: (b"TLS Required", b"%b calls %b over TLS alone; the address says otherwise"),
    Why.NO_VERIFIED_PEER: (
        b"No Verified Peer",
        b"%b calls %b over TLS alone; no server of it has proved itself by its certificate",
    ),
    Why.INNER: (b"Inner Address", b"%b sends nothing to where %b leads: no public address"),
    Why.METHOD: (b"Method Not Allowed", b"%b does not take this method from %b"),
    Why.DOMAIN_RATE: (b"Too Many Calls", b"%b has no more calls with %b just now"),
    Why.CALLER_RATE: (b"Too Many Calls", b"%b has no more calls of this caller with %b just now"),
    Why.SOURCE_RATE: (
        b"Too Many Calls",
        b"%b takes no more calls from this address just now; it has not proved to speak for %b",
    ),
}
# RFC 3329 s2.3.1: which security has to be there before a request is taken.
_AGREE_ON_TLS: Final = ((b"require", b"sec-agree"), (b"security-server", b"tls"))


def refusal(
    why: Why, domain: bytes, peer: bytes, *, retry_after: float = 0.0, allow: bytes = b""
) -> Reject:
    """The answer; `domain` is ours, `retry_after` in seconds."""
    reason, text = _TEXTS[why]
    said = text % ((domain, _quotable(peer)) if text.count(b"%b") == 2 else (domain,))
    warning = (b"warning", b'399 %b "%b"' % (domain, said))
    match why:
        case Why.NO_TLS:
            return Reject(421, reason, (*_AGREE_ON_TLS, warning))
        case Why.NEVER_SECURE:
            return Reject(488, reason, (warning,))
        case Why.METHOD:
            return Reject(405, reason, ((b"allow", allow), warning))
        case Why.DOMAIN_RATE | Why.CALLER_RATE | Why.SOURCE_RATE | Why.NO_VERIFIED_PEER:
            seconds = b"%d" % max(1, ceil(retry_after))
            return Reject(503, reason, ((b"retry-after", seconds), warning))
        case _:
            return Reject(403, reason, (warning,))


def _quotable(peer: bytes) -> bytes:
    """A name from the wire, inside a quoted string."""
    return peer.replace(b"\\", b"").replace(b'"', b"")[:255]
