"""State of one request on its way through the proxy, and the face that routing works with.

How routing uses it (the whole of it):

    async def route_request(call: RequestContext, node: Node) -> None:
        if call.method == b"REGISTER":
            raise Reject(403)                     # answered by the server transaction
        if is_scanner(call):
            raise Drop("scanner")                 # no answer at all
        call.request.uri = translated             # call.request is a working copy
        call.targets.add(Target(uri, flow=flow))  # none: Route set or Request-URI decide
        await call.relay(on_branch=offer, on_reply=answer, on_end=delete)

- `relay` returns when everything is set in motion, not when it is finished. Without targets the
  request goes where its Route set, its opened token or its Request-URI says (in-dialog requests).
- `on_branch(call, branch)` runs once for each branch, after its hop is chosen and before it is
  sent; it may change `branch.request` and may raise Reject, which fails that branch alone.
- `on_reply(call, branch, response)` runs for each response that goes upstream: 1xx except 100,
  every 2xx, the chosen final one. Responses of one call pass in order, also when it waits.
  It may change the response, and raise Reject for a final one: then that goes up in its place, and
  of a 2xx to an INVITE who gave it hears ACK and BYE from us. `branch` is None for a final response
  that we made up (408, 487).
- `on_refused(call, branch, response)` is asked where a branch has been refused: True has
  `on_branch` run for it once more (its `attempt` is no longer 0), and sends it to the same hop
  again.
- `on_inner(call, branch, why)` gives the answer for a branch that leads to an inner address, to
  which requests are not sent (locate/inside.py).
- `on_end(call)` runs once when an INVITE ends without any 2xx (CANCEL, failure, timeout).
- The steps run without a Task until they wait for something that is not there yet, so anything
  that needs the current task (asyncio.timeout) belongs in a Task of its own.
- An ACK has no transaction: `reply` and Reject do nothing for it, `relay` forwards statelessly.

What is not here: how requests are forwarded (forward.py), how responses are gathered
(response_context.py), who catches Reject (transaction_layer.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from proxy.locate.hop import Hop
from proxy.locate.inside import kind_of
from proxy.sip.lines import has

from .target_set import Changes, Target, TargetSet

if TYPE_CHECKING:
    from proxy.directory.model import Domain, Subscriber, Translation
    from proxy.sip.message import Request, Response
    from proxy.sip.uri import SipUri, Uri
    from proxy.transport.flow import Address, Flow

    from .protocols import ProxyCore
    from .response_context import ResponseContext
    from .transactions import ClientTransaction, ServerTransaction

HeaderPairs = tuple[tuple[bytes, bytes], ...]
OnBranch = Callable[["RequestContext", "Branch"], Awaitable[None]]
OnReply = Callable[["RequestContext", "Branch | None", "Response"], Awaitable[None]]
OnRefused = Callable[["RequestContext", "Branch", "Response"], bool]
OnInner = Callable[["RequestContext", "Branch", str], "Reject"]
OnEnd = Callable[["RequestContext"], Awaitable[None]]


class Reject(Exception):
    """Ends a request with a final response; raised by routing, caught by the transaction layer."""

    def __init__(self, status: int, reason: bytes | None = None, headers: HeaderPairs = ()) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.headers = headers


class Drop(Exception):
    """Ends a request without any answer; the server transaction is forgotten."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Direction(Enum):
    """Which way an in-dialog request goes, seen from the dialog's first request."""

    TOWARD_CALLER = "toward_caller"
    TOWARD_CALLEE = "toward_callee"


TOWARD_CALLER = Direction.TOWARD_CALLER
TOWARD_CALLEE = Direction.TOWARD_CALLEE


class Notes:
    """What routing steps learn for observers; each slot is written by the step that knows it."""

    __slots__ = (
        "alternatives",
        "changes",
        "enum_further",
        "far_nat",
        "federation_in",
        "federation_out",
        "is_relayed",
        "media",
        "media_way",
        "offer_made",
        "pass_expires_at",
        "rule_id",
        "target",
        "translated_from",
        "trunk",
        "trunk_id",
    )

    def __init__(self) -> None:
        self.far_nat = False
        self.pass_expires_at: int | None = None  # of the short-lived credentials (sip/passes.py)
        self.rule_id: int | None = None
        self.target = b""  # the Request-URI when all rules had been asked
        self.translated_from: bytes | None = None
        self.changes: Changes | None = None  # by that rule, in the request for its targets
        self.trunk = b""  # by which that rule wants it to leave
        self.trunk_id: int | None = None  # from which it came
        self.alternatives: tuple[SipUri, tuple[Translation, ...]] | None = None
        self.enum_further: list[SipUri] = []  # behind the one that the DNS likes best
        self.offer_made = False
        self.is_relayed = False  # a branch of it; one in reserve does not count
        self.media: object | None = None
        self.media_way = ""  # why its media goes by a relay or not
        self.federation_in = ""  # the verdict on a stranger's call, in words
        self.federation_out = ""  # on one that was not let out


@dataclass(frozen=True, slots=True)
class Tried:
    """A hop that a branch has left because it failed."""

    hop: Hop
    at: float
    """When it was tried, on the monotonic clock."""
    status: int
    """Of its answer; 0 when there was none."""
    why: str
    """Its reason phrase, or what was wrong with the way there; empty when nothing came."""


class Branch:
    """One target being tried. `request` is its own copy (the call's own request when there is only
    one target); Via and Record-Route are added when it is sent.

    `branch_id` stays the same while RFC 3263 failover goes through `hops`; each attempt has a Via
    branch of its own that begins with it. Until it is sent, `flow` is None for a hop that must be
    located; `hop` is None for a target that is reached by its flow. What is kept of hops
    that failed is for whoever looks at the call later.
    """

    __slots__ = (
        "attempt",
        "branch_id",
        "breadth",
        "cancel_wanted",
        "challenges",
        "client_transaction",
        "failure",
        "far_media",
        "final",
        "flow",
        "hop",
        "hops",
        "is_done",
        "is_large",
        "is_refused",
        "is_timed_out",
        "lines_on_top",
        "media",
        "next_hop_uri",
        "note",
        "policies",
        "provisional_seen",
        "request",
        "srtp",
        "target",
        "timer_c_at",
        "tried",
        "tried_at",
    )

    def __init__(self, target: Target, request: Request, branch_id: bytes) -> None:
        self.target = target
        self.request = request
        self.branch_id = branch_id
        self.flow: Flow | None = target.flow
        self.next_hop_uri: Uri = target.uri
        self.hop: Hop | None = None
        self.hops: list[Hop] = []  # those that are left to try
        self.attempt = 0
        self.breadth = 0  # of the request's Max-Breadth, until it has ended
        self.tried: tuple[Tried, ...] = ()  # before the present hop
        self.tried_at = 0.0  # when the present hop was, on the monotonic clock
        self.failure: str | None = None  # what was wrong with the last hop, "" when nothing came
        self.client_transaction: ClientTransaction | None = None
        self.provisional_seen = False
        self.cancel_wanted = False
        self.final: Response | None = None
        self.is_done = False
        self.is_timed_out = False  # by Timer C or a ring timeout: its 487 means 408
        self.is_large = False  # too large for UDP: TCP hops were put before the UDP ones
        self.is_refused = False  # routing did not let its 2xx pass
        self.timer_c_at: float | None = None
        self.lines_on_top = 0  # Via and Record-Route, put there by the last attempt
        self.media: object | None = None  # for routing's media step
        self.far_media = 0  # its own, too; sealed into our Record-Route
        self.challenges = 0  # how many of its far side routing has answered
        self.srtp = ""  # its own as well: what its far side wants beyond its policy
        self.note = b""  # routing's own; sealed into our Record-Route, it comes back in the dialog
        self.policies = ""  # that hold for it, for the call's record

    @property
    def family(self) -> int:
        """Address family of the far side, 4 or 6; known when on_branch runs."""
        if self.flow is not None:
            return self.flow.family
        return 6 if self.hop is not None and ":" in self.hop.address else 4

    @property
    def protocol(self) -> str:
        """Transport protocol towards the far side ("udp", "tcp", "tls", "ws", "wss")."""
        if self.flow is not None:
            return self.flow.protocol
        return self.hop.transport if self.hop is not None else "udp"


class RequestContext:
    """One request: what arrived, what is known about both sides, where it is to go."""

    __slots__ = (
        "_core",
        "binding_aor",
        "callee_domain",
        "caller_binding_id",
        "caller_nat",
        "cancel_reasons",
        "direction",
        "domain",
        "far_media",
        "fields",
        "flow",
        "is_cancelled",
        "is_in_dialog",
        "is_initial",
        "is_trusted",
        "loop_mark",
        "lost_binding_id",
        "lost_protocol",
        "method",
        "near_entry",
        "near_media",
        "note",
        "notes",
        "now",
        "on_branch",
        "on_end",
        "on_inner",
        "on_refused",
        "on_reply",
        "original",
        "out_flow",
        "relay_id",
        "request",
        "response_context",
        "server_transaction",
        "source",
        "subscriber",
        "targets",
        "tenant",
        "waiting_responses",
    )

    def __init__(
        self,
        core: ProxyCore,
        original: Request,
        flow: Flow,
        server_transaction: ServerTransaction | None,
        *,
        now: float,
    ) -> None:
        self._core = core
        self.original = original  # as it arrived; responses are made from it
        self.request = original.copy()  # the working copy
        self.flow = flow
        self.source: Address = flow.remote
        self.method: bytes = original.method
        self.now = now
        self.server_transaction = server_transaction
        self.response_context: ResponseContext | None = None
        self.fields = original.fields()  # what stands in it: the last line of each name
        self.is_in_dialog = _has_tag(self.fields.get(b"to", b""), original)
        self.is_initial = not self.is_in_dialog  # and no token of ours was opened
        self.is_cancelled = False
        self.targets = TargetSet()
        self.notes = Notes()
        # who is calling whom
        self.tenant: bytes | None = None
        self.domain: Domain | None = None
        self.callee_domain: Domain | None = None
        self.subscriber: Subscriber | None = None
        self.caller_nat = False
        self.caller_binding_id = ""  # the registered contact that it came from, by a connection
        self.is_trusted = False  # it came from whom we believe about callers (RFC 3325)
        # from the opened Route tokens (loose_route.py)
        self.direction: Direction | None = None
        self.relay_id: bytes | None = None
        self.note = b""  # what routing sealed into the dialog when it began
        self.near_media = self.far_media = 0  # for its media step; what it sealed for both sides
        self.out_flow: Flow | None = None  # by which it goes on
        self.lost_protocol: str | None = None  # of the flow that a token named and that is gone
        self.lost_binding_id = ""  # of the registered contact that it reached
        self.binding_aor: bytes | None = None  # another node sent it here, for this AOR's contact
        # the core's own
        self.near_entry: bytes | None = None  # our Record-Route entry towards where it came from
        self.loop_mark = 0
        self.cancel_reasons: list[bytes] = []
        self.waiting_responses: deque[tuple[Branch | None, Response]] | None = None
        # what routing handed to relay()
        self.on_branch: OnBranch | None = None
        self.on_reply: OnReply | None = None
        self.on_refused: OnRefused | None = None
        self.on_inner: OnInner | None = None
        self.on_end: OnEnd | None = None

    def reply(
        self,
        status: int,
        reason: bytes | None = None,
        headers: HeaderPairs = (),
        body: bytes = b"",
    ) -> None:
        """Answer by the server transaction; a second final response is ignored."""
        self._core.reply(self, status, reason, headers, body)

    def open_own_entries(self, names_us: Callable[[Uri], bool]) -> None:
        """Take our Route entries off and note what they say; see loose_route.py."""
        self._core.open_own_entries(self, names_us)

    @property
    def is_node_full(self) -> bool:
        """Whether the node has more server transactions than it should have."""
        return self._core.is_full

    @property
    def is_reached_by_flow_alone(self) -> bool:
        """Whether who sent it is answered later on the flow that it came by alone: behind a NAT,
        over a connection, or at an address to which nothing is located (locate/inside.py)."""
        flow = self.flow
        return (
            self.caller_nat
            or flow.is_reliable
            or flow.is_on_this_machine
            or bool(kind_of(flow.remote[0]))
        )

    def has_passed(self) -> bool:
        """Whether this INVITE has come through another node of the cluster, which has asked its
        caller for credentials, and comes back within minutes."""
        return self._core.has_passed(self)

    async def relay(
        self,
        on_branch: OnBranch | None = None,
        on_reply: OnReply | None = None,
        on_end: OnEnd | None = None,
        on_refused: OnRefused | None = None,
        on_inner: OnInner | None = None,
    ) -> None:
        """Forward to the targets, or by Route set and Request-URI when there are none.

        Raises Reject: 483 (no hops left), 482 (loop), 420 (Proxy-Require), 430 (dead flow).
        """
        self.on_branch = on_branch
        self.on_reply = on_reply
        self.on_inner = on_inner
        self.on_end = on_end
        self.on_refused = on_refused
        self._core.relay(self)


def _has_tag(line: bytes, request: Request) -> bool:
    """Whether the To has a tag, without parsing the address where its end tells."""
    end = line[line.rfind(b">") + 1 :]
    if has(end, b";tag="):
        return True
    return has(end.lower(), b"tag") and request.to_tag is not None
