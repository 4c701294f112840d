"""The addresses of this machine that we serve, by the settings."""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from proxy.settings import ProxySettings

_AUTO: Final = "auto"


class AddressError(Exception):
    """The setting names something that is no address."""


def local_addresses(settings: ProxySettings) -> list[str]:
    """The addresses to listen on: `auto` means all of this machine that are up, a wildcard
    (0.0.0.0 or ::) all of its family; IPv6 link-local ones are left out of both.

    Every listener has an address of its own, so that answers leave from where they were asked.
    Raises AddressError.
    """
    found: list[str] = []
    for text in settings.addresses:
        if text == _AUTO:
            found += _of_this_machine()
            continue
        address = canonical(text)
        if address is None:
            raise AddressError(f"FEDSIP_SIP_ADDRESSES: {text!r} is no IP address.")
        if ip_address(address).is_unspecified:
            is_ipv6 = ":" in address
            found += [one for one in _of_this_machine() if (":" in one) == is_ipv6]
        else:
            found.append(address)
    return [
        address
        for address in dict.fromkeys(found)
        if (settings.ipv6 if ":" in address else settings.ipv4)
    ]


def is_chosen_by_us(settings: ProxySettings, address: str) -> bool:
    """Whether the address was found on the machine rather than named in the settings."""
    return address not in {canonical(text) for text in settings.addresses if text != _AUTO}


def canonical(text: str) -> str | None:
    """An IP literal, with or without brackets, in its one spelling; None for anything else."""
    return _canonical(text) if len(text) <= _LONGEST_LITERAL else None


_LONGEST_LITERAL: Final = 64  # characters: an IPv6 address with brackets and scope


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str | None:
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def _of_this_machine() -> list[str]:
    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    addresses = [
        canonical(one.address)
        for name, on_interface in psutil.net_if_addrs().items()
        if name in up
        for one in on_interface
        if one.family in (socket.AF_INET, socket.AF_INET6) and "%" not in one.address
    ]
    return [text for text in addresses if text and not ip_address(text).is_link_local]
