"""Carriers: calls that leave by a trunk's gateways, and calls that come from a carrier.

A trunk belongs to a domain. Its rules lead out to it (`tran_trunk`), and the numbers that its
carrier calls are aliases and users of that domain. docs/trunks.md
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.core.request_context import Reject, RequestContext
from proxy.core.target_set import Changes, Outcome, Stage, Target, TargetSet
from proxy.directory.leading import host_name, in_order, uri_at
from proxy.directory.translate import escaped_user
from proxy.sip.errors import ParseError
from proxy.sip.fields import parse_name_addr
from proxy.sip.uri import SipUri, canonical_aor, unescape

from . import history, outbound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.directory.leading import ByTrunk
    from proxy.directory.model import Domain, Gateway, Trunk
    from proxy.node import Node

    from .trail import Trail

log = logging.getLogger(__name__)


def leave(
    call: RequestContext,
    node: Node,
    by: ByTrunk,
    uri: SipUri,
    targets: TargetSet,
    trail: Trail,
) -> None:
    """Target the trunk's gateways, each when the one before it cannot be reached."""
    domain = trail.domain
    if domain is None:
        raise Reject(503)
    trail = outbound.shown(node, trail)
    gateways = in_order(by.gateways, node.dead_gateways, node.random)
    made = [_target(call, gateway, uri, domain, trail) for gateway in gateways]
    targets.add(made[0])
    for target in made[1:]:
        targets.add_later(Stage([target], Outcome.UNREACHABLE))


def _target(
    call: RequestContext, gateway: Gateway, uri: SipUri, domain: Domain, trail: Trail
) -> Target:
    made = uri_at(gateway, uri)
    changes = trail.changes or Changes()
    caller = changes.caller
    added = (*changes.added, *history.diversion_pairs(call, trail))
    added += history.header_pairs(call.request, trail, made)
    if caller is not None and caller.user:
        added += ((b"p-asserted-identity", b"<sip:%b@%b>" % (caller.user, domain.name)),)
    return Target(
        made,
        is_trusted=caller is None or not caller.user,
        shown_as=domain.name.decode(),
        changes=replace(changes, added=added, removed=(*changes.removed, history.DIVERSION)),
        trunk_id=gateway.trunk_id,
    )


def admit(call: RequestContext, node: Node) -> bool:
    """A call from a carrier, known by its source address or its certificate, to the domain of its
    trunk: it needs no credentials there. Raises Reject 403 for one that borrows a user's name."""
    if not len(node.directory.routes.trunks) or not isinstance(call.request.uri, SipUri):
        return False
    found = _trunk_of(call, node, call.request.uri)
    if found is None:
        return False
    trunk, domain, uri = found
    caller = call.request.from_.uri
    if isinstance(caller, SipUri) and node.directory.subscriber(caller.aor()) is not None:
        raise Reject(403, b"Forbidden caller")
    node.floods.know(call.source)
    call.request.uri = uri
    call.is_trusted = True
    call.notes.trunk_id = trunk.trunk_id
    log.debug("from trunk=%s domain=%s", trunk.name.decode(), domain.name.decode())
    return True


def _trunk_of(call: RequestContext, node: Node, uri: SipUri) -> tuple[Trunk, Domain, SipUri] | None:
    """The trunk that the sender is, its domain, and the Request-URI there: carriers that share an
    address with others are told apart by the called domain or number."""
    routes, directory = node.directory.routes, node.directory
    is_to_us = node.transport.is_own(uri.host, uri.port)
    if is_to_us:
        trunk_id = node.accounts.trunk_called_by(unescape(uri.user or b""))
        if trunk_id:
            return _registered_trunk(call, node, trunk_id)
    called = directory.domain(host_name(uri))
    trunks = routes.trunks_from(call.source[0])
    if called is None and not is_to_us:
        return None
    if call.flow.is_secure:
        for name in node.transport.proved(call.flow):
            trunks += routes.trunks_by_tls(name)
    for trunk in trunks:
        domain = directory.domain_by_id(trunk.domain_id)
        if domain is None or not domain.enabled or called not in (None, domain):
            continue
        number = _number(node, domain, unescape(uri.user or b""))
        if number is not None:
            return trunk, domain, uri.with_(user=number, host=domain.name, port=None)
    return None


def _registered_trunk(
    call: RequestContext, node: Node, trunk_id: int
) -> tuple[Trunk, Domain, SipUri] | None:
    """The same for a call to the Contact with which we have registered at a carrier: who is called
    stands in P-Called-Party-ID (RFC 7315 s4.2) or in To; else the account is meant.
    Raises Reject 404 where nobody is meant."""
    trunk = node.directory.routes.trunks.get(trunk_id)
    domain = None if trunk is None else node.directory.domain_by_id(trunk.domain_id)
    if trunk is None or domain is None or not domain.enabled or not trunk.registers:
        return None
    for user in (*_called_users(call), trunk.account):
        number = _number(node, domain, user)
        if number is not None:
            return trunk, domain, SipUri(b"sip", escaped_user(number), domain.name, None, ())
    raise Reject(404)


def _called_users(call: RequestContext) -> Iterator[bytes]:
    party = call.request.headers.first(b"p-called-party-id")
    if party is not None:
        try:
            named = parse_name_addr(party).uri
        except ParseError:
            named = None  # To may be better
        if isinstance(named, SipUri):
            yield unescape(named.user or b"")
    to = call.request.to.uri
    if isinstance(to, SipUri):
        yield unescape(to.user or b"")


def _number(node: Node, domain: Domain, user: bytes) -> bytes | None:
    """The called number as the domain knows it, with + or without; None when it does not."""
    for written in (user, b"+" + user, user.removeprefix(b"+")):
        aor = canonical_aor(written, domain.name)
        routes = node.directory.routes
        if routes.alias(aor) or routes.group(aor) or node.directory.subscriber(aor):
            return written
    return None
