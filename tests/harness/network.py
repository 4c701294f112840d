"""A network in memory: flows between a node's core and phones, over any protocol and family.

Nothing is sent anywhere: what the node sends stands in a phone's inbox at once, except what the
network is told to lose. Connections are opened, refused and broken by word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from proxy.core.protocols import Observer, TransactionUser
from proxy.core.transaction_layer import CoreSettings, TransactionLayer
from proxy.locate.hop import Hop
from proxy.locate.inside import Guard
from proxy.locate.rfc3263 import LocateError
from proxy.sip.codec import check, parse, serialise
from proxy.sip.errors import ParseError
from proxy.sip.fields import Via
from proxy.sip.message import Request, Response
from proxy.sip.uri import SipUri
from proxy.transport.flow import Address, Flow, FlowFailed
from proxy.transport.flow_token import Tokens

from .clock import Clock

Message = Request | Response
PROXY4 = "198.51.100.1"
PROXY6 = "2001:db8::1"
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 8080, "wss": 8443}


class Phone:
    """A user agent at an address; `flow` is its flow as the node sees it."""

    def __init__(self, network: Network, protocol: str, address: Address) -> None:
        self._network = network
        self.protocol = protocol
        self.address = address
        self.inbox: list[Message] = []
        self.flow = network.flow(protocol, address)
        network.phones[protocol, address] = self

    @property
    def via(self) -> bytes:
        """The start of its own Via values."""
        host = f"[{self.address[0]}]" if ":" in self.address[0] else self.address[0]
        return f"SIP/2.0/{self.protocol.upper()} {host}:{self.address[1]}".encode()

    def send(self, message: Message) -> None:
        """Send to the node."""
        self._network.carry_to_node(serialise(message), self.flow)

    def take(self) -> Message:
        """The oldest message not taken yet."""
        assert self.inbox, "nothing was received"
        return self.inbox.pop(0)

    def take_request(self, method: bytes) -> Request:
        """The oldest message, which must be that request."""
        message = self.take()
        assert isinstance(message, Request), f"a response {message.status} instead of {method!r}"
        assert message.method == method
        return message

    def take_response(self, status: int) -> Response:
        """The oldest message, which must be that response."""
        message = self.take()
        assert isinstance(message, Response), f"a request {message.method!r} instead of {status}"
        assert message.status == status, f"{message.status} instead of {status}"
        return message

    def take_nothing(self) -> None:
        """Nothing was received since the last message taken."""
        assert not self.inbox, [
            message.method if isinstance(message, Request) else message.status
            for message in self.inbox
        ]


class Network:
    """What proxy.core.protocols.Transport and Locator want, in memory."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.phones: dict[tuple[str, Address], Phone] = {}
        self.receive: Callable[[Message, Flow, float], None] | None = None
        self.loses: Callable[[bytes, Flow], bool] = lambda data, flow: False
        self.sent: list[tuple[bytes, Flow]] = []
        self.opened: list[Hop] = []
        self.located: list[SipUri] = []
        self.failed_hops: list[Hop] = []
        self.refused: set[tuple[str, str, int]] = set()
        self.zones: dict[bytes, list[Hop]] = {}  # host -> hops, for names
        self.slow_names: dict[bytes, list[Hop]] = {}  # the same, but an answer must be awaited
        self.guard = Guard(("auto",))  # of a public host, as the node's addresses say
        places = [(host, port) for host in (PROXY4, PROXY6) for port in PORTS.values()]
        self.guard.listens_at((host, host, port) for host, port in places)
        self.certificates: dict[Flow, tuple[bytes, ...]] = {}  # whom the far sides speak for
        self._dead: set[Flow] = set()
        self._connections: dict[tuple[str, Address], Flow] = {}
        self._ids = count(1)
        self._looped: list[tuple[bytes, Flow]] = []  # from the node to itself
        self._is_carrying = False
        self.malformed = 0

    def flow(self, protocol: str, address: Address) -> Flow:
        """The flow between the node and an address; connections are made and kept."""
        local = (PROXY6 if ":" in address[0] else PROXY4, PORTS[protocol])
        if protocol == "udp":
            return Flow(protocol, local, address, 0)
        known = self._connections.get((protocol, address))
        if known is None:
            known = Flow(protocol, local, address, next(self._ids))
            self._connections[protocol, address] = known
        return known

    def break_flow(self, flow: Flow) -> None:
        """End a connection; whoever sends on it learns that."""
        self._dead.add(flow)
        if self._connections.get((flow.protocol, flow.remote)) == flow:
            del self._connections[flow.protocol, flow.remote]

    def carry_to_node(self, data: bytes, flow: Flow) -> None:
        """A datagram or framed message arrives at the node, after those that are on their way."""
        self._looped.append((data, flow))
        if self._is_carrying:
            return
        self._is_carrying = True
        try:
            while self._looped:
                self._deliver(*self._looped.pop(0))
        finally:
            self._is_carrying = False

    def _deliver(self, data: bytes, flow: Flow) -> None:
        if self.loses(data, flow):
            return
        try:
            message = parse(data)
            check(message)
            if isinstance(message, Request):  # s18.2.1, RFC 3581
                via = message.via.with_param(b"received", flow.remote[0].encode())
                via = via.with_param(b"rport", b"%d" % flow.remote[1])
                message.headers.replace_first_value(b"via", via.serialise())
        except ParseError:
            self.malformed += 1
            return
        assert self.receive is not None
        self.receive(message, flow, self.clock.time())

    # Transport

    def send(self, data: bytes, flow: Flow) -> None:
        if flow in self._dead:
            raise FlowFailed("connection is closed")
        self.sent.append((data, flow))
        phone = self.phones.get((flow.protocol, flow.remote))
        if phone is not None:
            if not self.loses(data, flow):
                phone.inbox.append(parse(data))
        elif flow.remote[0] in (PROXY4, PROXY6):
            self.carry_to_node(data, Flow(flow.protocol, flow.remote, flow.local, 0))

    def flow_for_hop(self, hop: Hop) -> Flow | None:
        if hop.transport == "udp":
            return self.flow("udp", (hop.address, hop.port))
        return self._connections.get((hop.transport, (hop.address, hop.port)))

    async def open(self, hop: Hop, *, now: float) -> Flow:
        self.opened.append(hop)
        if (hop.transport, hop.address, hop.port) in self.refused:
            raise FlowFailed("connection refused")
        return self.flow(hop.transport, (hop.address, hop.port))

    def reply_flow(self, via: Via, arrived: Flow) -> Flow | Hop:
        if arrived in self._dead:
            address = (via.param(b"received") or via.host).decode()
            return Hop(arrived.protocol, address, via.port or 5060, None)
        return arrived

    def live_flow(self, flow: Flow) -> Flow | None:
        if not flow.connection_id:
            return flow
        for known in self._connections.values():
            if known.connection_id == flow.connection_id:
                return known
        return None

    def is_verified(self, flow: Flow, domain: bytes) -> bool:
        return domain in self.proved(flow)

    def proved(self, flow: Flow) -> Sequence[bytes]:
        return self.certificates.get(flow, ())

    def advertised(self, flow: Flow) -> tuple[bytes, int]:
        host = flow.local[0]
        return (b"[%b]" % host.encode() if ":" in host else host.encode()), flow.local[1]

    def serves_both_ways(self, flow: Flow) -> bool:
        return bool(self.certificates.get(flow))

    def is_own(self, host: bytes, port: int | None) -> bool:
        return host.strip(b"[]").decode() in (PROXY4, PROXY6) and port in (None, *PORTS.values())

    # Locator

    def locate_now(self, uri: SipUri, *, now: float) -> list[Hop] | None:
        if uri.host in self.slow_names:
            return None
        return self._hops(uri, self.zones)

    async def locate(self, uri: SipUri, *, now: float) -> list[Hop]:
        return self._hops(uri, self.slow_names)

    def failed(self, hop: Hop, *, now: float) -> None:
        self.failed_hops.append(hop)

    def _hops(self, uri: SipUri, zones: dict[bytes, list[Hop]]) -> list[Hop]:
        return self.guard.permitted(self._located(uri, zones))

    def _located(self, uri: SipUri, zones: dict[bytes, list[Hop]]) -> list[Hop]:
        self.located.append(uri)
        hops = zones.get(uri.host)
        if hops is not None:
            return hops
        host = uri.host_text
        if not host.replace(".", "").isdigit() and ":" not in host:
            raise LocateError(f"no address for {host}")
        transport = (uri.transport or (b"tls" if uri.is_sips else b"udp")).decode()
        return [Hop(transport, host, uri.port or PORTS[transport], None)]


class Node:
    """A core on a network, with a transaction user of the test's own."""

    def __init__(
        self, user: TransactionUser, observer: Observer | None = None, **settings: Any
    ) -> None:
        self.clock = Clock()
        self.network = Network(self.clock)
        self.tokens = Tokens(b"k" * 32, b"boot")
        self.layer = TransactionLayer(
            self.network,
            self.network,
            self.tokens,
            self.clock,
            user,
            CoreSettings(secret=b"s" * 32, **settings),
            observer,
        )
        self.network.receive = self.layer.received

    def phone(self, protocol: str, host: str, port: int = 5060) -> Phone:
        """A phone at an address."""
        return Phone(self.network, protocol, (host, port))
