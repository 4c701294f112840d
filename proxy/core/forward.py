"""Requests on their way down: one branch for each target, one attempt for each hop.

RFC 3261 s16.6 and, for the attempts, RFC 3263 s4.3: a hop that times out, breaks or says 503
before any other answer is followed by the next one, with a branch of its own. A flow is used as
it is. An ACK goes the same way without a transaction (s16.11). Responses are upstream.py's.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from proxy.locate.hop import Hop
from proxy.locate.inside import InnerAddress
from proxy.locate.rfc3263 import LocateError
from proxy.sip.codec import serialise
from proxy.sip.errors import ParseError
from proxy.sip.uri import SipUri
from proxy.transport.flow import FlowFailed

from .breadth import incoming
from .own_via import OwnVia, loop_mark
from .request_context import Branch, Reject, RequestContext, Tried
from .stepping import Stepper, in_task
from .target_set import Target

if TYPE_CHECKING:
    from proxy.sip.message import Request, Response
    from proxy.sip.uri import Uri
    from proxy.transport.flow import Flow

    from .client_transactions import ClientTransactions
    from .protocols import Clock, Locator, Transport
    from .record_route import RecordRoute
    from .upstream import Upstream

log = logging.getLogger(__name__)

MAX_FORWARDS: Final = 70
_NEVER_LOCATED: Final = ("ws", "wss")
_LARGEST_DATAGRAM: Final = 1300  # s18.1.1, when the path MTU is unknown


def check_forwardable(call: RequestContext, via: OwnVia) -> int:
    """Whether the request may be forwarded at all (s16.3 steps 3 to 5); returns its loop mark.

    Raises Reject 483, 482 or 420.
    """
    original = call.original
    if original.max_forwards == 0:
        raise Reject(483)
    mark = loop_mark(original, call.fields) if call.is_initial else 0
    if mark and via.is_loop(original, mark):
        raise Reject(482)
    if b"proxy-require" in call.fields:
        wanted = original.headers.values(b"proxy-require")
        raise Reject(420, headers=((b"Unsupported", b", ".join(wanted)),))
    return mark


def routed_target(call: RequestContext) -> Target:
    """Where a request goes by its own Route set, opened token and Request-URI.

    Raises Reject 430 when the token's flow is gone and the side cannot be located either: a
    browser listens nowhere (RFC 5626 s5.3).
    """
    if call.lost_protocol is not None and call.lost_protocol in _NEVER_LOCATED:
        raise Reject(430)
    return Target(call.request.uri, flow=call.out_flow)


class Forwarder:
    """Puts requests on their way; one for a node."""

    __slots__ = (
        "_clients",
        "_clock",
        "_locator",
        "_record_route",
        "_stepper",
        "_transport",
        "_via",
        "upstream",
    )

    def __init__(
        self,
        transport: Transport,
        locator: Locator,
        clock: Clock,
        via: OwnVia,
        record_route: RecordRoute,
        clients: ClientTransactions,
        stepper: Stepper,
    ) -> None:
        self._transport = transport
        self._locator = locator
        self._clock = clock
        self._via = via
        self._record_route = record_route
        self._clients = clients
        self._stepper = stepper
        self.upstream: Upstream  # set by the layer; the two know each other

    def start(self, call: RequestContext, branch: Branch) -> None:
        """Start one branch; whatever goes wrong with it reaches the response context."""
        if branch.flow is not None and call.on_branch is None:
            self._attempt(call, branch, None)  # nothing to wait for
        else:
            self._stepper.step(self._run(call, branch))

    def start_ack(self, call: RequestContext) -> None:
        """Forward an ACK for a 2xx, statelessly (s16.11)."""
        target = call.targets.first() or routed_target(call)
        branch_id = self._via.stateless_branch_id(call.original)
        branch = make_branch(call, target, branch_id, call.request, incoming(call.original))
        self.start(call, branch)

    def try_next_hop(self, call: RequestContext, branch: Branch, status: int, why: str) -> bool:
        """Go on to the next hop of a branch whose present one failed, with this status if it has
        answered; False if there is none."""
        if not branch.hops or branch.cancel_wanted:
            return False
        self._leave_hop(branch, status, why)
        self._stepper.step(self._run(call, branch))
        return True

    def try_again(self, call: RequestContext, branch: Branch, response: Response) -> bool:
        """Offer a branch something else, which has refused; False if routing knows nothing."""
        if call.on_refused is None or branch.cancel_wanted or branch.is_done:
            return False
        if not call.on_refused(call, branch, response):
            return False
        branch.provisional_seen = False
        self._stepper.step(self._run(call, branch, is_changed=True))
        return True

    async def _run(self, call: RequestContext, branch: Branch, *, is_changed: bool = False) -> None:
        try:
            if branch.attempt == 0 and branch.flow is None:
                await self._locate(branch)
            if call.on_branch is not None and (branch.attempt == 0 or is_changed):
                await call.on_branch(call, branch)
            if not self._attempt(call, branch, None):
                await self._open_and_attempt(call, branch)
        except Reject as refusal:
            self._fail(call, branch, refusal)
        except InnerAddress as inner:
            branch.failure, branch.tried_at = str(inner), self._clock.time()
            why = Reject(403) if call.on_inner is None else call.on_inner(call, branch, str(inner))
            self._fail(call, branch, why)
        except LocateError as error:
            log.info("cannot locate call_id=%r: %s", call.original.call_id, error)
            branch.failure, branch.tried_at = str(error), self._clock.time()
            self._fail(call, branch, Reject(404, b"Unresolvable Destination"))
        except ParseError as malformed:  # a field that nobody has read before
            log.info("cannot forward call_id=%r: %s", call.original.call_id, malformed)
            self._fail(call, branch, Reject(malformed.status_hint or 400))
        except Exception:
            log.exception("branch failed call_id=%r", call.original.call_id)
            self._fail(call, branch, Reject(500))

    async def _locate(self, branch: Branch) -> None:
        uri = branch.next_hop_uri
        if not isinstance(uri, SipUri):
            raise Reject(416)
        target = branch.target
        if target.is_verified:
            uri = uri.with_(scheme=b"sips")
        now = self._clock.time()
        hops = self._locator.locate_now(uri, now=now)
        if hops is None:
            hops = await in_task(self._locator.locate(uri, now=now))
        if target.shown_as or target.is_verified:
            hops = [_for_target(hop, target) for hop in hops]
        branch.hop = hops[0]
        branch.hops = hops[1:]
        branch.tried_at = self._clock.time()

    async def _open_and_attempt(self, call: RequestContext, branch: Branch) -> None:
        """Try hops until one has taken the request, opening a connection to each that needs one."""
        opened: Flow | None = None
        while branch.hop is not None:
            try:
                opened = await in_task(self._transport.open(branch.hop, now=self._clock.time()))
            except FlowFailed as error:
                log.info(
                    "hop failed call_id=%r hop=%s: %s", call.original.call_id, branch.hop, error
                )
                opened = None
                branch.attempt += 1  # what the next hop gets is another transaction
                if not self._take_next_hop(call, branch, str(error)):
                    return
            if self._attempt(call, branch, opened):
                return

    def _attempt(self, call: RequestContext, branch: Branch, opened: Flow | None) -> bool:
        """Send to the present hop or a later one; False when a connection has to be opened."""
        while not branch.cancel_wanted and _is_awaited(call):
            try:
                flow = opened or branch.target.flow
                if flow is None and branch.hop is not None:
                    flow = self._transport.flow_for_hop(branch.hop)
                if flow is None:
                    return False
                data, via_branch = self._build(call, branch, flow)
                if len(data) > _LARGEST_DATAGRAM and flow.protocol == "udp" and _prefer_tcp(branch):
                    continue
                self._send(call, branch, via_branch, data, flow)
            except FlowFailed as error:
                opened = None
                if not self._take_next_hop(call, branch, str(error)):
                    return True
            else:
                return True
        self._fail(call, branch, Reject(487))
        return True

    def _send(
        self, call: RequestContext, branch: Branch, via_branch: bytes, data: bytes, flow: Flow
    ) -> None:
        if call.method == b"ACK":
            self._transport.send(data, flow)
            return
        now = self._clock.time()
        if branch.hop is None:
            branch.tried_at = now
        self._clients.send(call, branch, via_branch, data, flow, now=now)

    def _take_next_hop(self, call: RequestContext, branch: Branch, why: str) -> bool:
        if branch.hops:
            self._leave_hop(branch, 0, why)
            return True
        branch.failure = why
        unproved = branch.target.unproved
        if unproved is not None and branch.client_transaction is None:  # nobody was asked
            self._fail(call, branch, unproved())
            return False
        # RFC 5626 s5.3: "430 Flow Failed" is for the proxy before us; a caller hears 480
        if call.lost_protocol is not None or (
            branch.target.flow is not None and not call.is_initial
        ):
            status = 430
        else:
            status = 503 if branch.target.flow is None else 480
        self._fail(call, branch, Reject(status))
        return False

    def _leave_hop(self, branch: Branch, status: int, why: str) -> None:
        hop, now = branch.hop, self._clock.time()
        if hop is not None:
            self._locator.failed(hop, now=now)
            branch.tried = (*branch.tried, Tried(hop, branch.tried_at, status, why))
        branch.hop = branch.hops.pop(0)
        branch.tried_at = now

    def _fail(self, call: RequestContext, branch: Branch, why: Reject) -> None:
        self.upstream.fail_branch(call, branch, why, now=self._clock.time())

    def _build(self, call: RequestContext, branch: Branch, flow: Flow) -> tuple[bytes, bytes]:
        """The bytes for this attempt, and the branch in its Via."""
        headers = branch.request.headers
        if branch.attempt == 0:
            via_branch = branch.branch_id
        else:
            via_branch = b"%b.%d" % (branch.branch_id, branch.attempt)
            headers.take_off_top(branch.lines_on_top)
        branch.attempt += 1
        branch.flow = flow
        lines = self._record_route.lines(call, branch, flow)
        lines.insert(0, (b"via", self._via.line(flow, via_branch)))
        branch.lines_on_top = len(lines)
        headers.put_on_top(lines)
        return serialise(branch.request), via_branch


def _for_target(hop: Hop, target: Target) -> Hop:
    """The hop with what the target demands of the far side, and as whom we come."""
    if hop.transport != "tls":
        return hop
    return replace(hop, is_verified=target.is_verified, shown_as=target.shown_as)


def _is_awaited(call: RequestContext) -> bool:
    """Whether anybody still waits for what a branch would bring."""
    return call.server_transaction is not None or call.method == b"ACK"


def make_branch(
    call: RequestContext, target: Target, branch_id: bytes, request: Request, breadth: int
) -> Branch:
    """The request for one target (s16.6 steps 2, 3, 6 and 7), made of a copy of the call's, or of
    the call's own when it is the only target; the transport's part is added by each attempt."""
    if request.uri is not target.uri:
        request.uri = target.uri
    headers = request.headers
    left = call.original.max_forwards
    headers.set(b"max-forwards", b"%d" % (MAX_FORWARDS if left is None else left - 1))
    if breadth != call.original.max_breadth:
        headers.set(b"max-breadth", b"%d" % breadth)
    for route in reversed(target.route_set):
        headers.prepend(b"route", route.serialise())
    branch = Branch(target, request, branch_id)
    branch.breadth = breadth
    if headers.has(b"route"):
        branch.next_hop_uri = _follow_route(request)
    return branch


def _follow_route(request: Request) -> Uri:
    """The next hop is the first Route. One without lr is a strict router: it takes the
    Request-URI's place, which goes to the end of the Route (s16.6 step 6)."""
    first = request.routes[0].uri
    if isinstance(first, SipUri) and not first.has_param(b"lr"):
        request.headers.append(b"route", b"<%b>" % request.uri.serialise())
        request.headers.remove_first_value(b"route")
        request.uri = first
    return first


def _prefer_tcp(branch: Branch) -> bool:
    """Put a TCP hop before each UDP hop that is left (s18.1.1); False if that was done before.

    "If this causes a change in the transport protocol from the one indicated in the top Via, the
    value in the top Via MUST be changed": the attempt is built again. A hop that refuses TCP is
    followed by itself over UDP.
    """
    if branch.hop is None or branch.is_large:
        return False
    branch.is_large = True
    hops: list[Hop] = []
    for hop in (branch.hop, *branch.hops):
        if hop.transport == "udp":
            hops.append(Hop("tcp", hop.address, hop.port, None, leads=hop.leads))
        hops.append(hop)
    branch.hop = hops[0]
    branch.hops = hops[1:]
    return True
