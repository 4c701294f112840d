"""One place to send a request to: what locating a server comes down to (RFC 3263 s4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .records import Record, zone_text

Place = tuple[str, str, int]

SECURE: Final = frozenset(("tls", "wss"))
"""Transports that sips may go by."""


@dataclass(frozen=True, slots=True)
class Lead:
    """One answer of the DNS that led to a hop."""

    kind: str
    """"NAPTR", "SRV", "A" or "AAAA"."""
    name: str
    record: Record

    @property
    def text(self) -> str:
        """As a zone file has it."""
        return f"{self.name} {self.kind} {zone_text(self.record)}"


@dataclass(frozen=True, slots=True)
class Hop:
    """Transport, address and port; for TLS the name that the certificate must carry."""

    transport: str
    """"udp", "tcp", "tls", "ws" or "wss"."""
    address: str
    """IP literal, IPv6 without brackets."""
    port: int
    tls_name: str | None = None
    """The domain that was asked for (RFC 5922 s4), not the host that SRV named."""
    is_verified: bool = False
    """Whether the far side's certificate must carry `tls_name`."""
    shown_as: str = ""
    """The domain of ours whose certificate is shown; empty for the node's own."""
    leads: tuple[Lead, ...] = field(default=(), compare=False, repr=False)
    """The answers by which it was found, in the order of asking; none for an IP literal."""

    @property
    def place(self) -> Place:
        """Where it is, whoever asks and whatever is demanded of it."""
        return self.transport, self.address, self.port
