"""A flow: where a message came from or goes to, in terms of sockets (RFC 5626 s3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.locate.hop import SECURE

Address = tuple[str, int]
"""Host and port: ("192.0.2.1", 5060); IPv6 without brackets and without scope."""

RELIABLE = frozenset(("tcp", "tls", "ws", "wss"))


class FlowFailed(Exception):
    """The flow is gone, or could not be opened; the message says why."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A protocol and both its ends; for connections also which one, so that a new connection
    between the same ends is another flow."""

    protocol: str
    """"udp", "tcp", "tls", "ws" or "wss"."""
    local: Address
    remote: Address
    connection_id: int = 0
    """0 for UDP."""
    tenants: tuple[int, ...] = field(default=(), compare=False)
    """Ids of the tenants that let a browser's page in; none: it may speak to all."""

    @property
    def is_reliable(self) -> bool:
        return self.protocol in RELIABLE

    @property
    def is_secure(self) -> bool:
        return self.protocol in SECURE

    @property
    def is_on_this_machine(self) -> bool:
        """Both ends have one address: a phone beside us."""
        return self.local[0] == self.remote[0]

    @property
    def is_websocket(self) -> bool:
        return self.protocol in ("ws", "wss")

    @property
    def family(self) -> int:
        """Address family of the far end: 4 or 6."""
        return 6 if ":" in self.remote[0] else 4
