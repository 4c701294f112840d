"""Registers with carriers that want it, as a phone does (RFC 3261 s10.2): their calls come to the
Contact that we name there.

The Contact's user part is made of the cluster's key and the trunk, so that nobody but the carrier
has it, and every node and boot has the same: a call to it is the carrier's (trunks.py). Of several
nodes one registers; when it is gone another does, as soon as the heartbeat has noticed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from hashlib import blake2b
from os import urandom
from typing import TYPE_CHECKING, Final

from proxy.core.own_requests import NO_ANSWER, outside_dialog
from proxy.directory.leading import uri_at
from proxy.directory.model import Gateway, Trunk
from proxy.directory.translate import escaped_user
from proxy.sip.errors import ParseError
from proxy.sip.uri import SipUri

if TYPE_CHECKING:
    from proxy.core.own_requests import OwnRequests
    from proxy.node import Node
    from proxy.sip.message import Request, Response

log = logging.getLogger(__name__)

_WANTED: Final = 600
"""Seconds. Long enough to be cheap; short enough that calls come to a node that lives."""
_LONGEST: Final = 86_400
_LEAST: Final = 30
_AFTER_SILENCE: Final = 30.0
_AFTER_REFUSAL: Final = 300.0
_MOST_ATTEMPTS: Final = 4
"""In a row: a challenge, one of an older nonce, an Expires that is too brief."""


@dataclass(frozen=True, slots=True)
class Registered:
    """How it stands with one gateway. Times are seconds since the epoch."""

    gateway_id: int
    status: int
    """Of its last answer; 408: none."""
    reason: str
    until: float
    """When the registration ends; 0.0: there is none."""
    checked_at: float
    changed_at: float
    """Since when it is registered, or is not."""


@dataclass(slots=True)
class _Registration:
    """One gateway's: what the next request has."""

    trunk: Trunk
    gateway: Gateway
    contact: bytes
    call_id: bytes = field(default_factory=lambda: urandom(12).hex().encode())
    number: int = 0
    wanted: int = _WANTED
    due: float = 0.0
    attempts: int = 0
    is_waiting: bool = False


class CarrierRegistrations:
    """When each gateway is registered with again, and what came of it."""

    __slots__ = ("_kept", "states")

    def __init__(self) -> None:
        self._kept: dict[int, _Registration] = {}  # by gateway
        self.states: dict[int, Registered] = {}

    def tick(self, node: Node, own_requests: OwnRequests) -> None:
        """Register where it is time to; end what is not wanted any more. Called once a second."""
        routes, now = node.directory.routes, node.wall()
        wanted = set()
        for trunk in routes.registering():
            domain = node.directory.domain_by_id(trunk.domain_id)
            if domain is None or not domain.enabled or not _is_ours(trunk.trunk_id, node):
                continue
            for gateway in routes.gateways_of(trunk):
                wanted.add(gateway.gateway_id)
                kept = self._kept.get(gateway.gateway_id)
                if kept is None or kept.gateway != gateway or kept.trunk.account != trunk.account:
                    self._end(kept, node, own_requests)
                    contact = node.accounts.contact_user(trunk)
                    kept = self._kept[gateway.gateway_id] = _Registration(trunk, gateway, contact)
                elif kept.trunk is not trunk:  # the password, for one
                    kept.trunk, kept.due = trunk, now
                if now >= kept.due and not kept.is_waiting:
                    kept.attempts = 0
                    self._ask(kept, node, own_requests)
        for gone in self._kept.keys() - wanted:
            self._end(self._kept.pop(gone), node, own_requests)
            self.states.pop(gone, None)

    def _ask(self, kept: _Registration, node: Node, own_requests: OwnRequests) -> None:
        kept.is_waiting = True
        kept.attempts += 1
        request = _register(kept, kept.wanted)
        node.accounts.sign(request, kept.trunk)
        own_requests.send(
            request,
            None,
            lambda status, response: self._heard(kept, status, response, node, own_requests),
            kept.contact,
        )

    def _heard(
        self,
        kept: _Registration,
        status: int,
        response: Response | None,
        node: Node,
        own_requests: OwnRequests,
    ) -> None:
        kept.is_waiting = False
        if self._kept.get(kept.gateway.gateway_id) is not kept:
            return  # ended meanwhile
        if response is not None and self._is_to_be_asked_again(kept, response, node):
            self._ask(kept, node, own_requests)
            return
        now, seconds = node.wall(), 0
        if response is not None and status < 300:
            seconds = _granted(response, kept)
            kept.due = now + max(seconds * 0.8, seconds - 60.0)
        else:
            kept.due = now + (_AFTER_SILENCE if status in NO_ANSWER else _AFTER_REFUSAL)
        reason = b"" if response is None else response.reason
        self._note(kept, status, reason.decode("utf-8", "replace"), seconds, now)

    def _is_to_be_asked_again(self, kept: _Registration, response: Response, node: Node) -> bool:
        if kept.attempts >= _MOST_ATTEMPTS:
            return False
        if response.status in (401, 407):
            is_stale = node.accounts.asked(kept.trunk, response)
            return is_stale is not None and (is_stale or kept.attempts == 1)
        if response.status == 423:
            least = response.headers.first(b"min-expires") or b""
            if least.isdigit() and kept.wanted < int(least) <= _LONGEST:
                kept.wanted = int(least)
                return True
        return False

    def _note(
        self, kept: _Registration, status: int, reason: str, seconds: int, now: float
    ) -> None:
        number = kept.gateway.gateway_id
        known = self.states.get(number)
        until = now + seconds if seconds else 0.0
        if not seconds and known is not None and known.until > now and status in NO_ANSWER:
            until = known.until  # silence ends nothing before its time
        has_changed = known is None or (known.until > 0) != (until > 0) or known.status != status
        changed_at = now if known is None or has_changed else known.changed_at
        self.states[number] = Registered(number, status, reason[:200], until, now, changed_at)
        if has_changed:
            log.log(
                logging.INFO if seconds else logging.WARNING,
                "registration with a carrier trunk=%s gateway=%s status=%d reason=%s seconds=%d",
                kept.trunk.name.decode(errors="replace"),
                kept.gateway.host.decode(errors="replace"),
                status,
                reason,
                seconds,
            )

    def _end(self, kept: _Registration | None, node: Node, own_requests: OwnRequests) -> None:
        """Take back a registration that there may be; nobody waits for what comes of it."""
        if kept is None or kept.gateway.gateway_id not in self.states:
            return
        request = _register(kept, 0)
        node.accounts.sign(request, kept.trunk)
        own_requests.send(request, None, lambda status, _: None, kept.contact)


def _is_ours(trunk_id: int, node: Node) -> bool:
    """Whether of all living nodes this one registers for a trunk: each reckons the same."""

    def order(node_id: bytes) -> bytes:
        return blake2b(b"%d %b" % (trunk_id, node_id), digest_size=8).digest()

    own = order(node.node_id)
    return all(own < order(peer) for peer in node.peers)


def _register(kept: _Registration, seconds: int) -> Request:
    gateway = kept.gateway
    kept.number += 1
    registrar = SipUri(b"sip", None, gateway.host)
    ours = registrar.with_(user=escaped_user(kept.trunk.account)).serialise()
    return outside_dialog(
        b"REGISTER",
        uri_at(gateway, registrar),
        from_=ours,
        to=ours,
        call_id=kept.call_id,
        number=kept.number,
        extra=((b"contact", b""), (b"expires", b"%d" % seconds)),
    )


def _granted(response: Response, kept: _Registration) -> int:
    """Seconds, by our Contact in the 200, else by its Expires (s10.2.4)."""
    said = response.headers.first(b"expires") or b""
    try:
        for contact in response.contacts:
            if isinstance(contact.uri, SipUri) and contact.uri.user == kept.contact:
                said = contact.param(b"expires") or said
    except ParseError as error:
        log.info("contacts of a carrier's 200 cannot be read: %s", error)
    seconds = int(said) if said.isdigit() and len(said) < 10 else kept.wanted
    return min(max(seconds, _LEAST), _LONGEST)
