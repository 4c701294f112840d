"""Where a request comes from, as far as it can be believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from django.http import HttpRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def of_request(request: HttpRequest) -> str:
    """The key under which guesses and requests of one source are counted.

    The address itself for IPv4; the network of 64 bits for IPv6, since whoever has one address of
    it has them all. The address is that of the connection, or the one that a trusted proxy reports
    (TrustedProxies), never one that a stranger wrote into a header.
    """
    text = request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 - a unix socket has none
    return counted_as(text)


def counted_as(text: str) -> str:
    """The counting key of one address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "0.0.0.0"  # noqa: S104 - all that is unreadable counts together
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


def believed(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """The client's address: walk X-Forwarded-For from its end while the reporter is trusted."""
    client = peer
    for reported in reversed(forwarded_for):
        if not is_in(client, trusted):
            break
        client = reported
    return client


def is_in(text: str, networks: Sequence[Network]) -> bool:
    """Whether the address lies in one of the networks."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks if network.version == address.version)
