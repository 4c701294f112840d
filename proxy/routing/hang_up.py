"""Ends a call from outside: BYE to both sides, as each would have it from the other.

What the dialog is was kept from the INVITE and its 2xx (observe/call.py). Of the Record-Route in
the 2xx two entries are ours: what stands above them leads to the callee, what stands below to the
caller, and their tokens say by which flow. The callee is told of the caller whom he has seen. The
CSeq is far above any that the other side has used: "it is possible for the CSeq sequence number to
be higher than the remote sequence number by more than one. This is not an error condition"
(RFC 3261 s12.2.2).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from media.ng import Delete
from proxy.core.own_requests import in_dialog
from proxy.core.record_route import NOTE_PARAM
from proxy.sip.errors import ParseError
from proxy.sip.fields import parse_name_addr
from proxy.sip.uri import SipUri
from proxy.transport.flow_token import Kind

from . import caller_id, carrier_accounts
from .destination import find_again

if TYPE_CHECKING:
    from proxy.core.own_requests import OwnRequests
    from proxy.node import Node
    from proxy.observe.call import Call, Dialog
    from proxy.sip.message import Request
    from proxy.sip.uri import Uri
    from proxy.transport.flow import Flow
    from proxy.transport.flow_token import Side

log = logging.getLogger(__name__)

_CSEQ: Final = 2_000_000_000
_REASON: Final = b'SIP;cause=480;text="Ended by the platform"'
NOT_HERE: Final = "not here"


def hang_up(public_id: str, node: Node, own_requests: OwnRequests) -> str:
    """End a call; what was done, in a word for whoever wanted it."""
    call = node.calls.by_public_id(public_id)
    if call is None:
        return NOT_HERE
    if call.hang_up is not None:
        call.hang_up()
        return "cancelled"
    return end(call, node, own_requests, _REASON, b"Hung up")


def end(call: Call, node: Node, own_requests: OwnRequests, why: bytes, outcome: bytes) -> str:
    """End an answered call; `why` is the BYEs' Reason, `outcome` stands in the record."""
    if call.dialog is None:
        node.calls.platform_ended(call, outcome)
        return "forgotten"
    try:
        requests = _byes(call, call.dialog, node, why)
    except ParseError as error:
        log.warning("cannot hang up call_id=%r reason=%s", call.call_id, error)
        return "malformed"
    for request, flow in requests:
        own_requests.send(request, flow, lambda status, _: log.info(
            "hung up call_id=%r status=%d", call.call_id, status))  # fmt: skip
    relay = node.relays.by_id(call.relay_id)
    if relay is not None:
        to_tag = parse_name_addr(call.dialog.to).tag or b""
        node.sessions.later(node, relay, Delete(call.call_id, call.from_tag, to_tag))
    node.calls.platform_ended(call, outcome, reports=relay is not None)
    return "hung up"


def _byes(call: Call, dialog: Dialog, node: Node, why: bytes) -> list[tuple[Request, Flow | None]]:
    """Both requests, and the flow of each where there is one."""
    above: list[bytes] = []
    below: list[bytes] = []
    flows: dict[Kind, Flow | None] = {}
    note = b""
    for value in dialog.record_routes:
        uri = parse_name_addr(value).uri
        user = uri.user if isinstance(uri, SipUri) else None
        side = None if user is None else node.tokens.open(user, call.call_id)
        if side is None:
            (below if flows else above).append(value)
            continue
        below.clear()  # of several passages through us, the last faces the callee, the first him
        if side.kind is Kind.CALLER or side.kind not in flows:
            flows[side.kind] = _flow(side, node)
        note = note or _note(call, uri, node)
    seen_from = caller_id.seen_by_callee(parse_name_addr(dialog.from_), note).serialise()
    to_callee = _bye(call, dialog.far_contact, seen_from, dialog.to, above[::-1], why)
    to_caller = _bye(call, dialog.contact, dialog.to, dialog.from_, below, why)
    carrier_accounts.sign_own(to_callee, note, node)
    return [(to_callee, flows.get(Kind.CALLEE)), (to_caller, flows.get(Kind.CALLER))]


def _note(call: Call, uri: Uri, node: Node) -> bytes:
    """What routing sealed into one of our entries."""
    sealed = uri.param(NOTE_PARAM) if isinstance(uri, SipUri) else None
    return (node.tokens.open_note(sealed, call.call_id) or b"") if sealed else b""


def _flow(side: Side, node: Node) -> Flow | None:
    """The side's connection: the one that the dialog began with, else its contact's new one."""
    flow = None
    if side.flow is not None and not side.is_dead:
        flow = node.transport.live_flow(side.flow)
    if flow is None and (target := find_again(side.binding_id, node)) is not None:
        flow = target.flow
    return flow


def _bye(
    call: Call, contact: bytes, from_: bytes, to: bytes, routes: list[bytes], why: bytes
) -> Request:
    return in_dialog(
        b"BYE",
        contact,
        from_=from_,
        to=to,
        call_id=call.call_id,
        number=_CSEQ,
        routes=routes,
        extra=((b"reason", why),),
    )
