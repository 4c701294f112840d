"""The way back of responses: the flow of the request, else by its Via (RFC 3261 s18.2.2)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from proxy.locate.hop import Hop
from proxy.transport.flow import FlowFailed

from .stepping import Stepper, in_task

if TYPE_CHECKING:
    from proxy.transport.flow import Flow

    from .protocols import Clock, Transport
    from .transactions import ServerTransaction

log = logging.getLogger(__name__)


class ReplyPath:
    """Sends responses; one for a node. One that cannot be sent is logged and lost: the sender of
    the request asks again, or has gone."""

    __slots__ = ("_clock", "_stepper", "_transport")

    def __init__(self, transport: Transport, clock: Clock, stepper: Stepper) -> None:
        self._transport = transport
        self._clock = clock
        self._stepper = stepper

    def send(self, tx: ServerTransaction) -> None:
        """Send the transaction's last response, for the first time or again."""
        if tx.flow is None and tx.call is not None:
            destination = self._transport.reply_flow(tx.call.original.via, tx.call.flow)
            if isinstance(destination, Hop):
                self.send_to(destination, tx.last_sent)
                return
            tx.flow = destination
        if tx.flow is None:
            return
        try:
            self._transport.send(tx.last_sent, tx.flow)
        except FlowFailed as error:
            tx.flow = None
            self._reply_failed(tx, error)

    def _reply_failed(self, tx: ServerTransaction, error: FlowFailed) -> None:
        """The connection on which the request came is gone: go by Via (s18.2.2)."""
        call = tx.call
        if call is not None:
            destination = self._transport.reply_flow(call.original.via, call.flow)
            if isinstance(destination, Hop):
                self.send_to(destination, tx.last_sent)
                return
        log.info("response not sent key=%r: %s", tx.key[0], error)

    def send_to(self, destination: Flow | Hop, data: bytes) -> None:
        """Send a response once, opening a connection if it takes one."""
        try:
            if isinstance(destination, Hop):
                flow = self._transport.flow_for_hop(destination)
                if flow is None:
                    self._stepper.step(self._open_and_send(destination, data))
                    return
                destination = flow
            self._transport.send(data, destination)
        except FlowFailed as error:
            log.info("response not sent to=%s: %s", destination, error)

    async def _open_and_send(self, hop: Hop, data: bytes) -> None:
        try:
            flow = await in_task(self._transport.open(hop, now=self._clock.time()))
            self._transport.send(data, flow)
        except FlowFailed as error:
            log.info("response not sent to=%s: %s", hop, error)
