"""A node: everything that routing steps work with, handed to each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from proxy.core.protocols import Locator, Transport
from proxy.sip.digest import NonceCounts
from proxy.sip.uri import SipUri, Uri

if TYPE_CHECKING:
    from proxy.directory.store import Directory
    from proxy.location.flows import FlowBindings
    from proxy.location.store import Bindings
    from proxy.observe.blocks import Blocks
    from proxy.observe.calls import Calls
    from proxy.observe.heartbeat import Peer
    from proxy.observe.platform_use import PlatformUse
    from proxy.observe.refusals import Refusals
    from proxy.relay.interfaces import Interfaces
    from proxy.relay.pool import RelayPool
    from proxy.routing.call_rates import CallRates
    from proxy.routing.carrier_accounts import CarrierAccounts
    from proxy.routing.contact_checks import ContactChecks
    from proxy.routing.media import Sessions
    from proxy.routing.screen import Floods
    from proxy.settings import ProxySettings
    from proxy.transport.flow import Flow
    from proxy.transport.flow_token import Side, Tokens


class NodeTransport(Transport, Protocol):
    """What routing asks of transport beside what the core does."""

    def keep_alive(self, flow: Flow, on: bool) -> None:
        """Ping the flow, or no longer."""

    def is_verified(self, flow: Flow, domain: bytes) -> bool:
        """Whether the far end of a connection has proved to speak for a domain (RFC 5922)."""

    def proved(self, flow: Flow) -> Sequence[bytes]:
        """The domains for which it has."""


class NodeLocator(Locator, Protocol):
    """What routing asks of the DNS beside what the core does."""

    async def enum(self, number: str, roots: Sequence[str]) -> list[SipUri]:
        """What ENUM has for a number (RFC 6116)."""


@dataclass(slots=True)
class Node:
    """One proxy process."""

    settings: ProxySettings
    directory: Directory
    bindings: Bindings
    transport: NodeTransport
    locator: NodeLocator
    tokens: Tokens
    relays: RelayPool
    floods: Floods
    sessions: Sessions
    calls: Calls
    secret: bytes
    """Key of nonces; all nodes of the cluster share it."""
    wall: Callable[[], float]
    """Seconds since the epoch."""
    nonce_counts: NonceCounts
    opened: dict[bytes, Side]
    """Binding tokens that were opened before."""
    peers: dict[bytes, Peer]
    """The other living nodes, by id; the heartbeat keeps it."""
    flows: FlowBindings
    """What hangs on each connection."""
    digest_algorithms: tuple[bytes, ...]
    """As challenges offer them, in order."""
    scanner_prefixes: tuple[bytes, ...]
    """Lower-case beginnings of User-Agent."""
    call_rates: CallRates
    """Calls a minute with other domains."""
    tenant_rates: CallRates
    """Calls a second of each tenant."""
    platform_use: PlatformUse
    """What tenants use at the other nodes; the heartbeat keeps it."""
    denied_peers: frozenset[bytes]
    """Domains with which nobody here has calls, as patterns."""
    accounts: CarrierAccounts
    """What carriers have asked of us."""
    dead_gateways: set[int]
    """Gateways of trunks that do not answer OPTIONS; gateway_checks.py keeps it."""
    refusals: Refusals
    """What was refused to whom, for tenants to see."""
    blocks: Blocks
    interfaces: Interfaces
    """Of relays, by the network of who talks there."""
    checks: ContactChecks
    random: Callable[[], float]
    """A number in [0, 1)."""

    @property
    def node_id(self) -> bytes:
        return self.settings.node_id.encode()

    def is_local(self, uri: Uri) -> bool:
        """Whether a URI is addressed to one of our domains, or to this node itself."""
        if not isinstance(uri, SipUri):
            return False
        host = uri.host.lower().rstrip(b".")
        return self.directory.domain(host) is not None or self.transport.is_own(host, uri.port)
