"""What a diverted request says of its way: History-Info (RFC 7044), and Diversion (RFC 5806)
towards carriers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from proxy.core.target_set import Changes

from .trail import CAUSES, Trail

if TYPE_CHECKING:
    from proxy.core.request_context import RequestContext
    from proxy.sip.message import Request
    from proxy.sip.uri import Uri

DIVERSION: Final = b"diversion"

Pairs = tuple[tuple[bytes, bytes], ...]
_PRIVATE = (b"history", b"header")


def changes(request: Request, trail: Trail, uri: Uri) -> Changes | None:
    """What the trail changes in the request for a target, its history included."""
    added = header_pairs(request, trail, uri)
    if not added:
        return trail.changes
    known = trail.changes or Changes()
    return replace(known, added=(*known.added, *added))


def header_pairs(request: Request, trail: Trail, uri: Uri) -> Pairs:
    """The header fields for a target at `uri`, none for a call that nobody has diverted."""
    privacy = request.headers.first(b"privacy") or b""
    if not trail.diversions or any(word in privacy for word in _PRIVATE):
        return ()
    index = _first_index(request)
    pairs = []
    before = 0
    for diversion in trail.diversions:
        cause, _ = CAUSES[diversion.condition]
        came = b";cause=%d" % before if before else b""
        mapped = b";mp=1" if before else b""
        pairs.append(
            b"<sip:%b%b?Reason=SIP%%3Bcause%%3D%d>;index=%b%b"
            % (diversion.aor, came, cause, index, mapped)
        )
        before = cause
        index += b".1"
    pairs.append(b"<%b>;index=%b;mp=1" % (_with_cause(uri.serialise(), before), index))
    return tuple((b"history-info", value) for value in pairs)


def diversion_pairs(call: RequestContext, trail: Trail) -> Pairs:
    """All of Diversion for a carrier that looks at nothing else, the last one on top (RFC 5806 s5):
    ours, then what came with the call, unless a stranger says so. A carrier charges by it."""
    ours = [
        b"<sip:%b>;reason=%b;counter=1" % (each.aor, CAUSES[each.condition][1])
        for each in reversed(trail.diversions)
    ]
    is_believed = call.is_trusted or call.subscriber is not None
    before = call.request.headers.values(DIVERSION) if is_believed else ()
    return tuple((DIVERSION, value) for value in (*ours, *before))


def _first_index(request: Request) -> bytes:
    """Below the last entry that came with the request."""
    values = request.headers.values(b"history-info")
    if not values:
        return b"1"
    _, found, rest = values[-1].rpartition(b"index=")
    digits = rest.split(b";", 1)[0].strip()
    is_index = bool(found) and bool(digits) and digits.replace(b".", b"").isdigit()
    return digits[:40] + b".1" if is_index else b"1"


def _with_cause(uri: bytes, cause: int) -> bytes:
    base, question, headers = uri.partition(b"?")
    return b"%b;cause=%d%b%b" % (base, cause, question, headers)
