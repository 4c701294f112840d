"""A binding: one registered contact of an address of record (RFC 3261 s10, RFC 5626)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from proxy.sip.uri import Aor, SipUri, parse_uri, unescape

from .gruu import public_gruu

Value = TypeVar("Value", bound=Hashable)


@dataclass(slots=True, unsafe_hash=True)  # frozen, making one would take 10 µs and not 3
class Binding:
    """One registered contact; never changed, but replaced. Instants are seconds since the epoch."""

    binding_id: str
    """Same for the same (AOR, contact), or (AOR, instance, reg-id) with outbound, on any node."""
    aor: Aor
    domain_id: int
    subscriber_id: int | None
    contact: bytes
    """The Contact URI as registered."""
    instance: bytes | None
    """+sip.instance without its <>."""
    reg_id: int | None
    """Only with outbound (RFC 5626)."""
    q: int
    """0..1000."""
    expires_at: float
    path: tuple[bytes, ...]
    """Path values as received; ours is not among them."""
    flow_token: bytes | None
    """Names the flow that reaches it; None when the contact's URI is located."""
    node_id: bytes
    """The node that holds the flow."""
    protocol: str
    received: bytes
    """ip:port that the REGISTER came from."""
    nat: bool
    family: int
    call_id: bytes
    cseq: int
    user_agent: bytes
    methods: bytes
    """Methods the contact allows, comma-separated; b"" for no statement."""
    registered_at: float
    """Since when calls go this way."""

    @property
    def contact_key(self) -> bytes:
        """What tells this contact from the others of its AOR."""
        uri = parse_uri(self.contact)
        assert isinstance(uri, SipUri)  # noqa: S101 -- no other is registered
        return contact_key(uri, self.instance, self.reg_id)

    @property
    def gruu(self) -> bytes | None:
        """The public GRUU (RFC 5627)."""
        return None if self.instance is None else public_gruu(self.aor, self.instance)

    def leads_elsewhere(self, other: Binding) -> bool:
        """Whether calls would go another way than by `other`: more than a refresh."""
        return (
            self.contact != other.contact
            or self.flow_token != other.flow_token
            or self.path != other.path
            or self.node_id != other.node_id
            or self.q != other.q
            or self.methods != other.methods
            or self.instance != other.instance
            or self.reg_id != other.reg_id
        )


def contact_key(uri: SipUri, instance: bytes | None, reg_id: int | None) -> bytes:
    """Instance and reg-id with outbound (RFC 5626 s6), else the URI in one spelling (s19.1.4)."""
    if instance is not None and reg_id is not None:
        return b"%b;%d" % (instance, reg_id)
    port = b"" if uri.port is None else b":%d" % uri.port
    params = b"".join(
        b";%b=%b" % (name, unescape(value).lower()) for name, value in sorted(uri.params)
    )
    return b"%b:%b@%b%b%b" % (uri.scheme, uri.user or b"", uri.host.lower(), port, params)


@lru_cache(maxsize=8192)
def shared(value: Value) -> Value:
    """One object for all equal values: user agents, nodes and domains are few, bindings many."""
    return value
