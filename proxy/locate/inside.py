"""Addresses that are not of the internet, and which of them requests may be sent to. Pure.

Users and strangers choose where requests go: by the address that they call, by Contact, Route and
Path, by what their DNS says. None of that may make the platform talk to what only it can reach: its
own services, the machines beside it, the metadata of its cloud. So each hop that was located
is judged here by its address, in whatever spelling or name it was written:

    nobody, multicast, metadata        never (media/ng/inner.py has the kinds)
    loopback, link_local, private      where the networks have it
    ours                               this node's own addresses, whatever they are: the same

At none of them a port of the platform's own services is sent to. The node's own listeners are
always reached. `auto` as the networks allows the addresses of the kind at which the node itself is
reached: loopback where it has nothing else, private ones where none of its addresses is public.

A flow is not judged: whoever is at its other end has come from there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from media.ng.inner import (
    LINK_LOCAL,
    LOOPBACK,
    METADATA,
    MULTICAST,
    NEVER,
    NOBODY,
    PRIVATE,
    Network,
    is_within,
    kind_of,
)

from .hop import Hop
from .rfc3263 import LocateError

__all__ = ["Guard", "InnerAddress", "kind_of"]

AUTO: Final = "auto"
OURS: Final = "ours"
_SAID: Final = {
    NOBODY: "is nobody's address",
    MULTICAST: "is a multicast address",
    METADATA: "is where clouds keep secrets of their machines",
    LOOPBACK: "is this machine itself",
    LINK_LOCAL: "is an address of the local link",
    PRIVATE: "is an address of a private network",
    OURS: "is an address of this node",
}
_WELL_KNOWN_SERVICES: Final = (25, 4369, 5432, 5672, 6379, 25672)
"""Mail, PostgreSQL, RabbitMQ and Redis."""


class InnerAddress(LocateError):
    """A URI leads to addresses alone that requests are not sent to; the message says which."""


class Guard:
    """Judges hops. `networks` are CIDRs to which requests may be sent though they are not of the
    internet, or `auto`; `service_ports` are never sent to within them."""

    __slots__ = ("_kinds", "_listeners", "_networks", "_own", "_service_ports", "is_auto")

    def __init__(self, networks: Sequence[str], service_ports: Collection[int] = ()) -> None:
        self.is_auto = AUTO in networks
        self._networks: tuple[Network, ...] = tuple(
            [ip_network(text, strict=False) for text in networks if text != AUTO]
        )
        self._service_ports = frozenset((*_WELL_KNOWN_SERVICES, *service_ports))
        self._own: tuple[Network, ...] = ()
        self._listeners: frozenset[tuple[str, int]] = frozenset()
        self._kinds: tuple[str, ...] = ()

    def listens_at(self, listeners: Iterable[tuple[str, str, int]]) -> None:
        """The listeners of this node: address, host as others reach it, port."""
        own: set[str] = set()
        places: set[tuple[str, int]] = set()
        kinds: set[str] = set()
        for address, host, port in listeners:
            for text in (address, host.strip("[]")):
                literal = _literal(text)
                kinds.add(kind_of(literal) if literal else "")  # a name is taken for public
                if literal:
                    own.add(literal)
                    places.add((literal, port))
        self._own = tuple([ip_network(text) for text in own])
        self._listeners = frozenset(places)
        self._kinds = _allowed_kinds(kinds) if self.is_auto else ()

    def permitted(self, hops: list[Hop]) -> list[Hop]:
        """Those that may be sent to; raises InnerAddress when there are none."""
        refusal = ""
        found = []
        for hop in hops:
            why = self.why_not(hop.address, hop.port)
            if not why:
                found.append(hop)
            refusal = refusal or why
        if refusal and not found:
            raise InnerAddress(refusal)
        return found if refusal else hops

    def why_not(self, address: str, port: int) -> str:
        """Why nothing is sent to an address; "" when it may be."""
        kind = kind_of(address)
        if not kind:
            if not is_within(address, self._own):
                return ""
            kind = OURS
        if (address, port) in self._listeners:
            return ""
        said = f"{address} {_SAID[kind]}"
        if kind in NEVER:
            return said
        if port in self._service_ports:
            return f"port {port} of {address} is no telephone's"
        if kind in self._kinds or is_within(address, self._networks):
            return ""
        return said


def _allowed_kinds(kinds: set[str]) -> tuple[str, ...]:
    """The kinds that `auto` allows, given those of the node's own addresses."""
    if not kinds or "" in kinds:
        return ()
    return (LOOPBACK,) if kinds == {LOOPBACK} else (PRIVATE,)


def _literal(text: str) -> str:
    """An address in its one spelling; "" for a name."""
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
