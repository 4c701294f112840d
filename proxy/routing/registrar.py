"""REGISTER: the rules, the commit, and the 200 with all bindings (RFC 3261 s10.3).

The binding's token seals the flow the REGISTER came on when that flow is the only way back: behind
a NAT, over a connection, from an inner address (locate/inside.py), or with outbound (RFC 5626). Any
other contact is located by its URI.
"""

from __future__ import annotations

import logging
from email.utils import formatdate
from functools import lru_cache
from os import urandom
from typing import TYPE_CHECKING, Final

from proxy.core.request_context import Reject, RequestContext
from proxy.directory.leading import host_name
from proxy.location.gruu import UNIQUE_SIZE, temporary_gruus
from proxy.location.model import Binding
from proxy.location.rules import (
    Limits,
    Outcome,
    RegisterRefused,
    Source,
    apply_register,
)
from proxy.location.store import NotDurable
from proxy.sip.scan import quote
from proxy.sip.uri import SipUri
from proxy.transport.flow_token import Kind, Side

from . import authenticate, screen

if TYPE_CHECKING:
    from proxy.directory.model import Domain, Subscriber
    from proxy.node import Node
    from proxy.sip.uri import Aor

log = logging.getLogger(__name__)

_EXTENSIONS: Final = frozenset((b"path", b"outbound", b"gruu"))
_FLOW_TIMER: Final = b"120"


async def register(call: RequestContext, node: Node) -> None:
    """Answer a REGISTER. Raises Reject."""
    uri = call.request.to.uri
    domain = node.directory.domain(host_name(uri)) if isinstance(uri, SipUri) else None
    if not isinstance(uri, SipUri) or domain is None or not domain.enabled:
        raise Reject(403, b"Not our domain")
    if not uri.user:
        raise Reject(400, b"To has no user")
    _check_request_uri(call, node)
    call.domain, call.tenant = domain, domain.tenant
    screen.refuse_extensions(call, known=_EXTENSIONS)
    if domain.require_tls and not call.flow.is_secure:
        raise Reject(403, b"This domain registers over TLS only")
    subscriber = authenticate.registering_user(call, node, domain)
    aor = uri.aor()
    while (unsettled := node.bindings.unsettled(aor)) is not None:
        await unsettled  # a change of his that is being committed
    bindings = node.bindings.lookup(aor, wall=node.wall())
    outcome = _outcome(call, node, domain, subscriber, aor, bindings)
    waiting = node.bindings.save(outcome)
    if waiting is not None:
        try:
            await waiting
        except NotDurable as error:
            log.warning("registration not written aor=%s reason=%s", aor.decode("utf-8", "replace"),
                        error)  # fmt: skip
            raise Reject(503, headers=((b"retry-after", b"5"),)) from error
    _follow_flow(call, node, domain, outcome, bindings)
    _reply(call, node, outcome)


def _check_request_uri(call: RequestContext, node: Node) -> None:
    """The Request-URI names the domain, or us (s10.2)."""
    uri = call.request.uri
    if not isinstance(uri, SipUri) or not node.is_local(uri):
        raise Reject(403, b"Not our domain")


def _outcome(
    call: RequestContext,
    node: Node,
    domain: Domain,
    subscriber: Subscriber | None,
    aor: Aor,
    bindings: list[Binding],
) -> Outcome:
    flow = call.flow
    has_reg_id = b"reg-id" in b"".join(call.request.headers.all(b"contact")).lower()
    is_adjacent = not call.request.headers.has(b"path")
    needs_flow = call.is_reached_by_flow_alone or has_reg_id
    token = None
    if needs_flow and is_adjacent:
        token = node.tokens.seal(Side(Kind.BINDING, flow), aor)
    limit = subscriber.max_contacts if subscriber is not None else None
    source = Source(
        domain_id=domain.domain_id,
        subscriber_id=None if subscriber is None else subscriber.subscriber_id,
        flow_token=token,
        node_id=node.node_id,
        protocol=flow.protocol,
        received=b"%b:%d" % (flow.remote[0].encode(), flow.remote[1]),
        nat=call.caller_nat,
        family=flow.family,
    )
    limits = _limits(call, node, domain, limit)
    try:
        return apply_register(aor, call.request, bindings, source, limits, wall=node.wall())
    except RegisterRefused as refused:
        raise Reject(refused.status, refused.reason, refused.headers) from refused


def _limits(call: RequestContext, node: Node, domain: Domain, max_contacts: int | None) -> Limits:
    """What the domain allows; nobody stays registered for longer than his pass is good."""
    least, most, usual = domain.min_expires, domain.max_expires, domain.default_expires
    if call.notes.pass_expires_at is not None:
        left = max(1, int(call.notes.pass_expires_at - node.wall()))
        least, most, usual = min(least, left), min(most, left), min(usual, left)
    return Limits(max_contacts if max_contacts is not None else domain.max_contacts, least, most,
                  usual)  # fmt: skip


def _follow_flow(
    call: RequestContext, node: Node, domain: Domain, outcome: Outcome, before: list[Binding]
) -> None:
    """Keep the flow alive, and remember what hangs on it."""
    known = {binding.binding_id for binding in before}
    flow = call.flow
    if flow.connection_id and node.transport.live_flow(flow) is None:  # closed before the commit
        node.bindings.drop([binding.binding_id for binding in outcome.written])
        return
    for binding in outcome.written:
        if binding.flow_token is not None:
            is_kept_alive = _needs_keep_alive(binding, domain)
            if flow.connection_id or is_kept_alive:
                node.flows.hold(flow, binding.binding_id)
            if is_kept_alive:
                node.transport.keep_alive(flow, on=True)
                if flow.protocol == "udp":
                    node.checks.watch(binding.aor, binding.binding_id)
        if binding.binding_id not in known or outcome.commit_needed:
            _log("registered", call, binding)
    for binding in outcome.removed:
        _log("unregistered", call, binding)


def _needs_keep_alive(binding: Binding, domain: Domain) -> bool:
    """Whether its flow is to be pinged: a NAT forgets it, or the phone counts on it."""
    return domain.nat_keepalive and (binding.nat or binding.reg_id is not None)


def let_flow_go(binding: Binding, node: Node) -> None:
    """A binding is gone, or goes another way: its flow is pinged no more if it was the last one."""
    if binding.flow_token is None:
        return
    node.opened.pop(binding.flow_token, None)
    node.checks.leave(binding.binding_id)
    flow = node.flows.release(binding.binding_id)
    if flow is not None:
        node.transport.keep_alive(flow, on=False)


def resume_keep_alives(node: Node) -> None:
    """Ping the UDP flows by which phones registered in an earlier life of this node."""
    for binding in node.bindings:
        domain = node.directory.domain_by_id(binding.domain_id)
        if binding.node_id != node.node_id or binding.protocol != "udp" or domain is None:
            continue
        if binding.flow_token is None or not _needs_keep_alive(binding, domain):
            continue
        side = node.tokens.open(binding.flow_token, binding.aor)
        flow = None if side is None or side.flow is None else node.transport.live_flow(side.flow)
        if flow is not None:
            node.flows.hold(flow, binding.binding_id)
            node.transport.keep_alive(flow, on=True)
            node.checks.watch(binding.aor, binding.binding_id)


def _log(what: str, call: RequestContext, binding: Binding) -> None:
    log.info(
        "%s aor=%s contact=%s protocol=%s nat=%s tenant=%s call_id=%s",
        what,
        binding.aor.decode("utf-8", "replace"),
        binding.contact.decode("utf-8", "replace"),
        binding.protocol,
        binding.nat,
        (call.tenant or b"").decode(),
        binding.call_id.decode("utf-8", "replace"),
    )


def _reply(call: RequestContext, node: Node, outcome: Outcome) -> None:
    wall = node.wall()
    supported = call.request.option_tags(b"supported")
    headers: list[tuple[bytes, bytes]] = [
        (b"contact", _contact(binding, node, wall, with_gruu=b"gruu" in supported))
        for binding in outcome.after
        if binding.expires_at > wall
    ]
    if b"path" in supported:
        headers += [(b"path", value) for value in call.request.headers.values(b"path")]
    headers.append((b"service-route", _service_route(call, node)))
    headers.append((b"date", _date(int(wall))))
    if outcome.uses_outbound:
        headers += [(b"require", b"outbound"), (b"flow-timer", _FLOW_TIMER)]
    call.reply(200, headers=tuple(headers))


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    """By which phones set their clocks (s10.3 step 8, s20.17)."""
    return formatdate(second, usegmt=True).encode()


def _service_route(call: RequestContext, node: Node) -> bytes:
    """By this way the phone's own requests are to come (RFC 3608): the listener it talks to."""
    host, port = node.transport.advertised(call.flow)
    protocol = "ws" if call.flow.is_websocket else call.flow.protocol
    if protocol == "udp":
        return b"<sip:%b:%d;lr>" % (host, port)
    return b"<sip:%b:%d;transport=%b;lr>" % (host, port, protocol.encode())


def _contact(binding: Binding, node: Node, wall: float, *, with_gruu: bool) -> bytes:
    value = b"<%b>;expires=%d" % (binding.contact, max(0, round(binding.expires_at - wall)))
    if binding.q != 1000:
        value += b";q=0.%03d" % binding.q
    if binding.instance is not None:
        value += b";+sip.instance=" + quote(b"<" + binding.instance + b">")
        if binding.reg_id is not None:
            value += b";reg-id=%d" % binding.reg_id
        if with_gruu and binding.gruu is not None:
            value += b";pub-gruu=" + quote(binding.gruu)
            temporary = temporary_gruus(node.secret).make(binding, urandom(UNIQUE_SIZE))
            value += b";temp-gruu=" + quote(temporary or b"")
    return value
