"""Under which hosts and ports others reach our listeners: what we write, and what is ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .addresses import canonical
from .flow import Address, Flow

_MOST_REMEMBERED: Final = 100_000
_DEFAULT_PORTS: Final = (5060, 5061)


@dataclass(frozen=True, slots=True)
class Listener:
    """One address that we serve, and the name under which others reach it."""

    protocol: str
    local: Address
    host: bytes
    """What stands in Via and Record-Route; IPv6 in brackets."""


class OwnNames:
    """All listeners; `advertised_*` is the public address or name behind a 1:1 NAT, or ""."""

    __slots__ = ("_advertised", "_given", "_is_own", "_own", "listeners")

    def __init__(self, *, advertised_ipv4: str, advertised_ipv6: str) -> None:
        self.listeners: list[Listener] = []
        self._given = {4: _as_host(advertised_ipv4), 6: _as_host(advertised_ipv6)}
        self._advertised: dict[tuple[str, Address], tuple[bytes, int]] = {}
        self._own: set[tuple[bytes, int]] = set()
        self._is_own: dict[tuple[bytes, int | None], bool] = {}

    def add(self, protocol: str, local: Address) -> None:
        """One more listener."""
        own = _as_host(local[0])
        host = self._given[6 if ":" in local[0] else 4] or own
        self.listeners.append(Listener(protocol, local, host))
        self._advertised[protocol, local] = (host, local[1])
        self._own |= {(host.lower(), local[1]), (own, local[1])}
        self._is_own.clear()

    def advertised(self, flow: Flow) -> tuple[bytes, int]:
        """Host and port of the flow's listener.

        A connection that we opened has a local port of its own: its listener is the one of the
        same protocol at the same address, or whatever comes nearest to that.
        """
        found = self._advertised.get((flow.protocol, flow.local))
        if found is None:
            found = self._nearest(flow)
            if len(self._advertised) < _MOST_REMEMBERED:
                self._advertised[flow.protocol, flow.local] = found
        return found

    def _nearest(self, flow: Flow) -> tuple[bytes, int]:
        def distance(one: Listener) -> tuple[bool, bool, bool]:
            return (
                (":" in one.local[0]) != (":" in flow.local[0]),
                one.protocol != flow.protocol,
                one.local[0] != flow.local[0],
            )

        nearest = min(self.listeners, key=distance)
        return nearest.host, nearest.local[1]

    def is_own(self, host: bytes, port: int | None) -> bool:
        """Whether one of our listeners is reached under that host and port, in any spelling."""
        known = self._is_own.get((host, port))
        if known is None:
            name = _as_host(host.decode("ascii", "replace"))
            ports = _DEFAULT_PORTS if port is None else (port,)
            known = any((name, one) in self._own for one in ports)
            if len(self._is_own) >= _MOST_REMEMBERED:
                self._is_own.clear()
            self._is_own[host, port] = known
        return known


def _as_host(text: str) -> bytes:
    """Lower-case, one spelling, IPv6 in brackets."""
    address = canonical(text)
    if address is None:
        return text.lower().rstrip(".").encode("ascii", "replace")
    return f"[{address}]".encode() if ":" in address else address.encode()
