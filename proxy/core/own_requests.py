"""Requests of the node's own: BYE for a call that somebody wants to end, OPTIONS to ask for life.

RFC 3261 s8.1 for the little that a proxy says itself. One goes by a flow, or is located; it gets
our Via and a client transaction, an ACK of a 2xx none; what comes of it is told once. Never an
INVITE.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from os import urandom
from typing import TYPE_CHECKING, Final

from proxy.locate.rfc3263 import LocateError
from proxy.sip.codec import serialise
from proxy.sip.fields import parse_name_addr
from proxy.sip.message import Request, Response
from proxy.sip.uri import SipUri
from proxy.transport.flow import FlowFailed

from .stepping import in_task

if TYPE_CHECKING:
    from proxy.sip.uri import Uri
    from proxy.transport.flow import Flow

    from .client_transactions import ClientTransactions
    from .own_via import OwnVia
    from .protocols import Clock, Locator, Transport
    from .request_context import HeaderPairs
    from .stepping import Stepper

log = logging.getLogger(__name__)

OnFinal = Callable[[int, "Response | None"], None]
"""Is given the final status and response; 408 for silence, 503 where it could not be sent."""
NO_ANSWER: Final = (408, 503)


def outside_dialog(
    method: bytes,
    uri: Uri,
    *,
    from_: bytes,
    to: bytes,
    call_id: bytes = b"",
    number: int = 1,
    extra: HeaderPairs = (),
) -> Request:
    """A request that stands alone (RFC 3261 s8.1.1), between the URIs `from_` and `to`. Those that
    belong together, as registrations, have one Call-ID."""
    headers: HeaderPairs = (
        (b"max-forwards", b"70"),
        (b"from", b"<%b>;tag=%b" % (from_, urandom(6).hex().encode())),
        (b"to", b"<%b>" % to),
        (b"call-id", call_id or urandom(12).hex().encode()),
        (b"cseq", b"%d %b" % (number, method)),
        *extra,
        (b"content-length", b"0"),
    )
    return Request(method, uri, headers)


def in_dialog(
    method: bytes,
    contact: bytes,
    *,
    from_: bytes,
    to: bytes,
    call_id: bytes,
    number: int,
    routes: list[bytes],
    extra: HeaderPairs = (),
) -> Request:
    """A request within a dialog of others (RFC 3261 s12.2.1.1), to `contact`; raises ParseError."""
    headers: HeaderPairs = (
        *((b"route", route) for route in routes),
        (b"max-forwards", b"70"),
        (b"from", from_),
        (b"to", to),
        (b"call-id", call_id),
        (b"cseq", b"%d %b" % (number, method)),
        *extra,
        (b"content-length", b"0"),
    )
    return Request(method, parse_name_addr(contact).uri, headers)


class OwnRequests:
    """Sends them; one for a node."""

    __slots__ = ("_clients", "_clock", "_locator", "_stepper", "_transport", "_via")

    def __init__(
        self,
        transport: Transport,
        locator: Locator,
        clock: Clock,
        via: OwnVia,
        clients: ClientTransactions,
        stepper: Stepper,
    ) -> None:
        self._transport = transport
        self._locator = locator
        self._clock = clock
        self._via = via
        self._clients = clients
        self._stepper = stepper

    def send(
        self, request: Request, flow: Flow | None, on_final: OnFinal, reach_as: bytes = b""
    ) -> None:
        """Send a request that is complete but for its Via: on the flow, else where its first Route
        or its Request-URI leads. `reach_as` has it say in Contact that we are reached there under
        this user name."""
        self._stepper.step(self._run(request, flow, on_final, reach_as))

    async def _run(
        self, request: Request, flow: Flow | None, on_final: OnFinal, reach_as: bytes
    ) -> None:
        try:
            if flow is not None:
                self._send(request, flow, on_final, reach_as)
            else:
                await self._locate_and_send(request, on_final, reach_as)
        except (FlowFailed, LocateError) as error:
            log.info("own request not sent call_id=%r: %s", request.call_id, error)
            on_final(503, None)

    async def _locate_and_send(self, request: Request, on_final: OnFinal, reach_as: bytes) -> None:
        routes = request.routes
        uri = routes[0].uri if routes else request.uri
        if not isinstance(uri, SipUri):
            raise LocateError("no SIP URI")
        now = self._clock.time()
        hops = self._locator.locate_now(uri, now=now)
        if hops is None:
            hops = await in_task(self._locator.locate(uri, now=now))
        failure: Exception = LocateError("no hop")
        for hop in hops:
            try:
                flow = self._transport.flow_for_hop(hop)
                if flow is None:
                    flow = await in_task(self._transport.open(hop, now=self._clock.time()))
                self._send(request, flow, on_final, reach_as)
            except FlowFailed as error:
                failure = error
                self._locator.failed(hop, now=self._clock.time())
            else:
                return
        raise failure

    def _send(self, request: Request, flow: Flow, on_final: OnFinal, reach_as: bytes) -> None:
        via_branch = self._via.branch_id(request, 0)
        sent = request.copy()
        if reach_as:
            host, port = self._transport.advertised(flow)
            param = b"" if flow.protocol == "udp" else b";transport=" + flow.protocol.encode()
            sent.headers.set(b"contact", b"<sip:%b@%b:%d%b>" % (reach_as, host, port, param))
        sent.headers.put_on_top([(b"via", self._via.line(flow, via_branch))])
        if request.method == b"ACK":
            self._transport.send(serialise(sent), flow)
            return
        now = self._clock.time()
        self._clients.send_own(sent, via_branch, serialise(sent), flow, on_final, now=now)
