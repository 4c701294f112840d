"""Route header fields that lead to us (RFC 3261 s16.4, s16.12.1): undone, opened, taken off.

A request within a dialog has our two entries on top of its Route. The seals bind them to the
Call-ID; the upper one says where the request came from and so its direction, the lower one by
which flow it goes on. A request from another node of the cluster has one entry with the token of
a registered contact, bound to its AOR. A Route to us without a token (a phone that has us as its
outbound proxy, by address or by a domain that we serve) is taken off and means nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_from_bytes

from proxy.sip.fields import NameAddr, parse_name_addr
from proxy.sip.lines import has
from proxy.sip.uri import SipUri, unescape
from proxy.transport.flow_token import Kind, Side, looks_like_token

from .record_route import NOTE_PARAM
from .request_context import TOWARD_CALLEE, TOWARD_CALLER, Reject, RequestContext

if TYPE_CHECKING:
    from proxy.sip.uri import Uri
    from proxy.transport.flow_token import Tokens

    from .protocols import Transport

log = logging.getLogger(__name__)

_MOST_PLAIN_ENTRIES: Final = 8
_NOTE: Final = b";%b=" % NOTE_PARAM
_LEAST_TOKEN: Final = 15
_MOST_REMEMBERED: Final = 1024


def _nobody(uri: Uri) -> bool:
    return False


def open_own_entries(call: RequestContext, names_us: Callable[[Uri], bool] = _nobody) -> None:
    """Take our entries off the Route and note what they say: `direction`, `relay_id`, the flow to
    go on by, `is_initial`. Raises Reject 403 for a token that is not ours or not for this call.

    `names_us` knows under which names we go beside the addresses of our listeners.
    """
    call.open_own_entries(names_us)


def binding_route(
    token: bytes, place: tuple[bytes, int], aor: bytes, *, is_secure: bool
) -> NameAddr:
    """The Route value by which another node of the cluster is given a request for a contact that
    is registered over one of its flows; `token` is the binding's, sealed for `aor`. `place` is
    where that node listens, to TLS for one that goes by nothing else."""
    bound_to = quote_from_bytes(aor, safe="").encode()
    scheme = b"sips" if is_secure else b"sip"
    return NameAddr(SipUri(scheme, token, *place, ((b"lr", b""), (b"aor", bound_to))))


class LooseRoute:
    """Opens our Route entries; one for a node."""

    __slots__ = ("_is_own_ending", "_tokens", "_transport")

    def __init__(self, transport: Transport, tokens: Tokens) -> None:
        self._transport = transport
        self._tokens = tokens
        self._is_own_ending: dict[bytes, bool] = {}

    def open(self, call: RequestContext, names_us: Callable[[Uri], bool]) -> None:
        """See open_own_entries."""
        request = call.request
        if b"route" not in call.fields:
            self._forget_own_maddr(call)
            return
        self._undo_strict_router(call)
        values = request.headers.values(b"route")
        taken = 0
        token = None
        while taken < min(len(values), _MOST_PLAIN_ENTRIES):
            if self._is_own(values[taken]):
                token = _token_of(values[taken])
                if token is not None:
                    break
            elif not _is_named(values[taken], names_us):
                break
            taken += 1
        if token is not None:
            following = values[taken + 1] if taken + 1 < len(values) else None
            taken += self._open(call, token, values[taken], following)
        if taken == len(values):
            request.headers.remove(b"route")
        else:
            for _ in range(taken):
                request.headers.remove_first_value(b"route")

    def _open(
        self, call: RequestContext, token: bytes, value: bytes, following: bytes | None
    ) -> int:
        """Open the first token, and the second of the pair; how many entries are used up."""
        call_id = call.original.call_id
        side = self._tokens.open(token, call_id)
        if side is None:
            self._open_binding(call, token, value)
            return 1
        if side.kind is Kind.BINDING:
            raise Reject(403, b"Foreign Route")
        call.is_initial = False
        call.direction = TOWARD_CALLEE if side.kind is Kind.CALLER else TOWARD_CALLER
        call.relay_id = side.relay_id or None
        call.near_media = side.media
        call.note = self._note(call_id, value, following)
        if following is None or not self._is_own(following):
            return 1
        token_out = _token_of(following)
        if token_out is None:
            return 1
        side_out = self._tokens.open(token_out, call_id)
        if side_out is None:
            raise Reject(403, b"Foreign Route")
        if side_out.kind is side.kind:
            return 1  # of another passage of this call through us
        call.far_media = side_out.media
        self._go_on_by(call, side_out)
        return 2

    def _note(self, call_id: bytes, *values: bytes | None) -> bytes:
        """What routing sealed into one of our two entries; nothing for most dialogs."""
        for value in values:
            if value is not None and has(value, _NOTE):
                uri = parse_name_addr(value).uri
                sealed = uri.param(NOTE_PARAM) if isinstance(uri, SipUri) else None
                note = self._tokens.open_note(sealed or b"", call_id)
                if note is None:
                    raise Reject(403, b"Foreign Route")
                return note
        return b""

    def _open_binding(self, call: RequestContext, token: bytes, value: bytes) -> None:
        uri = parse_name_addr(value).uri
        aor = unescape(uri.param(b"aor") or b"") if isinstance(uri, SipUri) else b""
        side = self._tokens.open(token, aor) if aor else None
        if side is None or side.kind is not Kind.BINDING:
            raise Reject(403, b"Foreign Route")
        call.is_initial = False
        call.binding_aor = aor
        self._go_on_by(call, side)
        if call.out_flow is None:
            raise Reject(430)

    def _go_on_by(self, call: RequestContext, side: Side) -> None:
        """The flow of the far side. One that is dead leaves the side to be located, if it can."""
        flow = side.flow
        if flow is None:
            return
        if not side.is_dead:
            call.out_flow = self._transport.live_flow(flow)
        if call.out_flow is None:
            call.lost_protocol = flow.protocol
            call.lost_binding_id = side.binding_id
            log.info("flow is gone call_id=%r protocol=%s", call.original.call_id, flow.protocol)

    def _is_own(self, value: bytes) -> bool:
        """Whether a Route value names this node; user agents give back what we wrote, so that
        the part behind the token is mostly one seen before."""
        _, at, ending = value.rpartition(b"@")
        known = self._is_own_ending.get(ending) if at else None
        if known is None:
            uri = parse_name_addr(value).uri
            known = isinstance(uri, SipUri) and self._transport.is_own(uri.host, uri.port)
            if at and _NOTE not in ending and len(self._is_own_ending) < _MOST_REMEMBERED:
                self._is_own_ending[ending] = known
        return known

    def _undo_strict_router(self, call: RequestContext) -> None:
        """A strict router before us has put our entry into the Request-URI, and the Request-URI
        last into the Route (s16.4)."""
        request = call.request
        if not has(request.uri_raw, b"lr"):
            return
        uri = request.uri
        if not isinstance(uri, SipUri) or not looks_like_token(uri.user):
            return
        if not self._transport.is_own(uri.host, uri.port):
            return
        values = request.headers.values(b"route")
        request.uri = parse_name_addr(values[-1]).uri
        request.headers.remove(b"route")
        for value in (b"<%b>" % uri.serialise(), *values[:-1]):
            request.headers.append(b"route", value)

    def _forget_own_maddr(self, call: RequestContext) -> None:
        """An maddr that is us has done its work (s16.4)."""
        request = call.request
        if not has(request.uri_raw, b"maddr"):
            return
        uri = request.uri
        maddr = uri.param(b"maddr") if isinstance(uri, SipUri) else None
        if maddr and isinstance(uri, SipUri) and self._transport.is_own(maddr, uri.port):
            request.uri = uri.without_params(b"maddr", b"transport").with_(port=None)


def _is_named(value: bytes, names_us: Callable[[Uri], bool]) -> bool:
    """Whether a Route value names us as a whole, and not somebody here."""
    uri = parse_name_addr(value).uri
    return isinstance(uri, SipUri) and uri.user is None and names_us(uri)


def _token_of(value: bytes) -> bytes | None:
    """The token in the user part of a Route value, if there may be one."""
    if value.startswith(b"<sip:"):
        user, at, _ = value[5:].partition(b"@")
        return user if at and len(user) >= _LEAST_TOKEN else None
    uri = parse_name_addr(value).uri
    user = uri.user if isinstance(uri, SipUri) and uri.user is not None else b""
    return user if len(user) >= _LEAST_TOKEN else None
