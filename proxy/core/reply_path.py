"""The way back of responses (RFC 3261 s18.2.2, RFC 3263 s5): the flow of the request; where that is
gone, a new one to the same address and the port of the Via; where nobody is there any more, whoever
the DNS has for the name in the Via.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from proxy.locate.hop import Hop
from proxy.locate.rfc3263 import LocateError
from proxy.sip.uri import SipUri
from proxy.transport.flow import FlowFailed

from .stepping import Stepper, in_task

if TYPE_CHECKING:
    from proxy.sip.fields import Via
    from proxy.transport.flow import Flow

    from .protocols import Clock, Locator, Transport
    from .request_context import RequestContext
    from .transactions import ServerTransaction

log = logging.getLogger(__name__)

_MOST_STAND_INS: Final = 4


class ReplyPath:
    """Sends responses; one for a node. One that cannot be sent is logged and lost: the sender of
    the request asks again, or has gone."""

    __slots__ = ("_clock", "_locator", "_stepper", "_transport")

    def __init__(
        self, transport: Transport, locator: Locator, clock: Clock, stepper: Stepper
    ) -> None:
        self._transport = transport
        self._locator = locator
        self._clock = clock
        self._stepper = stepper

    def send(self, tx: ServerTransaction) -> None:
        """Send the transaction's last response, for the first time or again."""
        if tx.flow is None and tx.call is not None:
            destination = self._transport.reply_flow(tx.call.original.via, tx.call.flow)
            if isinstance(destination, Hop):
                self.send_to(destination, tx.last_sent, tx.call.original.via)
                return
            tx.flow = destination
        if tx.flow is None:
            return
        try:
            self._transport.send(tx.last_sent, tx.flow)
        except FlowFailed as error:
            tx.flow = None
            self._reply_failed(tx, error)

    def send_past(self, call: RequestContext, data: bytes) -> None:
        """Send a response past the server transaction, once (s16.11)."""
        via = call.original.via
        self.send_to(self._transport.reply_flow(via, call.flow), data, via)

    def _reply_failed(self, tx: ServerTransaction, error: FlowFailed) -> None:
        """The connection on which the request came is gone: go by Via (s18.2.2)."""
        call = tx.call
        if call is not None:
            destination = self._transport.reply_flow(call.original.via, call.flow)
            if isinstance(destination, Hop):
                self.send_to(destination, tx.last_sent, call.original.via)
                return
        log.info("response not sent key=%r: %s", tx.key[0], error)

    def send_to(self, destination: Flow | Hop, data: bytes, via: Via) -> None:
        """Send a response to a request with this Via once, opening a connection if it takes one."""
        try:
            if isinstance(destination, Hop):
                flow = self._transport.flow_for_hop(destination)
                if flow is None:
                    self._stepper.step(self._open_and_send(destination, data, via))
                    return
                destination = flow
            self._transport.send(data, destination)
        except FlowFailed as error:
            log.info("response not sent to=%s: %s", destination, error)

    async def _open_and_send(self, hop: Hop, data: bytes, via: Via) -> None:
        if await self._is_sent(hop, data):
            return
        for stand_in in await self._stand_ins(hop, via):
            if await self._is_sent(stand_in, data):
                return

    async def _is_sent(self, hop: Hop, data: bytes) -> bool:
        try:
            flow = await in_task(self._transport.open(hop, now=self._clock.time()))
            self._transport.send(data, flow)
        except FlowFailed as error:
            log.info("response not sent to=%s: %s", hop, error)
            return False
        return True

    async def _stand_ins(self, gone: Hop, via: Via) -> list[Hop]:
        """Who else answers to the name in a Via: with a port its addresses, without one what SRV
        says for the transport (RFC 3263 s5). An address there names nobody but the one who is gone,
        or who stands behind a NAT."""
        uri = SipUri(b"sip", None, via.host, via.port, ((b"transport", gone.transport.encode()),))
        if _is_address(via.host):
            return []
        now = self._clock.time()
        try:
            hops = self._locator.locate_now(uri, now=now)
            if hops is None:
                hops = await in_task(self._locator.locate(uri, now=now))
        except LocateError as error:
            log.info("nobody takes a response for host=%r: %s", via.host, error)
            return []
        known = (gone.address, gone.port)
        return [hop for hop in hops if (hop.address, hop.port) != known][:_MOST_STAND_INS]


def _is_address(host: bytes) -> bool:
    return host.startswith(b"[") or b":" in host or host.replace(b".", b"").isdigit()
