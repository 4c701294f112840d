"""Ends the calls of a browser that has gone and does not come back.

A page that is closed, or a browser that is killed, says no BYE, and whoever it talked to would sit
before a silent phone. A page that is loaded again, or whose network has changed, is back within
seconds under the same instance (RFC 5626), and its calls go on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from proxy.sip.errors import ParseError
from proxy.sip.fields import parse_name_addr
from proxy.sip.uri import SipUri

from .destination import find_again
from .hang_up import end

if TYPE_CHECKING:
    from proxy.core.own_requests import OwnRequests
    from proxy.core.protocols import Clock
    from proxy.node import Node
    from proxy.observe.call import Call, Dialog
    from proxy.transport.flow import Flow
    from proxy.transport.flow_token import Side

log = logging.getLogger(__name__)

_REASON: Final = b'SIP;cause=480;text="The browser has gone"'


class Abandoned:
    """Looks after each connection that ends, `browser_away_seconds` later."""

    __slots__ = ("_clock", "_node", "_own_requests")

    def __init__(self, node: Node, own_requests: OwnRequests, clock: Clock) -> None:
        self._node = node
        self._own_requests = own_requests
        self._clock = clock

    def flow_closed(self, flow: Flow) -> None:
        """A connection has ended."""
        public_ids = self._node.calls.browsers.take(flow)
        if public_ids:
            due = self._clock.time() + self._node.settings.browser_away_seconds
            self._clock.call_at(due, lambda: self._look_at(public_ids))

    def _look_at(self, public_ids: set[str]) -> None:
        node = self._node
        for public_id in public_ids:
            call = node.calls.by_public_id(public_id)
            if call is None or call.dialog is None:
                continue
            try:
                flows = [_flow(side, node) for side in _browsers(call, call.dialog, node)]
            except _Absent:
                log.info("browser has not come back call_id=%r", call.call_id)
                end(call, node, self._own_requests, _REASON, b"Browser gone")
            else:
                node.calls.browsers.hold(call, flows)


class _Absent(Exception):
    """A browser is not there."""


def _browsers(call: Call, dialog: Dialog, node: Node) -> Iterator[Side]:
    """The sides of the call that are browsers, as our tokens in its route set say."""
    for value in dialog.record_routes:
        try:
            uri = parse_name_addr(value).uri
        except ParseError:
            continue
        user = uri.user if isinstance(uri, SipUri) else None
        side = None if user is None else node.tokens.open(user, call.call_id)
        if side is not None and side.flow is not None and side.flow.protocol in ("ws", "wss"):
            yield side


def _flow(side: Side, node: Node) -> Flow | None:
    """By which the browser is reached now; None through another node. Raises _Absent."""
    if side.flow is not None and not side.is_dead:
        flow = node.transport.live_flow(side.flow)
        if flow is not None:
            return flow
    target = find_again(side.binding_id, node)
    if target is None:
        raise _Absent
    return target.flow
