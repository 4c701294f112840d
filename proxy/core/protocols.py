"""What the core needs from outside, as Protocols: transport, locator, clock, observer, user.

The real ones are proxy.transport.layer, proxy.locate.resolver, the event loop, proxy.observe and
routing.route; tests put in-memory ones in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from proxy.locate.hop import Hop
    from proxy.sip.fields import Via
    from proxy.sip.message import Response
    from proxy.sip.uri import SipUri, Uri
    from proxy.transport.flow import Flow

    from .request_context import HeaderPairs, RequestContext

TransactionUser = Callable[["RequestContext"], Coroutine[Any, Any, None]]


class Transport(Protocol):
    """Sends bytes on flows and says which flow reaches a place (RFC 3261 s18)."""

    def send(self, data: bytes, flow: Flow) -> None:
        """Send on a flow; raises FlowFailed when it is gone."""

    def flow_for_hop(self, hop: Hop) -> Flow | None:
        """A flow that needs no waiting: UDP, or a connection that is open already."""

    async def open(self, hop: Hop, *, now: float) -> Flow:
        """A flow to the hop, connecting if needed; raises FlowFailed."""

    def reply_flow(self, via: Via, arrived: Flow) -> Flow | Hop:
        """Where responses go for a request with this top Via (s18.2.2)."""

    def live_flow(self, flow: Flow) -> Flow | None:
        """The whole flow that a token names; None when the connection is gone."""

    def advertised(self, flow: Flow) -> tuple[bytes, int]:
        """Host and port under which the flow's listener is reached."""

    def serves_both_ways(self, flow: Flow) -> bool:
        """Whether the far side of a connection of ours may send requests by it (RFC 5923)."""

    def is_own(self, host: bytes, port: int | None) -> bool:
        """Whether a listener of this node is reached under that host and port."""


class Locator(Protocol):
    """RFC 3263: from a URI to the hops to try in order. Both raise LocateError."""

    def locate_now(self, uri: SipUri, *, now: float) -> list[Hop] | None:
        """The hops if no DNS answer has to be waited for, else None."""

    async def locate(self, uri: SipUri, *, now: float) -> list[Hop]:
        """The hops in the order of trying."""

    def failed(self, hop: Hop, *, now: float) -> None:
        """A hop did not serve: later requests may try it last for a while."""


class TimerHandle(Protocol):
    """What the clock gives for an armed timer."""

    def cancel(self) -> None:
        """Do not call back."""


class Clock(Protocol):
    """The two methods of an event loop that the core uses."""

    def time(self) -> float:
        """Monotonic seconds, the same ones that `now` carries everywhere."""

    def call_at(self, when: float, callback: Callable[[], None]) -> TimerHandle:
        """Call back once at that instant."""


class Observer(Protocol):
    """Is told what happens to requests; must not raise and must not wait."""

    def relayed(self, call: RequestContext, *, now: float) -> None:
        """A request was set on its way to its targets."""

    def ringing(self, call: RequestContext, status: int, *, now: float) -> None:
        """A provisional response to an INVITE, other than 100, went upstream."""

    def answered(self, call: RequestContext, response: Response, *, now: float) -> None:
        """A final response went upstream: a forwarded one or our own."""


class ProxyCore(Protocol):
    """What stands behind a RequestContext's own methods."""

    def reply(
        self,
        call: RequestContext,
        status: int,
        reason: bytes | None,
        headers: HeaderPairs,
        body: bytes,
    ) -> None:
        """Answer the request."""

    def relay(self, call: RequestContext) -> None:
        """Set the request on its way."""

    def open_own_entries(self, call: RequestContext, names_us: Callable[[Uri], bool]) -> None:
        """Open and take off the Route entries that are ours."""

    @property
    def is_full(self) -> bool:
        """Whether there are more server transactions than a node should have."""

    def has_passed(self, call: RequestContext) -> bool:
        """Whether the request has come through another node of the cluster."""
