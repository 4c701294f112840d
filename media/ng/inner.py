"""Addresses that are not of the internet, by their kind (RFC 6890). Pure; shared with the proxy.

    nobody       0.0.0.0/8 240.0.0.0/4 ::
    multicast    224.0.0.0/4 ff00::/8
    metadata     169.254.169.254, and what other clouds have
    loopback     127.0.0.0/8 ::1
    link_local   169.254.0.0/16 fe80::/10
    private      RFC 1918, 6598, 2544, fc00::/7

An IPv6 address that holds an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) is judged by
both. The ranges that are kept for documentation lead nowhere, and are no kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Network = IPv4Network | IPv6Network

NOBODY: Final = "nobody"
MULTICAST: Final = "multicast"
METADATA: Final = "metadata"
LOOPBACK: Final = "loopback"
LINK_LOCAL: Final = "link_local"
PRIVATE: Final = "private"
NEVER: Final = (NOBODY, MULTICAST, METADATA)
"""Where nothing is sent, whatever somebody allows."""
_METADATA: Final = frozenset(
    (
        "169.254.169.254",  # AWS, Azure, Google, DigitalOcean, OpenStack, Oracle
        "169.254.170.2",  # AWS ECS
        "168.63.129.16",  # Azure
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google
    )
)
_KINDS_4: Final = tuple(
    (IPv4Network(text), kind)
    for text, kind in (
        ("0.0.0.0/8", NOBODY),
        ("127.0.0.0/8", LOOPBACK),
        ("169.254.0.0/16", LINK_LOCAL),
        ("10.0.0.0/8", PRIVATE),
        ("172.16.0.0/12", PRIVATE),
        ("192.168.0.0/16", PRIVATE),
        ("100.64.0.0/10", PRIVATE),
        ("192.0.0.0/24", PRIVATE),
        ("198.18.0.0/15", PRIVATE),
        ("224.0.0.0/4", MULTICAST),
        ("240.0.0.0/4", NOBODY),
    )
)
_KINDS_6: Final = tuple(
    (IPv6Network(text), kind)
    for text, kind in (
        ("::/128", NOBODY),
        ("::1/128", LOOPBACK),
        ("fe80::/10", LINK_LOCAL),
        ("fc00::/7", PRIVATE),
        ("fec0::/10", PRIVATE),
        ("64:ff9b:1::/48", PRIVATE),
        ("ff00::/8", MULTICAST),
    )
)
# Where in an IPv6 address an IPv4 address stands: how many bits are behind it.
_HOLDS_IPV4: Final = (
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("::ffff:0:0:0/96"), 0),
    (IPv6Network("::/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("2002::/16"), 80),
)
_TEREDO: Final = IPv6Network("2001::/32")
_32_BITS: Final = 0xFFFF_FFFF


@lru_cache(maxsize=100_000)
def kind_of(address: str) -> str:
    """What kind of inner address it is; "" for one of the internet."""
    parsed = ip_address(address.partition("%")[0])
    return next((kind for one in _forms(parsed) if (kind := _kind(one))), "")


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address, or an IPv4 address that it holds, is in one of these networks."""
    if not networks:
        return False
    forms = _forms(ip_address(address.partition("%")[0]))
    return any(one in network for one in forms for network in networks)


def _forms(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, and the IPv4 addresses that it holds."""
    found: list[IPv4Address | IPv6Address] = [address]
    if isinstance(address, IPv6Address):
        number = int(address)
        for network, behind in _HOLDS_IPV4:
            if address in network and number > 1:
                found.append(IPv4Address(number >> behind & _32_BITS))
        if address in _TEREDO:  # RFC 4380 s4: its server, and the client with all bits turned over
            found.append(IPv4Address(number >> 64 & _32_BITS))
            found.append(IPv4Address(number & _32_BITS ^ _32_BITS))
    return found


def _kind(address: IPv4Address | IPv6Address) -> str:
    if str(address) in _METADATA:
        return METADATA
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _KINDS_4 if address in network), "")
    return next((kind for network, kind in _KINDS_6 if address in network), "")
