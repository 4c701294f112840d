"""Asks the gateways of trunks whether they are there, by OPTIONS (RFC 3261 s11).

Each node asks for itself: a gateway may be reached from one and not from another. Any answer but
503 will do; 408 is silence. Those that are dead are tried last (trunks.py), and asked on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.core.own_requests import NO_ANSWER, outside_dialog
from proxy.directory.leading import uri_at
from proxy.sip.uri import SipUri

if TYPE_CHECKING:
    from proxy.core.own_requests import OwnRequests
    from proxy.directory.model import Gateway
    from proxy.node import Node

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """How this node finds a gateway. Times are seconds since the epoch."""

    gateway_id: int
    is_alive: bool
    status: int
    round_trip_ms: int
    checked_at: float
    changed_at: float


class GatewayChecks:
    """When each gateway is asked again, and what came of it."""

    __slots__ = ("_due", "states")

    def __init__(self) -> None:
        self._due: dict[int, float] = {}
        self.states: dict[int, Health] = {}

    def tick(self, node: Node, own_requests: OwnRequests) -> None:
        """Ask those whose time it is; forget those that are gone. Called about once a second."""
        routes, now = node.directory.routes, node.wall()
        asked = set()
        for gateway in list(routes.gateways.all()):
            trunk = routes.trunks.get(gateway.trunk_id)
            if trunk is None or not trunk.options_seconds:
                continue
            asked.add(gateway.gateway_id)
            if now < self._due.get(gateway.gateway_id, 0.0):
                continue
            self._due[gateway.gateway_id] = now + trunk.options_seconds
            domain = node.directory.domain_by_id(trunk.domain_id)
            if domain is not None:
                self._ask(gateway, domain.name, node, own_requests)
        for gone in self._due.keys() - asked:
            del self._due[gone]
            self.states.pop(gone, None)
            node.dead_gateways.discard(gone)

    def _ask(self, gateway: Gateway, own: bytes, node: Node, own_requests: OwnRequests) -> None:
        uri = uri_at(gateway, SipUri(b"sip", None, gateway.host))
        request = outside_dialog(
            b"OPTIONS",
            uri,
            from_=b"sip:" + own,
            to=uri.serialise(),
            extra=((b"accept", b"application/sdp"),),
        )
        began = node.wall()
        own_requests.send(
            request, None, lambda status, _: self._heard(gateway, status, began, node)
        )

    def _heard(self, gateway: Gateway, status: int, began: float, node: Node) -> None:
        number = gateway.gateway_id
        if number not in self._due:
            return  # deleted meanwhile
        now, known = node.wall(), self.states.get(number)
        is_alive = status not in NO_ANSWER
        has_changed = known is None or known.is_alive != is_alive
        changed_at = now if known is None or has_changed else known.changed_at
        round_trip_ms = round((now - began) * 1000)
        self.states[number] = Health(number, is_alive, status, round_trip_ms, now, changed_at)
        (node.dead_gateways.discard if is_alive else node.dead_gateways.add)(number)
        if has_changed:
            log.info(
                "gateway %s gateway=%d host=%s status=%d",
                "lives" if is_alive else "is dead",
                number,
                gateway.host.decode(errors="replace"),
                status,
            )
