"""All client transactions of a node: sending requests, matching responses, retransmitting.

RFC 3261 s17.1 in a process. Responses, timeouts and broken transports go to Upstream; an ACK for
300-699 is made and sent here (s17.1.1.3).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from proxy.sip.codec import serialise
from proxy.sip.errors import TransactionError
from proxy.sip.message import Request, Response, ack_for
from proxy.sip.transaction import (
    NEVER,
    Action,
    Actions,
    InviteClient,
    NonInviteClient,
    State,
    client_key,
)
from proxy.transport.flow import FlowFailed

from .transactions import ClientTransaction

if TYPE_CHECKING:
    from proxy.sip.timers import TimerSettings
    from proxy.transport.flow import Flow

    from .own_via import OwnVia
    from .protocols import Transport
    from .request_context import Branch, RequestContext
    from .timer_queue import TimerQueue
    from .upstream import Upstream

log = logging.getLogger(__name__)

_PASS_UP: Final = Action.PASS_UP


class ClientTransactions:
    """Sends requests and waits for what comes back."""

    __slots__ = (
        "_by_branch",
        "_cancels",
        "_counters",
        "_queue",
        "_timers",
        "_transport",
        "_unanswered_on",
        "_via",
        "upstream",
    )

    def __init__(
        self,
        transport: Transport,
        via: OwnVia,
        queue: TimerQueue,
        timers: TimerSettings,
        counters: Counter[str],
    ) -> None:
        self._transport = transport
        self._queue = queue
        self._timers = timers
        self._counters = counters
        self._via = via
        self._by_branch: dict[bytes, ClientTransaction] = {}
        self._cancels: dict[bytes, ClientTransaction] = {}  # the branch is that of the INVITE
        self._unanswered_on: dict[Flow, set[ClientTransaction]] = {}  # connections alone
        self.upstream: Upstream  # set by the layer; the two know each other

    def __len__(self) -> int:
        return len(self._by_branch) + len(self._cancels)

    def send(
        self,
        call: RequestContext,
        branch: Branch,
        via_branch: bytes,
        data: bytes,
        flow: Flow,
        *,
        now: float,
    ) -> None:
        """Send a branch's request in a new transaction; raises FlowFailed and leaves nothing."""
        self._transport.send(data, flow)
        is_invite = call.method == b"INVITE"
        is_reliable = flow.is_reliable
        machine: InviteClient | NonInviteClient
        if is_invite:
            machine = InviteClient(self._timers, is_reliable=is_reliable, now=now)
        else:
            machine = NonInviteClient(self._timers, is_reliable=is_reliable, now=now)
        tx = ClientTransaction(via_branch, machine, branch.request, data, flow, is_invite=is_invite)
        tx.call = call
        tx.branch = branch
        branch.client_transaction = tx
        self._by_branch[via_branch] = tx
        if is_reliable:
            self._unanswered_on.setdefault(flow, set()).add(tx)
        self._queue.schedule(tx)

    def send_own(
        self,
        request: Request,
        via_branch: bytes,
        data: bytes,
        flow: Flow,
        on_final: Callable[[int, Response | None], None],
        *,
        now: float,
    ) -> None:
        """Send a request of the node's own, no INVITE; raises FlowFailed and leaves nothing."""
        self._transport.send(data, flow)
        machine = NonInviteClient(self._timers, is_reliable=flow.is_reliable, now=now)
        tx = ClientTransaction(via_branch, machine, request, data, flow, is_invite=False)
        tx.on_final = on_final
        self._by_branch[via_branch] = tx
        if flow.is_reliable:
            self._unanswered_on.setdefault(flow, set()).add(tx)
        self._queue.schedule(tx)

    def send_cancel(self, invite: ClientTransaction, cancel: Request, *, now: float) -> None:
        """CANCEL a request on the flow it went by; the INVITE then ends in 64*T1 at the latest."""
        invite.is_cancelled = True
        invite.timer_c_at = now + 64 * self._timers.t1
        self._queue.schedule(invite)
        flow = invite.flow
        data = serialise(cancel)
        machine = NonInviteClient(self._timers, is_reliable=flow.is_reliable, now=now)
        tx = ClientTransaction(invite.via_branch, machine, cancel, data, flow, is_invite=False)
        self._cancels[invite.via_branch] = tx
        try:
            self._transport.send(data, flow)
        except FlowFailed:
            self._perform(tx, machine.transport_failed(now=now), None, now)
        self._queue.schedule(tx)

    def received(self, response: Response, *, now: float) -> None:
        """A response arrived; one that nobody waits for is Upstream's to judge."""
        tx = self._find(response)
        if tx is None:
            self.upstream.stray(response)
            return
        if self._unanswered_on and tx.flow in self._unanswered_on:
            self._heard_on(tx.flow, tx)
        try:
            actions = tx.machine.receive(response.status, now=now)
        except TransactionError:
            self._counters["impossible_inputs"] += 1
            return
        if actions:
            self._perform(tx, actions, response, now)
        self._queue.schedule(tx)

    def _find(self, response: Response) -> ClientTransaction | None:
        """s17.1.3, with a shortcut: the branch as it stands in the line names one request that we
        sent, and the method is of interest only if that was also cancelled."""
        branch = self._via.branch_of(response)
        tx = self._by_branch.get(branch) if branch is not None else None
        if tx is not None and tx.via_branch not in self._cancels:
            return tx
        key = client_key(response)
        if key is None:
            return None
        branch, method = key
        return (self._cancels if method == b"CANCEL" else self._by_branch).get(branch)

    def due(self, tx: ClientTransaction, *, now: float) -> None:
        """The transaction's deadline has come."""
        if tx.timer_c_at <= now:
            tx.timer_c_at = NEVER
            if tx.machine.state is State.CALLING or tx.machine.state is State.PROCEEDING:
                self.upstream.timer_c_fired(tx, now=now)
        self._perform(tx, tx.machine.timer_fired(now=now), None, now)

    def flow_closed(self, flow: Flow, *, now: float) -> None:
        """A connection is gone: requests on it that were not answered at all have failed."""
        for tx in self._unanswered_on.pop(flow, ()):
            self._perform(tx, tx.machine.transport_failed(now=now), None, now)

    def undelivered(self, via_branch: bytes, *, now: float) -> None:
        """The system says that nobody is where our request with this branch went (s18.4)."""
        tx = self._by_branch.get(via_branch)
        if tx is not None and tx.machine.state in (State.CALLING, State.TRYING):
            self._perform(tx, tx.machine.transport_failed(now=now), None, now)

    def forget(self, tx: ClientTransaction) -> None:
        """Wait for nothing more."""
        for known in (self._by_branch, self._cancels):
            if known.get(tx.via_branch) is tx:
                del known[tx.via_branch]
        if tx.flow in self._unanswered_on:
            self._heard_on(tx.flow, tx)
        tx.machine.deadline = NEVER
        tx.timer_c_at = NEVER
        _let_go(tx)

    def _perform(
        self, tx: ClientTransaction, actions: Actions, response: Response | None, now: float
    ) -> None:
        for action in actions:
            if action is _PASS_UP:
                if response is not None:
                    self.upstream.received(tx, response, now=now)
                if tx.machine.state is State.COMPLETED:
                    _let_go(tx)
            elif action is Action.ACKNOWLEDGE:
                self._acknowledge(tx, response)
            elif action is Action.RESEND:
                self._counters["retransmissions"] += 1
                self._send_again(tx, tx.data, now)
            elif action is Action.TERMINATED:
                self.forget(tx)
            else:
                is_timeout = action is Action.REPORT_TIMEOUT
                self.upstream.failed(tx, is_timeout=is_timeout, now=now)

    def _acknowledge(self, tx: ClientTransaction, response: Response | None) -> None:
        """ACK a 300-699; one that cannot be sent is asked for again by the next retransmission."""
        if not tx.ack and response is not None and tx.request is not None:
            tx.ack = serialise(ack_for(tx.request, response))
        try:
            self._transport.send(tx.ack, tx.flow)
        except FlowFailed as error:
            log.info("ACK not sent flow=%s: %s", tx.flow, error)

    def _send_again(self, tx: ClientTransaction, data: bytes, now: float) -> None:
        try:
            self._transport.send(data, tx.flow)
        except FlowFailed as error:
            log.info("flow failed flow=%s: %s", tx.flow, error)
            if tx.machine.state is not State.TERMINATED:
                self._perform(tx, tx.machine.transport_failed(now=now), None, now)

    def _heard_on(self, flow: Flow, tx: ClientTransaction) -> None:
        waiting = self._unanswered_on[flow]
        waiting.discard(tx)
        if not waiting:
            del self._unanswered_on[flow]


def _let_go(tx: ClientTransaction) -> None:
    """Drop what only a pending transaction needs; what lingers is the key and the ACK."""
    tx.call = None
    tx.branch = None
    tx.on_final = None
    tx.request = None
    tx.data = b""
