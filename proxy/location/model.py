"""A binding: one registered contact of an address of record (RFC 3261 s10, RFC 5626)."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.sip.uri import Aor


@dataclass(frozen=True, slots=True)
class Binding:
    """One registered contact. Instants are wall-clock seconds since the epoch."""

    binding_id: str
    """Same for the same (AOR, contact), or (AOR, instance, reg-id) with outbound, on any node."""
    aor: Aor
    domain_id: int
    subscriber_id: int | None
    contact: bytes
    """The Contact URI as registered."""
    contact_key: bytes
    """What tells this contact from the others of its AOR."""
    instance: bytes | None
    reg_id: int | None
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
    gruu: bytes | None
    registered_at: float

    def leads_elsewhere(self, other: Binding) -> bool:
        """Whether calls would go another way than by `other`: more than a refresh."""
        return (
            self.contact != other.contact
            or self.flow_token != other.flow_token
            or self.path != other.path
            or self.node_id != other.node_id
            or self.q != other.q
            or self.methods != other.methods
        )
