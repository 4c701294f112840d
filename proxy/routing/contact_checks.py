"""Asks phones behind a NAT over UDP whether they are still there, by OPTIONS (RFC 3261 s11).

Keep-alive pings hold the NAT open and ask for no answer; a phone that was unplugged would stay
registered until it expires, and calls to it would ring nowhere. Each such contact is asked once an
interval, spread evenly over it, so that a hundred thousand of them are some hundreds a second. Any
answer will do. One that does not answer (Timer F: eleven requests in 32 s) is signed out, if it has
ever answered: some phones never do.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from proxy.core.own_requests import NO_ANSWER, outside_dialog
from proxy.sip.errors import ParseError
from proxy.sip.uri import parse_uri

if TYPE_CHECKING:
    from proxy.core.own_requests import OwnRequests
    from proxy.location.model import Binding
    from proxy.node import Node
    from proxy.sip.uri import Aor

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 1.0


class ContactChecks:
    """The contacts that are asked, in buckets of one second each."""

    __slots__ = ("_answered", "_bucket_of", "_buckets", "_next", "dropped")

    def __init__(self, interval_seconds: float) -> None:
        count = max(1, round(interval_seconds / TICK_SECONDS))
        self._buckets: list[dict[str, Aor]] = [{} for _ in range(count)]
        self._bucket_of: dict[str, int] = {}
        self._answered: set[str] = set()
        self._next = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._bucket_of)

    def watch(self, aor: Aor, binding_id: str) -> None:
        """Ask a contact from now on."""
        if binding_id not in self._bucket_of:
            bucket = (self._next + len(self._bucket_of)) % len(self._buckets)
            self._bucket_of[binding_id] = bucket
            self._buckets[bucket][binding_id] = aor

    def leave(self, binding_id: str) -> None:
        """Ask it no more."""
        bucket = self._bucket_of.pop(binding_id, None)
        if bucket is not None:
            del self._buckets[bucket][binding_id]
            self._answered.discard(binding_id)

    def tick(self, node: Node, own_requests: OwnRequests) -> None:
        """Ask those whose second it is."""
        at = self._next
        self._next = (at + 1) % len(self._buckets)
        for binding_id, aor in list(self._buckets[at].items()):
            binding = node.bindings.get(aor, binding_id)
            if binding is None:
                self.leave(binding_id)
            else:
                self._ask(binding, node, own_requests)

    def _ask(self, binding: Binding, node: Node, own_requests: OwnRequests) -> None:
        side = node.tokens.open(binding.flow_token or b"", binding.aor)
        flow = None if side is None or side.flow is None else node.transport.live_flow(side.flow)
        if flow is None:
            return
        host, port = node.transport.advertised(flow)
        own = b"sip:%b:%d" % (host, port)
        try:
            contact = parse_uri(binding.contact)
        except ParseError:
            return  # nothing that could be asked
        request = outside_dialog(
            b"OPTIONS",
            contact,
            from_=own,
            to=b"sip:" + binding.aor,
            extra=((b"contact", b"<%b>" % own),),
        )
        own_requests.send(request, flow, lambda status, _: self._heard(binding, status, node))

    def _heard(self, binding: Binding, status: int, node: Node) -> None:
        if status not in NO_ANSWER:
            if binding.binding_id in self._bucket_of:
                self._answered.add(binding.binding_id)
            return
        held = node.bindings.get(binding.aor, binding.binding_id)
        if held != binding or binding.binding_id not in self._answered:
            return  # it has registered again meanwhile, or never answered
        self.dropped += 1
        node.bindings.drop_silent(binding)
        log.info(
            "registration dropped, its phone is silent aor=%s contact=%s",
            binding.aor.decode("utf-8", "replace"),
            binding.contact.decode("utf-8", "replace"),
        )
