"""Drives the server transactions and the transaction user; the core's face to transport and node.

RFC 3261 s17.2 in a process: messages come in by `received` and leave by the transport. A request
that is new gets a server transaction and a RequestContext, and the transaction user (routing) is
stepped at once, without a Task unless it waits. This is the one place that catches Reject (its
response), Drop (silence) and anything unexpected (500 and one traceback).
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from proxy.sip.codec import serialise
from proxy.sip.errors import ParseError, TransactionError
from proxy.sip.message import Request, Response
from proxy.sip.timers import TimerSettings
from proxy.sip.transaction import (
    NEVER,
    Action,
    Actions,
    InviteServer,
    Key,
    NonInviteServer,
    State,
    cancelled_keys,
    rfc2543_ack_key,
    server_key,
)
from proxy.sip.transaction.matching import is_unique

from .breadth import incoming
from .client_transactions import ClientTransactions
from .forward import Forwarder, check_forwardable, routed_target
from .loose_route import LooseRoute
from .own_requests import OwnRequests
from .own_via import OwnVia
from .record_route import RecordRoute
from .reply_path import ReplyPath
from .request_context import Drop, HeaderPairs, OnEnd, Reject, RequestContext
from .response_context import ResponseContext
from .stepping import Stepper
from .target_set import Stage
from .timer_queue import Timed, TimerQueue
from .transactions import ClientTransaction, ServerTransaction, trying
from .upstream import RingTimer, Upstream

if TYPE_CHECKING:
    from proxy.sip.uri import Uri
    from proxy.transport.flow import Flow
    from proxy.transport.flow_token import Tokens

    from .protocols import Clock, Locator, Observer, TransactionUser, Transport

log = logging.getLogger(__name__)

_SEND_ALONE: Final = (Action.SEND,)


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """What a node may set; durations in seconds."""

    node_id: bytes = b"a"
    secret: bytes = b""  # of the cluster: seals our Via branches
    wall: Callable[[], float] = time.time
    timers: TimerSettings = field(default_factory=TimerSettings)
    timer_c: float = 180.0
    ring_seconds: float = 30.0  # for a group of targets that has another one behind it
    most_refused: int = 20_000
    """Where there are more server transactions, what we refuse at once is not remembered: a request
    that comes again is refused again, as by a stateless UAS (RFC 3261 s8.2.7)."""
    most_transactions: int = 100_000
    """With more server transactions the node is full, and routing takes nothing of strangers."""


class TransactionLayer:
    """All transactions of a node."""

    def __init__(
        self,
        transport: Transport,
        locator: Locator,
        tokens: Tokens,
        clock: Clock,
        user: TransactionUser,
        settings: CoreSettings,
        observer: Observer | None = None,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self._transport = transport
        self._clock = clock
        self._user = user
        self._observer = observer
        self._timers = settings.timers
        self._most_refused = settings.most_refused
        self._most_transactions = settings.most_transactions
        self._servers: dict[Key, ServerTransaction] = {}
        self._loose_route = LooseRoute(transport, tokens)
        self._queue = TimerQueue(clock, self._due)
        self._stepper = Stepper()
        self._replies = ReplyPath(transport, locator, clock, self._stepper)
        self._via = OwnVia(
            transport, node_id=settings.node_id, secret=settings.secret, wall=settings.wall
        )
        self._clients = ClientTransactions(
            transport, self._via, self._queue, settings.timers, self.counters
        )
        self.own_requests = OwnRequests(
            transport, locator, clock, self._via, self._clients, self._stepper
        )
        self._forwarder = Forwarder(
            transport,
            locator,
            clock,
            self._via,
            RecordRoute(transport, tokens),
            self._clients,
            self._stepper,
        )
        self._upstream = Upstream(
            self,
            self._via,
            self._forwarder,
            self._clients,
            self.own_requests,
            self._replies,
            self._stepper,
            self._queue,
            timer_c=settings.timer_c,
            ring_seconds=settings.ring_seconds,
        )
        self._forwarder.upstream = self._upstream
        self._clients.upstream = self._upstream

    @property
    def transactions(self) -> tuple[int, int]:
        """How many server and client transactions there are."""
        return len(self._servers), len(self._clients)

    @property
    def is_full(self) -> bool:
        """Whether there are more server transactions than a node should have."""
        return len(self._servers) > self._most_transactions

    def now(self) -> float:
        """The clock that everything here goes by."""
        return self._clock.time()

    # from the transport

    def received(self, message: Request | Response, flow: Flow, now: float) -> None:
        """A message arrived; received and rport are in the top Via of a request already."""
        try:
            if isinstance(message, Request):
                self._request(message, flow, now)
            else:
                self._clients.received(message, now=now)
        except ParseError as error:
            self.counters["malformed"] += 1
            if isinstance(message, Request) and message.method != b"ACK":
                self._refuse_malformed(message, flow, error)

    def flow_closed(self, flow: Flow) -> None:
        """A connection is gone: requests on it that nobody has answered yet go elsewhere."""
        self._clients.flow_closed(flow, now=self._clock.time())

    def undelivered(self, via_branch: bytes) -> None:
        """Nobody is where a request of ours went: it goes elsewhere, if nobody has answered it."""
        self._clients.undelivered(via_branch, now=self._clock.time())

    async def settled(self) -> None:
        """Wait until no step waits for anything (transactions may be pending all the same)."""
        await self._stepper.settled()

    async def close(self) -> None:
        """Stop the timer and everything that waits."""
        self._queue.close()
        await self._stepper.close()

    def _due(self, timed: Timed, now: float) -> None:
        try:
            self._look_at(timed, now)
        except Exception:  # one that fails must not keep the others from being looked at
            self.counters["failures"] += 1
            log.exception("timer failed")

    def _look_at(self, timed: Timed, now: float) -> None:
        if isinstance(timed, ClientTransaction):
            self._clients.due(timed, now=now)
        elif isinstance(timed, ServerTransaction):
            self._perform(timed, timed.machine.timer_fired(now=now))
        elif isinstance(timed, RingTimer):
            self._upstream.ring_timer_fired(timed, now=now)

    # requests that arrive

    def _request(self, request: Request, flow: Flow, now: float) -> None:
        key = server_key(request)
        tx = self._servers.get(key)
        if tx is not None:
            self._request_again(tx, request, flow, now)
            return
        method = request.method
        if method == b"ACK":
            self._run_user(RequestContext(self, request, flow, None, now=now))
            return
        machine: InviteServer | NonInviteServer
        is_invite = method == b"INVITE"
        if is_invite:
            machine = InviteServer(self._timers, is_reliable=flow.is_reliable)
        else:
            machine = NonInviteServer(self._timers, is_reliable=flow.is_reliable, now=now)
        call = RequestContext(self, request, flow, None, now=now)
        tx = ServerTransaction(key, machine, call, is_invite=is_invite)
        call.server_transaction = tx
        self._servers[key] = tx
        if method == b"CANCEL":
            self._cancel(call, tx, now)
        else:
            self._run_user(call)
        if is_invite and not tx.last_sent and tx.call is not None:
            tx.last_sent = trying(request)
            self._replies.send(tx)
        self._queue.schedule(tx)

    def _request_again(
        self, tx: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        machine = tx.machine
        if isinstance(machine, InviteServer):
            actions = machine.receive(is_ack=request.method == b"ACK", now=now)
        else:
            actions = machine.receive(now=now)
        if Action.PASS_UP in actions:
            # RFC 6026 s7.1: an ACK for a 2xx that has the branch of its INVITE
            self._run_user(RequestContext(self, request, flow, None, now=now))
        else:
            self._perform(tx, actions)
        self._queue.schedule(tx)

    def _cancel(self, cancel: RequestContext, tx: ServerTransaction, now: float) -> None:
        """CANCEL is answered here, whatever becomes of what it cancels (s9.2, s16.10)."""
        keys = cancelled_keys(cancel.original)
        meant = next((self._servers[key] for key in keys if key in self._servers), None)
        if meant is None:
            cancel.reply(481)
            return
        call = meant.call
        if call is not None:
            tx.to_tag = meant.own_tag()
        cancel.reply(200)
        # "A CANCEL request has no impact on the processing of transactions with any other method"
        if call is not None and meant.is_invite and meant.machine.state is State.PROCEEDING:
            self._upstream.cancelled(call, cancel.original.headers.all(b"reason"), now=now)

    def _refuse_malformed(self, request: Request, flow: Flow, error: ParseError) -> None:
        if error.status_hint is None:
            return
        try:
            tx = self._servers.pop(server_key(request), None)
            if tx is not None:
                self._forget(tx)
            response = request.response(error.status_hint, to_tag=b"malformed")
            destination = self._transport.reply_flow(request.via, flow)
            self._replies.send_to(destination, serialise(response), request.via)
        except ParseError:
            log.debug("malformed request cannot be answered flow=%s", flow)

    # the transaction user

    def _run_user(self, call: RequestContext) -> None:
        self._stepper.run(self._user(call), call, self._user_ended)

    def _user_ended(self, call: RequestContext, error: Exception | None) -> None:
        """Routing is through with a request, by returning or by raising."""
        match error:
            case None:
                tx = call.server_transaction
                if tx is not None and call.response_context is None and not call.is_cancelled:
                    log.error("left unanswered call_id=%r", call.original.call_id)
                    self.reply(call, 500)
            case Reject():
                self._refuse(call, error.status, error.reason, error.headers)
                error.__traceback__ = None  # steps may raise one constant many times
            case Drop():
                self.counters["dropped"] += 1
                log.debug("dropped call_id=%r: %s", call.original.call_id, error.why)
                error.__traceback__ = None
                self.forget_server(call)
            case ParseError():
                self.counters["malformed"] += 1
                self._refuse(call, error.status_hint or 400)
            case _:
                self.counters["failures"] += 1
                log.error("routing failed call_id=%r", call.original.call_id, exc_info=error)
                self.reply(call, 500)

    def _refuse(
        self,
        call: RequestContext,
        status: int,
        reason: bytes | None = None,
        headers: HeaderPairs = (),
    ) -> None:
        """Answer what routing has refused. Where very much of it comes only the first ones are
        remembered, each for the 32 s of Timer J or H; not so where a 100 has gone, after which an
        INVITE does not come again."""
        tx = call.server_transaction
        self.reply(call, status, reason, headers, is_kept=not (
            tx is not None
            and not tx.last_sent
            and (status >= 300 or call.method == b"OPTIONS")
            and len(self._servers) > self._most_refused
        ))  # fmt: skip

    # what a RequestContext asks for

    def reply(
        self,
        call: RequestContext,
        status: int,
        reason: bytes | None = None,
        headers: HeaderPairs = (),
        body: bytes = b"",
        *,
        is_kept: bool = True,
    ) -> None:
        """Answer by the server transaction; an ACK and a second final answer are left alone. One
        that is not kept is forgotten with its answer."""
        if call.server_transaction is None:
            return
        response = self.make_response(call, status, reason, headers)
        if body:
            response.body = body
        now = self._clock.time()
        self.send_response(call, response, now=now, is_kept=is_kept)
        if status >= 200 and call.response_context is not None:
            self._upstream.run(call, call.response_context.answered(status), now=now)

    def relay(self, call: RequestContext) -> None:
        """Set a request on its way; raises Reject when it may not be forwarded."""
        mark = check_forwardable(call, self._via)
        if call.server_transaction is None:
            if call.method == b"ACK":
                self._forwarder.start_ack(call)
            return  # cancelled, or answered already
        call.loop_mark = mark
        stages = call.targets.stages() or [Stage([routed_target(call)])]
        first = stages.pop(0)
        call.response_context = ResponseContext(
            stages, is_invite=call.method == b"INVITE", breadth=incoming(call.original)
        )
        now = self._clock.time()
        self._upstream.start_group(call, first, now=now)
        if self._observer is not None:
            self._observer.relayed(call, now=now)

    def open_own_entries(self, call: RequestContext, names_us: Callable[[Uri], bool]) -> None:
        """Open and take off the Route entries that are ours (loose_route.py)."""
        self._loose_route.open(call, names_us)

    def has_passed(self, call: RequestContext) -> bool:
        """Whether the request has come through another node of the cluster (own_via.py)."""
        return self._via.has_passed(call.original)

    # responses that leave

    def make_response(
        self, call: RequestContext, status: int, reason: bytes | None, headers: HeaderPairs
    ) -> Response:
        """A response of our own, with the transaction's To tag."""
        tx = call.server_transaction
        tag = tx.own_tag() if tx is not None and status > 100 else None
        response = call.original.response(status, reason, to_tag=tag)
        for name, value in headers:
            response.headers.append(name.lower(), value)
        return response

    def send_response(
        self, call: RequestContext, response: Response, *, now: float, is_kept: bool = True
    ) -> None:
        """Hand a response to the server transaction, which ends with one that is not kept."""
        tx = call.server_transaction
        if tx is None:
            return
        status = response.status
        try:
            actions = tx.machine.send(status, now=now)
        except TransactionError:
            self.counters["late_responses"] += 1
            return
        if not actions:
            return
        tx.last_sent = serialise(response)
        self._replies.send(tx)
        if status >= 200:
            self._final_sent(call, tx, response, now)
        elif tx.is_invite and status > 100 and self._observer is not None:
            self._observer.ringing(call, status, now=now)
        if not is_kept:
            self.counters["stateless"] += 1
            self._forget(tx)
        elif actions is not _SEND_ALONE and Action.TERMINATED in actions:
            self._forget(tx)
        else:
            self._queue.schedule(tx)

    def forget_server(self, call: RequestContext) -> None:
        """End a request without an answer."""
        if call.server_transaction is not None:
            self._forget(call.server_transaction)

    def _final_sent(
        self, call: RequestContext, tx: ServerTransaction, response: Response, now: float
    ) -> None:
        status = response.status
        if self._observer is not None:
            self._observer.answered(call, response, now=now)
        if tx.is_invite and status < 300:
            call.on_end = None
            return  # more 2xx may follow
        if tx.is_invite and not is_unique(call.original.via.branch):
            tx.ack_key = rfc2543_ack_key(call.original, response.to_tag)
            self._servers[tx.ack_key] = tx
        on_end, call.on_end = call.on_end, None
        if on_end is not None and tx.is_invite:
            self._stepper.step(_ended(call, on_end))
        tx.call = None
        call.server_transaction = None

    # server transactions

    def _perform(self, tx: ServerTransaction, actions: Actions) -> None:
        for action in actions:
            if action is Action.RESEND:
                self.counters["retransmissions"] += 1
                if tx.last_sent:
                    self._replies.send(tx)
            elif action is Action.SEND_TRYING and tx.call is not None:
                tx.last_sent = trying(tx.call.original)
                self._replies.send(tx)
            elif action is Action.TERMINATED:
                self._forget(tx)
        if tx.machine.deadline < tx.queued_at:
            self._queue.schedule(tx)

    def _forget(self, tx: ServerTransaction) -> None:
        self._servers.pop(tx.key, None)
        if tx.ack_key is not None:
            self._servers.pop(tx.ack_key, None)
        tx.machine.deadline = NEVER
        call, tx.call = tx.call, None
        if call is not None:
            call.server_transaction = None


async def _ended(call: RequestContext, on_end: OnEnd) -> None:
    try:
        await on_end(call)
    except Exception:
        log.exception("end step failed call_id=%r", call.original.call_id)
