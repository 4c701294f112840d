"""Our two Record-Route entries on requests that form dialogs (RFC 3261 s16.6 step 4, RFC 5658).

Always two, one for each side: the lower one faces the side that the request came from, the upper
one the side that it goes to, each with host, port and transport of our listener on that side, and
a sealed token in the user part that says which side it is and how it is reached. Which of the two
a later request has on top is its direction. A side that is found by DNS, or by its Contact, has no
flow in its token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proxy.sip.uri import SipUri
from proxy.transport.flow_token import Kind, Side

from .request_context import TOWARD_CALLER, Branch, RequestContext

if TYPE_CHECKING:
    from proxy.sip.headers import Line
    from proxy.transport.flow import Address, Flow
    from proxy.transport.flow_token import Tokens

    from .protocols import Transport

_TRANSPORT_PARAM: Final = {
    "udp": b"",
    "tcp": b";transport=tcp",
    "tls": b";transport=tls",
    "ws": b";transport=ws",
    "wss": b";transport=ws",
}
NOTE_PARAM: Final = b"note"
_FORMS_DIALOG: Final = frozenset((b"INVITE", b"SUBSCRIBE", b"REFER"))


class RecordRoute:
    """Makes the entries; one for a node."""

    __slots__ = ("_endings", "_tokens", "_transport")

    def __init__(self, transport: Transport, tokens: Tokens) -> None:
        self._transport = transport
        self._tokens = tokens
        self._endings: dict[tuple[str, Address, bool], bytes] = {}

    def lines(self, call: RequestContext, branch: Branch, flow: Flow) -> list[Line]:
        """Our entries for a branch's request, which go on top of all that are in it."""
        method = call.method
        if (call.is_in_dialog or method not in _FORMS_DIALOG) and method != b"NOTIFY":
            return []  # NOTIFY may form a dialog each time (RFC 6665 s4.3)
        uri = branch.request.uri
        is_sips = isinstance(uri, SipUri) and uri.is_sips
        lower = call.near_entry
        if lower is None:
            lower = call.near_entry = self._near_entry(call, is_sips=is_sips)
        kind = Kind.CALLER if call.direction is TOWARD_CALLER else Kind.CALLEE
        target = branch.target
        binding_id = target.binding.binding_id if target.binding is not None else ""
        upper = self._entry(
            call, kind, target.flow, flow, binding_id, branch.far_media, is_sips=is_sips
        )
        if branch.note:
            sealed = self._tokens.seal_note(branch.note, call.original.call_id)
            upper = upper[:-1] + b";%b=%b>" % (NOTE_PARAM, sealed)
        return [(b"record-route", upper), (b"record-route", lower)]

    def _near_entry(self, call: RequestContext, *, is_sips: bool) -> bytes:
        """The entry of the side that the request came from, the same for all branches."""
        flow = call.flow
        sealed: Flow | None = None
        if call.is_reached_by_flow_alone and b"record-route" not in call.fields:
            sealed = flow  # the user agent itself stands at the other end
        kind = Kind.CALLEE if call.direction is TOWARD_CALLER else Kind.CALLER
        return self._entry(
            call, kind, sealed, flow, call.caller_binding_id, call.near_media, is_sips=is_sips
        )

    def _entry(
        self,
        call: RequestContext,
        kind: Kind,
        sealed: Flow | None,
        flow: Flow,
        binding_id: str,
        media: int,
        *,
        is_sips: bool,
    ) -> bytes:
        side = Side(kind, sealed, call.relay_id or b"", False, binding_id, media)
        token = self._tokens.seal(side, call.original.call_id)
        as_sips = is_sips and flow.is_secure
        ending = self._endings.get((flow.protocol, flow.local, as_sips))
        if ending is None:
            ending = self._ending(flow, as_sips=as_sips)
        scheme = b"sips" if as_sips else b"sip"
        return b"Record-Route: <%b:%b%b" % (scheme, token, ending)

    def _ending(self, flow: Flow, *, as_sips: bool) -> bytes:
        host, port = self._transport.advertised(flow)
        param = _TRANSPORT_PARAM[flow.protocol]
        if as_sips and flow.protocol == "tls":
            param = b""
        ending = b"@%b:%d%b;lr>" % (host, port, param)
        self._endings[flow.protocol, flow.local, as_sips] = ending
        return ending
