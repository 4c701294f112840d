"""At which of a relay's interfaces each side has its ports (NG `direction`): by its address. Pure.

The names are the relay's own (FEDSIP_MEDIA_INTERFACES, or rtpengine's `interface`).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from proxy.settings import Network

_MOST_KNOWN: Final = 10_000


class Interfaces:
    """Names of interfaces by network, the narrowest that an address lies in; b"" for the relay's
    own choice."""

    __slots__ = ("_known", "_networks")

    def __init__(self, networks: Sequence[tuple[Network, str]]) -> None:
        self._networks = sorted(networks, key=lambda one: -one[0].prefixlen)
        self._known: dict[str, bytes] = {}

    def name_of(self, address: str) -> bytes:
        """The name for who is at an address; "" is nowhere."""
        if not self._networks or not address:
            return b""
        name = self._known.get(address)
        if name is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            name = self._known[address] = self._find(address)
        return name

    def _find(self, address: str) -> bytes:
        found = ip_address(address.partition("%")[0])
        return next((name.encode() for network, name in self._networks if found in network), b"")
