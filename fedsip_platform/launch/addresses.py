"""Addresses and names of this machine, as phones and browsers can use them."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import re
import socket
import struct
from pathlib import Path

# Documentation addresses (RFC 5737, RFC 3849): connecting a UDP socket sends nothing, it only makes
# the kernel choose the source address of its default route.
_FAR = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")


def primary(family: socket.AddressFamily = socket.AF_INET) -> str | None:
    """The address from which this machine reaches the world, or None without a route."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_FAR[family], 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def reachable() -> str:
    """The one address to tell a person: IPv4 where there is one."""
    return primary() or primary(socket.AF_INET6) or "127.0.0.1"


def host_name() -> str:
    """The machine's name, qualified if it knows its domain."""
    try:
        return socket.getfqdn().lower().rstrip(".") or socket.gethostname()
    except UnicodeError:  # a label above 63 octets, or none: the kernel takes it, the DNS does not
        return socket.gethostname()


def is_host(text: str) -> bool:
    """Whether this can be the host of an address: a name in ASCII, or an IP address."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(text)
        return True
    return _NAME.fullmatch(text) is not None


def has_ipv6() -> bool:
    """Whether the kernel speaks IPv6 at all."""
    return any(":" in address for address in local())


def local() -> list[str]:
    """Every address of every interface, without scopes; loopback first."""
    found = {"127.0.0.1"}
    for _, name in socket.if_nameindex():
        with contextlib.suppress(OSError):  # an interface without an IPv4 address
            found.add(_interface_ipv4(name))
    with contextlib.suppress(OSError):  # a kernel without IPv6
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            address = ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))
            if not address.is_link_local:
                found.add(str(address))
    return sorted(found, key=lambda text: (not ipaddress.ip_address(text).is_loopback, text))


def _interface_ipv4(name: str) -> str:
    siocgifaddr = 0x8915
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("256s", name.encode()[:15])
        return socket.inet_ntoa(fcntl.ioctl(probe.fileno(), siocgifaddr, request)[20:24])
