"""Where a first request goes: ourselves, our users' phones, a foreign domain.

The last table of docs/behaviour.md s3.
"""

from __future__ import annotations

import logging
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from proxy.core.loose_route import binding_route
from proxy.core.request_context import Reject, RequestContext
from proxy.core.target_set import Outcome, Stage, Target, TargetSet
from proxy.directory import leading
from proxy.directory.leading import host_name, uri_of
from proxy.locate.hop import SECURE
from proxy.location.gruu import temporary_gruus
from proxy.sip.fields import parse_name_addr
from proxy.sip.uri import SipUri, TelUri, parse_uri, unescape

from . import (
    enum,
    federation,
    forwards,
    history,
    outbound,
    ring_groups,
    screen,
    translation,
    trunks,
)
from .screen import ALLOW
from .trail import Trail, of_caller

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from proxy.core.target_set import Expand
    from proxy.directory.leading import ToUser
    from proxy.directory.model import Domain, Forward, Translation
    from proxy.location.model import Binding
    from proxy.node import Node
    from proxy.sip.uri import Aor
    from proxy.transport.flow import Flow

log = logging.getLogger(__name__)

_NO_SECURE_WAY: Final = (
    (b"warning", b'399 fedsip "no secure way leads to where this user is registered"'),
)
_MOST_OPENED: Final = 200_000
_contact_uri = lru_cache(maxsize=100_000)(parse_uri)


def answer_own_options(call: RequestContext, node: Node) -> None:
    """OPTIONS to ourselves: 200 (s11), or 420 for an extension that it requires (s8.2.2.3). It ends
    routing by the Reject that carries the answer."""
    uri = call.request.uri
    if call.method != b"OPTIONS" or not isinstance(uri, SipUri) or uri.user:
        return
    if node.is_local(uri):
        screen.refuse_extensions(call)
        raise Reject(200, headers=((b"allow", ALLOW), (b"accept", b"application/sdp")))


def require_user(call: RequestContext) -> None:
    """484 for a request without a user, 416 for a URI that is none of ours to route."""
    uri = call.request.uri
    if isinstance(uri, TelUri) or not isinstance(uri, SipUri):
        raise Reject(416)
    if not uri.user and call.method not in (b"REGISTER", b"OPTIONS"):
        raise Reject(484)


def mean_own_domain(call: RequestContext, node: Node) -> None:
    """A phone that dials by the address of its proxy means its own domain."""
    uri, domain = call.request.uri, call.domain
    if domain is None or not isinstance(uri, SipUri):
        return
    if node.directory.domain(host_name(uri)) is None and node.transport.is_own(uri.host, uri.port):
        call.request.uri = uri.with_(host=domain.name, port=None)


def find_targets(call: RequestContext, node: Node) -> None:
    """The registered contacts of a user of ours, or the foreign domain."""
    uri = call.request.uri
    if not isinstance(uri, SipUri):
        raise Reject(416)
    call.notes.target = call.request.uri_raw
    trail = of_caller(call)
    alternatives = _alternatives(call, node, trail)
    try:
        lead_to(call, node, uri, call.targets, trail)
    except Reject as why:
        if not alternatives:
            raise
        call.targets.add_later(Stage(expand=partial(_refuse, why)))
    call.targets.add_later(*alternatives)


def lead_to(
    call: RequestContext, node: Node, uri: SipUri, targets: TargetSet, trail: Trail
) -> None:
    """Target what a URI leads to: a trunk, another domain, a ring group or a user of ours, whose
    forwards are followed. Raises Reject."""
    found = leading.lead(node.directory, trail.payer, uri, trail.trunk)
    match found:
        case leading.Refused():
            raise outbound.refusal(call, trail, found)
        case leading.ByTrunk():
            trunks.leave(call, node, found, uri, targets, trail)
        case leading.Away(payer=domain):
            federation.leave(call, node, domain, uri, targets, trail)
        case leading.ToGroup(domain=domain, group=group):
            _note_callee(call, domain)
            after = uri_of(group.fallback, uri.scheme)
            fallback = partial(_divert, call, node, trail, group.aor, "no_answer", after)
            contacts = partial(_contacts_of_member, call, node, trail, uri.scheme)
            ring_groups.ring(group, targets, contacts, fallback)
            if not targets.stages():
                raise Reject(480)
        case leading.ToUser():
            _note_callee(call, found.domain)
            _lead_to_user(call, node, found, targets, trail)


def _note_callee(call: RequestContext, domain: Domain) -> None:
    if call.callee_domain is None:
        call.callee_domain = domain
    if call.tenant is None:
        call.tenant = domain.tenant


def _lead_to_user(
    call: RequestContext, node: Node, user: ToUser, targets: TargetSet, trail: Trail
) -> None:
    def follow(forward: Forward) -> Coroutine[Any, Any, list[Stage]]:
        destination = uri_of(forward.target, user.uri.scheme)
        return _divert(call, node, trail, forward.aor, forward.condition, destination)

    found = user.forwards if call.method == b"INVITE" else {}
    now = leading.at_once(found, is_reachable=True)
    if now is not None:
        forwards.add_at_once(targets, now, follow)
        return
    try:
        contacts = _contacts(call, node, user.domain, user.uri, trail)
    except Reject:
        now = leading.at_once(found, is_reachable=False)
        if now is None:
            raise
        forwards.add_at_once(targets, now, follow)
        return
    for target in contacts:
        targets.add(target)
    if found:
        forwards.add_later_targets(targets, found, follow)


async def _divert(
    call: RequestContext, node: Node, trail: Trail, aor: Aor, condition: str, destination: SipUri
) -> list[Stage]:
    """The stages of a destination that a user or ring group has chosen, on his account and by the
    rules of his domain. Raises Reject."""
    found = leading.divert(node.directory, trail.payer, aor, condition, destination)
    if isinstance(found, leading.Refused):
        raise outbound.refusal(call, trail, found)
    payer, uri = found
    trail = Trail(payer)
    domain = payer.domain
    if domain is None:
        raise Reject(404)
    from_user = aor.rpartition(b"@")[0]
    rules = translation.candidates(call, node, domain, from_user, uri)
    if not rules:
        return await _stages(call, node, uri, trail)
    stages = await _alternative(call, node, trail, rules[0], uri, Outcome.REFUSED)
    for rule in rules[1:]:
        expand = partial(_alternative, call, node, trail, rule, uri)
        stages.append(Stage(after=Outcome.UNREACHABLE, expand=expand))
    return stages


def _alternatives(call: RequestContext, node: Node, trail: Trail) -> list[Stage]:
    """What is tried when nobody can be reached where the call goes first: the other addresses that
    ENUM has, then the rules that come next."""
    found: list[Expand] = [
        partial(_at_address, call, node, trail, further) for further in call.notes.enum_further
    ]
    if call.notes.alternatives is not None:
        uri, rules = call.notes.alternatives
        found += [partial(_alternative, call, node, trail, rule, uri) for rule in rules]
    return [Stage(after=Outcome.UNREACHABLE, expand=expand) for expand in found]


async def _refuse(why: Reject, _: Outcome) -> list[Stage]:
    """The first target was refused before anything was sent: that counts as any other end does, so
    that an alternative follows where nobody is there, and none where the call is not allowed."""
    raise why


async def _alternative(
    call: RequestContext,
    node: Node,
    trail: Trail,
    rule: Translation,
    uri: SipUri,
    outcome: Outcome,
) -> list[Stage]:
    """Where the next rule leads, when the target of the one before it could not be reached."""
    made, further = translation.alternative(call, trail, rule, uri)
    return await _stages(call, node, made, further)


async def _stages(call: RequestContext, node: Node, uri: SipUri, trail: Trail) -> list[Stage]:
    """What a URI leads to; or, of a number that ENUM has, its first address and then the others."""
    found = await enum.addresses(call, node, trail.domain, uri, trail.trunk)
    if not found:
        return await _at_address(call, node, trail, uri, Outcome.REFUSED)
    later = [partial(_at_address, call, node, trail, further) for further in found]
    first = Stage(expand=later[0])
    return [first, *(Stage(after=Outcome.UNREACHABLE, expand=each) for each in later[1:])]


async def _at_address(
    call: RequestContext, node: Node, trail: Trail, uri: SipUri, _: Outcome
) -> list[Stage]:
    targets = TargetSet()
    lead_to(call, node, uri, targets, trail)
    return targets.stages()


def note_caller_binding(call: RequestContext, node: Node) -> None:
    """Which registered contact a request over a connection comes from: sealed into the dialog's
    token, it tells where that side is found again when its connection is gone."""
    if not call.flow.connection_id or call.subscriber is None:
        return
    for binding_id in node.flows.on(call.flow):
        binding = node.bindings.on_connection(binding_id)
        if binding is not None and binding.aor == call.subscriber.aor:
            call.caller_binding_id = binding_id
            return


def find_flow_again(call: RequestContext, node: Node) -> None:
    """The connection that a dialog's token names is gone: where the same contact has registered
    again (a browser after a change of network, a phone after our restart), the dialog goes on by
    its new connection."""
    uri = call.request.uri
    is_sips = isinstance(uri, SipUri) and uri.is_sips
    target = find_again(call.lost_binding_id, node, is_sips=is_sips)
    if target is None:
        return
    log.info(
        "flow is found again call_id=%r binding=%s", call.original.call_id, call.lost_binding_id
    )
    call.lost_protocol = None
    if target.flow is not None:
        call.out_flow = target.flow
    else:  # another node holds it now
        call.targets.add(Target(call.request.uri, target.route_set))


def find_instance(call: RequestContext, node: Node) -> None:
    """A GRUU of ours as the target of a dialog whose far side has no flow: the instance is where
    it has registered (RFC 5627 s6.1). Raises Reject 480 while it is not."""
    uri = call.request.uri
    if call.out_flow is not None or call.targets or not isinstance(uri, SipUri):
        return
    domain = node.directory.domain(host_name(uri)) if uri.has_param(b"gr") else None
    if domain is None or call.request.headers.has(b"route"):
        return
    for binding in _bindings(node, domain, uri):
        target = _target(binding, node, domain, is_secure=uri.is_sips or domain.require_tls)
        if target is not None:
            call.targets.add(target)
            return
    if call.lost_protocol is None:
        raise Reject(480)


def find_again(binding_id: str, node: Node, *, is_sips: bool = False) -> Target | None:
    """How the registered contact of that id is reached now; None while it is not."""
    binding = node.bindings.on_connection(binding_id) if binding_id else None
    domain = None if binding is None else node.directory.domain_by_id(binding.domain_id)
    if binding is None or domain is None or binding.expires_at <= node.wall():
        return None
    return _target(binding, node, domain, is_secure=is_sips or domain.require_tls)


def _contacts_of_member(
    call: RequestContext, node: Node, trail: Trail, scheme: bytes, aor: Aor
) -> list[Target]:
    uri = uri_of(aor, scheme)
    domain = node.directory.domain(uri.host)
    if domain is None or not domain.enabled:
        raise Reject(480)
    return _contacts(call, node, domain, uri, trail)


def _contacts(
    call: RequestContext, node: Node, domain: Domain, uri: SipUri, trail: Trail
) -> list[Target]:
    """The registered contacts of a user that can be reached; raises Reject when there are none."""
    bindings = _bindings(node, domain, uri)
    if not bindings:
        raise _absent(call, node, domain, uri)
    if uri.is_sips:
        bindings = [binding for binding in bindings if binding.protocol in SECURE]
        if not bindings:
            raise Reject(480, headers=((b"warning", b'380 %b "SIPS Not Allowed"' % domain.name),))
    allowed = [binding for binding in bindings if _allows(binding, call.method)]
    if not allowed:
        raise Reject(405, headers=((b"allow", bindings[0].methods),))
    near = call.domain
    is_secure = uri.is_sips or domain.require_tls or (near is not None and near.require_tls)
    found = []
    for binding in allowed:
        target = _target(binding, node, domain, is_secure=is_secure)
        if target is not None:
            if uri.is_sips and target.flow is None and isinstance(target.uri, SipUri):
                target.uri = target.uri.with_(scheme=b"sips")  # its connection is gone: TLS again
            if trail.changes is not None or trail.diversions:
                target.changes = history.changes(call.request, trail, target.uri)
            found.append(target)
    if not found:
        raise Reject(480, headers=_NO_SECURE_WAY if is_secure else ())
    return found


def _bindings(node: Node, domain: Domain, uri: SipUri) -> list[Binding]:
    """All contacts of the user, or those of the one instance that a GRUU names (RFC 5627)."""
    instance = uri.param(b"gr")
    if instance is None:
        return node.bindings.lookup(uri.aor(), wall=node.wall())
    opened = temporary_gruus(node.secret).open(uri.user or b"")
    if opened is not None and opened.aor.endswith(b"@" + domain.name):
        found = node.bindings.lookup(opened.aor, wall=node.wall())
        return [binding for binding in found if opened.names(binding)]
    found = node.bindings.lookup(uri.aor(), wall=node.wall())
    wanted = unescape(instance)
    return [binding for binding in found if not wanted or binding.instance == wanted]


def _absent(call: RequestContext, node: Node, domain: Domain, uri: SipUri) -> Reject:
    """480 for a user who is not registered, 404 for an unknown one; to strangers 480 for both
    where the domain hides its users. Whoever is not a user of the same tenant is a stranger."""
    is_stranger = call.subscriber is None or call.tenant != domain.tenant
    if is_stranger and domain.hide_users:
        return Reject(480)
    return Reject(404 if node.directory.subscriber(uri.aor()) is None else 480)


def _allows(binding: Binding, method: bytes) -> bool:
    """Whether the contact allows the method; one that says nothing allows all."""
    if not binding.methods:
        return True
    return method in {name.strip().upper() for name in binding.methods.split(b",")}


def _target(binding: Binding, node: Node, domain: Domain, *, is_secure: bool) -> Target | None:
    """How a binding is reached; None when its flow is gone and nothing else leads to it, or
    nothing that is secure."""
    route_set = tuple([parse_name_addr(value) for value in binding.path])
    flow = None
    if binding.flow_token is not None:
        peer = node.peers.get(binding.node_id)
        if peer is not None:
            # Another node holds the flow: the request goes there with the binding's token.
            place = peer.by_tls if is_secure else (peer.host, peer.port)
            if place is None:
                log.warning("node does not listen to TLS node=%r", binding.node_id)
                return None
            way = binding_route(binding.flow_token, place, binding.aor, is_secure=is_secure)
            route_set = (way, *route_set)
        else:
            flow = _flow(binding, binding.flow_token, node)
            if flow is None and _needs_flow(binding):
                return None
    return Target(
        _contact_uri(binding.contact),
        route_set,
        binding.q,
        flow,
        nat=binding.nat,
        websocket=binding.protocol in ("ws", "wss"),
        domain=domain,
        binding=binding,
    )


def _flow(binding: Binding, token: bytes, node: Node) -> Flow | None:
    side = node.opened.get(token)
    if side is None:
        side = node.tokens.open(token, binding.aor)
        if side is None:
            return None
        if len(node.opened) > _MOST_OPENED:
            node.opened.clear()
        node.opened[token] = side
    if side.flow is None or side.is_dead:
        return None
    return node.transport.live_flow(side.flow)


def _needs_flow(binding: Binding) -> bool:
    """A browser listens nowhere, and what is behind a NAT is not reached by its Contact."""
    return binding.nat or binding.protocol in ("ws", "wss")
