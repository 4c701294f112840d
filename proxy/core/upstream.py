"""Responses on their way up: from client transactions through the response context to the caller.

RFC 3261 s16.7 to s16.10: carries out what response_context.py decides, lets routing see each
response that goes up (in order, also when routing waits), sends CANCEL, keeps Timer C. A 2xx
without a transaction is forwarded by its Via alone, if we forwarded its INVITE.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from proxy.locate.hop import Hop
from proxy.sip.codec import serialise
from proxy.sip.errors import ParseError
from proxy.sip.lines import has
from proxy.sip.message import Response, cancel_for
from proxy.sip.status import reason_of
from proxy.sip.transaction import NEVER
from proxy.sip.uri import DEFAULT_PORT
from proxy.transport.via_source import source_port

from .forward import Forwarder, make_branch
from .refused_answer import acknowledgement, farewell
from .request_context import Branch, Reject, RequestContext
from .response_context import Answer, Cancel, GiveUp, ResponseContext, SendLate, SendUp, StartGroup
from .target_set import Expand, Outcome, Stage

if TYPE_CHECKING:
    from proxy.sip.fields import Via

    from .client_transactions import ClientTransactions
    from .own_requests import OwnRequests
    from .own_via import OwnVia
    from .reply_path import ReplyPath
    from .response_context import Action, Actions
    from .stepping import Stepper
    from .timer_queue import TimerQueue
    from .transaction_layer import TransactionLayer
    from .transactions import ClientTransaction

log = logging.getLogger(__name__)

_COMPLETED_ELSEWHERE = b'SIP;cause=200;text="Call completed elsewhere"'


class RingTimer:
    """A group of targets that may ring until `deadline` before the next group is tried."""

    __slots__ = ("call", "deadline", "group", "queued_at")

    def __init__(self, call: RequestContext, deadline: float, group: int) -> None:
        self.call = call
        self.deadline = deadline
        self.group = group
        self.queued_at = NEVER


class Upstream:
    """Takes responses up; one for a node."""

    __slots__ = (
        "_clients",
        "_forwarder",
        "_layer",
        "_own_requests",
        "_queue",
        "_replies",
        "_ring_seconds",
        "_stepper",
        "_timer_c",
        "_via",
    )

    def __init__(
        self,
        layer: TransactionLayer,
        via: OwnVia,
        forwarder: Forwarder,
        clients: ClientTransactions,
        own_requests: OwnRequests,
        replies: ReplyPath,
        stepper: Stepper,
        queue: TimerQueue,
        *,
        timer_c: float,
        ring_seconds: float,
    ) -> None:
        self._layer = layer
        self._via = via
        self._forwarder = forwarder
        self._clients = clients
        self._own_requests = own_requests
        self._replies = replies
        self._stepper = stepper
        self._queue = queue
        self._timer_c = timer_c
        self._ring_seconds = ring_seconds

    def received(self, tx: ClientTransaction, response: Response, *, now: float) -> None:
        """A response that a client transaction passes up."""
        call, branch = tx.call, tx.branch
        if call is None or branch is None:  # of a CANCEL, or another request, of our own
            if tx.on_final is not None and response.status >= 200:
                tx.on_final(response.status, response)
            return
        if not _take_off_via(response):
            log.warning("response without a Via below ours call_id=%r", call.original.call_id)
            if response.status >= 200:
                self.fail_branch(call, branch, Reject(502), now=now)
            return
        status = response.status
        if branch.is_refused and 200 <= status < 300:
            self._acknowledge(call, branch, response)
            return
        if status < 200:
            if tx.is_invite:
                self._ringing(tx, branch, status, now)
            branch.provisional_seen = True
        elif status >= 300 and self._goes_on(call, branch, response):
            return
        if call.response_context is not None:
            self.run(call, call.response_context.received(branch, response), now=now)

    def _goes_on(self, call: RequestContext, branch: Branch, response: Response) -> bool:
        """Whether a branch that has failed is tried at another hop, or by another offer."""
        status = response.status
        if status == 503 and not branch.provisional_seen:
            return self._forwarder.try_next_hop(call, branch, status, _text(response.reason))
        return self._forwarder.try_again(call, branch, response)

    def failed(self, tx: ClientTransaction, *, is_timeout: bool, now: float) -> None:
        """A client transaction ended without a final response (s16.8, s16.9)."""
        call, branch = tx.call, tx.branch
        if tx.on_final is not None:
            tx.on_final(408 if is_timeout else 503, None)
        if call is None or branch is None or call.response_context is None or branch.is_done:
            return
        why = "" if is_timeout else f"{tx.flow.remote[0]} cannot be reached"
        if not branch.provisional_seen and self._forwarder.try_next_hop(call, branch, 0, why):
            return
        branch.failure = why
        actions = call.response_context.failed(branch, 408 if is_timeout else 503)
        self.run(call, actions, now=now)

    def fail_branch(self, call: RequestContext, branch: Branch, why: Reject, *, now: float) -> None:
        """A branch could not be sent, or routing refused it."""
        if branch.failure is None:
            branch.failure = _text(reason_of(why.status) if why.reason is None else why.reason)
        if call.response_context is not None:
            actions = call.response_context.failed(branch, why.status, why.reason, why.headers)
            self.run(call, actions, now=now)

    def cancelled(self, call: RequestContext, reasons: list[bytes], *, now: float) -> None:
        """The caller sent CANCEL; its own transaction is answered already (s16.10)."""
        call.is_cancelled = True
        call.cancel_reasons = reasons
        if call.response_context is None:
            call.reply(487)
        else:
            self.run(call, call.response_context.cancel(), now=now)

    def timer_c_fired(self, tx: ClientTransaction, *, now: float) -> None:
        """No final response in time: CANCEL, and if that brings none either, give up (s16.8)."""
        call, branch = tx.call, tx.branch
        if call is None or branch is None:
            return
        if not tx.is_cancelled:
            branch.is_timed_out = True
            self._cancel(call, branch, now)
            return
        self._clients.forget(tx)
        if call.response_context is not None:
            self.run(call, call.response_context.failed(branch, 408), now=now)

    def ring_timer_fired(self, timer: RingTimer, *, now: float) -> None:
        """A group rang long enough; nothing happens if the call has moved on since."""
        context = timer.call.response_context
        if context is not None and context.group == timer.group:
            self.run(timer.call, context.ring_timeout(), now=now)

    def run(self, call: RequestContext, actions: Actions, *, now: float) -> None:
        """Carry out what the response context decided."""
        for action in actions:
            if type(action) is SendUp:
                self._send_up(call, action.branch, action.response, now)
            else:
                self._run_rare(call, action, now)

    def _run_rare(self, call: RequestContext, action: Action, now: float) -> None:
        match action:
            case StartGroup(targets=targets, stage=stage, outcome=outcome):
                if stage is not None and stage.expand is not None:
                    self._expand(call, stage.expand, outcome)
                else:
                    self.start_group(call, stage or Stage(targets), now=now)
            case Answer(status=status, reason=reason, headers=headers):
                response = self._layer.make_response(call, status, reason, headers)
                self._send_up(call, None, response, now)
            case Cancel(branch=branch):
                self._cancel(call, branch, now)
            case SendLate(response=response):
                self._replies.send_past(call, serialise(response))
            case GiveUp():
                self._layer.forget_server(call)

    def start_group(self, call: RequestContext, stage: Stage, *, now: float) -> None:
        """Fork to a stage's targets in parallel."""
        context = call.response_context
        if context is None:
            return
        if stage.expand is not None:
            self._expand(call, stage.expand, Outcome.REFUSED)
            return
        admitted = context.admit(stage)
        if not admitted:
            self.run(call, context.too_broad(), now=now)
            return
        if context.groups_left and context.is_invite and context.awaits_ring_timeout:
            seconds = self._ring_seconds if stage.ring_seconds is None else stage.ring_seconds
            self._queue.schedule(RingTimer(call, now + seconds, context.group))
        is_only_one = len(admitted) == 1 and not context.groups_left and not context.branches
        branches = []
        for target, breadth in admitted:
            request = call.request if is_only_one else call.request.copy()
            branch_id = self._via.branch_id(call.original, call.loop_mark)
            branch = make_branch(call, target, branch_id, request, breadth)
            branches.append(branch)
            context.add(branch)
        for branch in branches:  # one may fail at once: all must be known by then
            self._forwarder.start(call, branch)

    def _expand(self, call: RequestContext, expand: Expand, outcome: Outcome) -> None:
        """Let routing find what a later stage is."""
        context = call.response_context
        if context is not None:
            context.expanding()
            self._stepper.step(self._find(call, context, expand, outcome))

    async def _find(
        self, call: RequestContext, context: ResponseContext, expand: Expand, outcome: Outcome
    ) -> None:
        """Find it, and go on there; one that leads nowhere counts as failed."""
        try:
            stages = await expand(outcome)
            actions = context.expanded(stages) if stages else context.not_expanded(480)
        except Reject as why:
            actions = context.not_expanded(why.status, why.reason, why.headers)
        except Exception:
            log.exception("later targets failed call_id=%r", call.original.call_id)
            actions = context.not_expanded(500)
        self.run(call, actions, now=self._layer.now())

    def _ringing(self, tx: ClientTransaction, branch: Branch, status: int, now: float) -> None:
        tx.data = b""  # nothing will be retransmitted any more
        if not tx.is_cancelled and (status > 100 or not branch.provisional_seen):
            tx.timer_c_at = now + self._timer_c
        if branch.cancel_wanted and not tx.is_cancelled:
            self._send_cancel(tx, branch, now)

    def _cancel(self, call: RequestContext, branch: Branch, now: float) -> None:
        """CANCEL a branch now, or when its first provisional response allows it (s9.1)."""
        branch.cancel_wanted = True
        tx = branch.client_transaction
        if tx is not None and branch.provisional_seen and not tx.is_cancelled:
            self._send_cancel(tx, branch, now)

    def _send_cancel(self, tx: ClientTransaction, branch: Branch, now: float) -> None:
        call = tx.call
        if call is None or tx.request is None:
            return
        cancel = cancel_for(tx.request)
        context = call.response_context
        reasons = call.cancel_reasons
        if not reasons and context is not None and 200 <= context.final_status < 300:
            reasons = [_COMPLETED_ELSEWHERE]
        for reason in reasons:
            cancel.headers.append(b"reason", reason)
        self._clients.send_cancel(tx, cancel, now=now)

    def _send_up(
        self, call: RequestContext, branch: Branch | None, response: Response, now: float
    ) -> None:
        if call.waiting_responses is not None:
            call.waiting_responses.append((branch, response))
        elif call.on_reply is None or branch is None:
            self._deliver(call, response, now)
        else:
            waiting: deque[tuple[Branch | None, Response]] = deque()
            call.waiting_responses = waiting
            self._stepper.step(self._pass_routing(call, branch, response, waiting))

    async def _pass_routing(
        self,
        call: RequestContext,
        branch: Branch | None,
        response: Response,
        waiting: deque[tuple[Branch | None, Response]],
    ) -> None:
        """Show responses to routing one after the other; later ones queue behind a slow one."""
        while True:
            if branch is not None and call.on_reply is not None:
                try:
                    await call.on_reply(call, branch, response)
                except Reject as why:
                    response = self._refuse(call, branch, response, why)
                except ParseError as error:  # it passes as it is
                    log.info("malformed response call_id=%r: %s", call.original.call_id, error)
                except Exception:
                    log.exception("reply step failed call_id=%r", call.original.call_id)
            self._deliver(call, response, self._layer.now())
            if not waiting:
                call.waiting_responses = None
                return
            branch, response = waiting.popleft()

    def _refuse(
        self, call: RequestContext, branch: Branch, response: Response, why: Reject
    ) -> Response:
        """Routing does not let a final response pass: what goes up in its place."""
        if call.method == b"INVITE" and response.status < 300:
            branch.is_refused = True
            self._acknowledge(call, branch, response)
            if call.is_initial and branch.flow is not None:
                try:
                    bye = farewell(call, branch, response)
                except ParseError as error:
                    log.info("no BYE to a malformed answer call_id=%r: %s", call.original.call_id,
                             error)  # fmt: skip
                else:
                    self._own_requests.send(bye, branch.flow, _told)
        if call.response_context is not None:
            call.response_context.final_status = why.status
        return self._layer.make_response(call, why.status, why.reason, why.headers)

    def _acknowledge(self, call: RequestContext, branch: Branch, response: Response) -> None:
        """Stop the retransmissions of a 2xx that does not go up."""
        try:
            ack = acknowledgement(call, branch, response)
        except ParseError as error:
            log.info("no ACK of a malformed answer call_id=%r: %s", call.original.call_id, error)
            return
        if branch.flow is not None:
            self._own_requests.send(ack, branch.flow, _told)

    def _deliver(self, call: RequestContext, response: Response, now: float) -> None:
        self._layer.send_response(call, response, now=now)

    def stray(self, response: Response) -> None:
        """A response that no transaction waits for: a 2xx of an INVITE goes up by its Via."""
        if not 200 <= response.status < 300 or response.cseq.method != b"INVITE":
            return
        own = response.via
        response.headers.remove_first_value(b"via")
        if not response.headers.has(b"via"):
            return
        below = response.via
        hop = _hop_of(below)
        if hop is None or not self._via.has_sealed(own, below):
            return
        self._replies.send_to(hop, serialise(response), below)


def _text(reason: bytes) -> str:
    return reason.decode("utf-8", "replace")


def _told(status: int, response: Response | None) -> None:
    """What becomes of an ACK or BYE of ours changes nothing more."""


def _take_off_via(response: Response) -> bool:
    """Take our Via off; whether another is below it (s16.7 step 3)."""
    headers = response.headers
    lines = headers.lines
    if len(lines) > 1 and lines[0][0] == lines[1][0] == b"via" and not has(lines[0][1], b","):
        headers.take_off_top(1)
        return True
    headers.remove_first_value(b"via")
    return headers.has(b"via")


def _hop_of(via: Via) -> Hop | None:
    """Where a Via says that responses go, as far as no DNS is needed (s18.2.2, RFC 3581)."""
    transport = via.transport.decode("ascii", "replace").lower()
    if transport not in DEFAULT_PORT:
        return None
    host = via.param(b"received") or via.host
    noted = source_port(via) if transport == "udp" else None  # a connection is made to sent-by
    port = noted or via.port or DEFAULT_PORT[transport]
    text = host.decode("ascii", "replace").strip("[]")
    if ":" not in text and not text.replace(".", "").isdigit():
        return None
    return Hop(transport, text, port, None)
