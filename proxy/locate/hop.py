"""One place to send a request to: what locating a server comes down to (RFC 3263 s4)."""

from __future__ import annotations

from dataclasses import dataclass


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
