"""Aliases, forwards, ring groups, trunks and outbound policies in memory, looked up in O(1).

A part of the directory (store.py), changed by the loop's thread alone. Rows are kept by number, and
found by what calls know of them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, TypeVar

from proxy.sip.uri import Aor

from .model import Alias, Forward, Gateway, OutboundPolicy, RingGroup, Trunk

Row = TypeVar("Row")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NO_ROWS: Final = ()


class Table(Generic[Row]):
    """Rows by number, found by any of their keys."""

    __slots__ = ("_found", "_keys", "_number", "_rows")

    def __init__(
        self, number: Callable[[Row], int], keys: Callable[[Row], Iterable[object]]
    ) -> None:
        self._number = number
        self._keys = keys
        self._rows: dict[int, Row] = {}
        self._found: dict[object, tuple[Row, ...]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, number: int) -> Row | None:
        return self._rows.get(number)

    def all(self) -> Iterable[Row]:
        return self._rows.values()

    def find(self, key: object) -> tuple[Row, ...]:
        """The rows under a key, none for most."""
        return self._found.get(key, NO_ROWS)

    def put(self, rows: Iterable[Row], gone: Iterable[int] = ()) -> None:
        """Change rows; numbers that are named without a row were deleted."""
        for number in gone:
            self._forget(number)
        for row in rows:
            number = self._number(row)
            self._forget(number)
            self._rows[number] = row
            for key in self._keys(row):
                self._found[key] = (*self._found.get(key, NO_ROWS), row)

    def _forget(self, number: int) -> None:
        old = self._rows.pop(number, None)
        if old is None:
            return
        for key in self._keys(old):
            left = tuple(row for row in self._found[key] if row is not old)
            if left:
                self._found[key] = left
            else:
                del self._found[key]


class Routes:
    """What tenants say about where calls go, beside their rules."""

    __slots__ = ("aliases", "forwards", "gateways", "groups", "policies", "tables", "trunks")

    def __init__(self) -> None:
        self.aliases: Table[Alias] = Table(lambda row: row.alias_id, lambda row: (row.aor,))
        self.forwards: Table[Forward] = Table(lambda row: row.forward_id, lambda row: (row.aor,))
        self.groups: Table[RingGroup] = Table(lambda row: row.ring_group_id, lambda row: (row.aor,))
        self.trunks: Table[Trunk] = Table(lambda row: row.trunk_id, _trunk_keys)
        self.gateways: Table[Gateway] = Table(
            lambda row: row.gateway_id, lambda row: (row.trunk_id,)
        )
        self.policies: Table[OutboundPolicy] = Table(
            lambda row: row.policy_id, lambda row: (row.aor or row.domain_id,)
        )
        self.tables: dict[str, Table[Any]] = {
            "alias": self.aliases,
            "forward": self.forwards,
            "ring_group": self.groups,
            "trunk": self.trunks,
            "gateway": self.gateways,
            "outbound_policy": self.policies,
        }

    def alias(self, aor: Aor) -> Alias | None:
        found = self.aliases.find(aor)
        return found[0] if found else None

    def group(self, aor: Aor) -> RingGroup | None:
        found = self.groups.find(aor)
        return found[0] if found else None

    def forwards_of(self, aor: Aor) -> dict[str, Forward]:
        """A user's forwards by their condition."""
        return {forward.condition: forward for forward in self.forwards.find(aor)}

    def trunk(self, domain_id: int, name: bytes) -> Trunk | None:
        found = self.trunks.find((domain_id, name))
        return found[0] if found else None

    def gateways_of(self, trunk: Trunk) -> tuple[Gateway, ...]:
        return self.gateways.find(trunk.trunk_id)

    def registering(self) -> tuple[Trunk, ...]:
        """The trunks whose carriers want us to register."""
        return self.trunks.find(_REGISTERS)

    def policy(self, aor: Aor, domain_id: int) -> OutboundPolicy | None:
        """The user's own policy, else the one of his domain."""
        found = self.policies.find(aor) or self.policies.find(domain_id)
        return found[0] if found else None

    def trunks_from(self, address: str) -> list[Trunk]:
        """The trunks whose carrier calls from this address."""
        found = list(self.trunks.find(address))
        if self.trunks.find(_HAS_NETWORKS):
            for length in range(24, 128):
                if self.trunks.find(length):
                    found += self._trunks_of_network(address, length)
        return found

    def _trunks_of_network(self, address: str, length: int) -> tuple[Trunk, ...]:
        source = ipaddress.ip_address(address)
        if length > source.max_prefixlen:
            return NO_ROWS
        return self.trunks.find(ipaddress.ip_network((source, length), strict=False))

    def trunks_by_tls(self, name: bytes) -> tuple[Trunk, ...]:
        """The trunks whose carrier has this name in its certificate."""
        return self.trunks.find((None, name))


_HAS_NETWORKS: Final = "networks"
_REGISTERS: Final = "registers"


def _trunk_keys(trunk: Trunk) -> set[object]:
    """Its name in the domain, its TLS name, whether we register there, and where it calls from:
    addresses as text; networks as they are, with their length, so that only lengths in use are
    asked for."""
    keys: set[object] = {(trunk.domain_id, trunk.name)}
    for text in trunk.inbound_addresses:
        network = ipaddress.ip_network(text, strict=False)
        if network.num_addresses == 1:
            keys.add(str(network.network_address))
        else:
            keys |= {network, network.prefixlen, _HAS_NETWORKS}
    if trunk.inbound_tls_name:
        keys.add((None, trunk.inbound_tls_name))
    if trunk.registers:
        keys.add(_REGISTERS)
    return keys
