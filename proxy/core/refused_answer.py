"""An answer to an INVITE that routing refuses after the other side has given it.

"If, after acknowledging any 2xx response to an INVITE, the UAC does not want to continue with that
dialog, then the UAC MUST terminate the dialog by sending a BYE request" (RFC 3261 s13.2.2.4). The
caller hears the refusal instead of the 2xx, so both requests are ours. Of a dialog that goes on (a
re-INVITE) the 2xx is only acknowledged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .own_requests import in_dialog

if TYPE_CHECKING:
    from proxy.sip.message import Request, Response

    from .request_context import Branch, RequestContext

_OWN_ENTRIES = 2  # of Record-Route (record_route.py)


def acknowledgement(call: RequestContext, branch: Branch, response: Response) -> Request:
    """The ACK of the 2xx; raises ParseError when it cannot be answered."""
    return _in_dialog(b"ACK", call, branch, response, 0)


def farewell(call: RequestContext, branch: Branch, response: Response) -> Request:
    """The BYE behind it."""
    return _in_dialog(b"BYE", call, branch, response, 1)


def _in_dialog(
    method: bytes, call: RequestContext, branch: Branch, response: Response, above: int
) -> Request:
    sent = branch.request.headers  # routing shows both sides a From of their own
    to = response.headers.first(b"to") if call.is_initial else sent.first(b"to")
    return in_dialog(
        method,
        response.headers.first(b"contact") or b"<%b>" % branch.request.uri_raw,
        from_=sent.first(b"from") or b"",
        to=to or b"",
        call_id=response.call_id,
        number=response.cseq.number + above,
        routes=_routes(call, branch, response),
    )


def _routes(call: RequestContext, branch: Branch, response: Response) -> list[bytes]:
    """From here to whoever answered: what stands above our entries, the nearest first."""
    if not call.is_initial:
        return list(branch.request.headers.values(b"route"))
    recorded = response.headers.values(b"record-route")
    below = len(call.original.headers.values(b"record-route")) + _OWN_ENTRIES
    return recorded[: max(len(recorded) - below, 0)][::-1]
