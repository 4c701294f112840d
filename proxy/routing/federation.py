"""Calls with other domains: who may leave, who may come, and how they are reached.

What each of our domains allows is directory/federation_rules.py's; here it is applied to a request.
What is refused is counted for the tenant (observe/refusals.py).
"""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from proxy.core.request_context import Branch, Reject, RequestContext
from proxy.core.target_set import Target, TargetSet
from proxy.directory.federation_rules import Verdict, Why, refusal_to_leave, verdict_on
from proxy.directory.leading import host_name, peer_name
from proxy.directory.model import Domain
from proxy.node import Node
from proxy.sip.uri import SipUri

from . import history
from .call_rates import source_prefix
from .federation_policy import refusal
from .screen import METHODS

if TYPE_CHECKING:
    from .trail import Trail

log = logging.getLogger(__name__)

_NAMED_ALONE: Final = (b"REFER",)
"""Methods of strangers that * does not have: a phone that follows a REFER calls whom a stranger
says, on its user's account (RFC 3515 s5.1)."""
_INNER_CONTACT: Final = (
    (b"warning", b'399 fedsip "this user has registered an address to which nothing is sent"'),
)
_Limit = tuple[Hashable, int, Why]
"""Who is counted, how many a minute, and what is said above that."""


@dataclass(frozen=True, slots=True)
class _Crossing:
    """One request between a domain of ours and another."""

    call: RequestContext
    node: Node
    domain: Domain
    peer: bytes
    direction: str
    """"in" or "out"."""


def leave(
    call: RequestContext,
    node: Node,
    domain: Domain,
    uri: SipUri,
    targets: TargetSet,
    trail: Trail,
) -> None:
    """Target a foreign domain on the account of one of ours; raises Reject 403, 488 or 503. What
    the rules made of the Request-URI counts, not what was dialled."""
    crossing = _Crossing(call, node, domain, peer_name(uri), "out")
    verdict = _verdict(crossing)
    why = refusal_to_leave(verdict, uri.transport)
    if why is not None:
        call.notes.federation_out = verdict.in_words
        raise _refused(crossing, why)
    caller = domain.name if trail.aor is None else trail.aor
    per_domain = _given(domain.calls_out_per_domain, node.settings.calls_out_per_domain)
    per_user = _given(domain.calls_out_per_user, node.settings.calls_out_per_user)
    _count(crossing, _limits(crossing, per_domain, caller, per_user))
    targets.add(
        Target(
            uri,
            changes=history.changes(call.request, trail, uri),
            is_verified=verdict.is_verified,
            unproved=partial(_unproved_peer, crossing) if verdict.is_verified else None,
            is_trusted=verdict.is_trusted,
            shown_as=(call.domain or domain).name.decode(),  # the one that is claimed in From
            federation=verdict.in_words,
        )
    )


def refuse_inner(call: RequestContext, branch: Branch, why: str, node: Node) -> Reject:
    """A target is inside of networks to which nothing is sent (locate/inside.py): counted for whose
    target it is. 480 where it is what a phone has registered; else 403."""
    target = branch.target
    domain = target.domain or call.domain or call.callee_domain
    uri = branch.next_hop_uri
    log.warning(
        "inner destination refused call_id=%s tenant=%s uri=%s reason=%s",
        call.original.call_id.decode("utf-8", "replace"),
        "" if domain is None else domain.tenant.decode(),
        uri.serialise().decode("utf-8", "replace"),
        why,
    )
    if domain is None or not isinstance(uri, SipUri):
        return Reject(403, b"Inner Address")
    peer = peer_name(uri)
    node.refusals.add(domain.domain_id, peer, "out", Why.INNER.value)
    if target.binding is not None:
        return Reject(480, headers=_INNER_CONTACT)
    return refusal(Why.INNER, domain.name, peer)


def _unproved_peer(crossing: _Crossing) -> Reject:
    """No server of the other domain has proved itself; those that failed are asked anew later."""
    wait = crossing.node.settings.dead_hop_seconds
    return _refused(crossing, Why.NO_VERIFIED_PEER, wait)


def admit_stranger(call: RequestContext, node: Node) -> None:
    """From a foreign domain to one of ours: by our domain's policy. Raises Reject."""
    caller, called = call.request.from_.uri, call.request.uri
    if call.domain is not None or not isinstance(called, SipUri):
        return
    domain = node.directory.domain(host_name(called))
    if domain is None or not domain.enabled:
        return  # destination.py knows what to say
    peer = host_name(caller) if isinstance(caller, SipUri) else b""
    crossing = _Crossing(call, node, domain, peer, "in")
    verdict = _verdict(crossing)
    call.notes.federation_in = verdict.in_words
    why = verdict.refusal or _unproved(crossing, verdict) or _not_taken(crossing)
    if why is not None:
        raise _refused(crossing, why)
    stranger = caller.aor() if isinstance(caller, SipUri) else b""
    per_domain = _given(domain.calls_in_per_domain, node.settings.calls_in_per_domain)
    per_stranger = _given(domain.calls_in_per_stranger, node.settings.calls_in_per_stranger)
    limits = _limits(crossing, per_domain, stranger, per_stranger)
    if not _vouched_for(crossing):
        key = (domain.domain_id, "source", source_prefix(call.source[0]))
        limits.append((key, per_stranger, Why.SOURCE_RATE))
    _count(crossing, limits)
    call.is_trusted = verdict.is_trusted


def _verdict(crossing: _Crossing) -> Verdict:
    node, settings = crossing.node, crossing.node.settings
    return verdict_on(
        crossing.domain,
        crossing.peer,
        crossing.direction,
        node.directory.federation_rules,
        platform=settings.federation if crossing.direction == "out" else settings.federation_in,
        denied=node.denied_peers,
    )


def _unproved(crossing: _Crossing, verdict: Verdict) -> Why | None:
    if not verdict.is_verified or _has_proved(crossing):
        return None
    return Why.NO_CERTIFICATE if crossing.call.flow.is_secure else Why.NO_TLS


def _not_taken(crossing: _Crossing) -> Why | None:
    methods, method = _stranger_methods(crossing), crossing.call.method
    is_taken = method in methods or (b"*" in methods and method not in _NAMED_ALONE)
    return None if is_taken else Why.METHOD


def _stranger_methods(crossing: _Crossing) -> tuple[bytes, ...]:
    own = tuple(crossing.domain.stranger_methods.split())
    return own or tuple(name.encode() for name in crossing.node.settings.stranger_methods)


def _vouched_for(crossing: _Crossing) -> bool:
    """Whether the name in From is more than a claim: the sender has proved that he speaks for its
    domain, or comes from where the operator trusts him."""
    return _has_proved(crossing) or crossing.node.floods.is_trusted(crossing.call.source[0])


def _has_proved(crossing: _Crossing) -> bool:
    """Whether the sender's certificate speaks for the domain in From (RFC 5922)."""
    flow = crossing.call.flow
    return flow.is_secure and crossing.node.transport.is_verified(flow, crossing.peer)


def _limits(crossing: _Crossing, per_domain: int, caller: bytes, per_caller: int) -> list[_Limit]:
    of_domain = (crossing.domain.domain_id, crossing.direction, crossing.peer)
    of_caller = (*of_domain, caller)
    return [
        (of_domain, per_domain, Why.DOMAIN_RATE),
        (of_caller, per_caller, Why.CALLER_RATE),
    ]


def _count(crossing: _Crossing, limits: list[_Limit]) -> None:
    """Count one towards all limits, unless one of them is reached: 503."""
    rates, now = crossing.node.call_rates, crossing.call.now
    for key, limit, why in limits:
        seconds = rates.wait(key, limit, now=now)
        if seconds > 0:
            raise _refused(crossing, why, seconds)
    for key, limit, _ in limits:
        rates.count(key, limit, now=now)


def _refused(crossing: _Crossing, why: Why, retry_after: float = 0.0) -> Reject:
    """Count and log a refusal; the answer that says it."""
    call, domain, peer = crossing.call, crossing.domain, crossing.peer
    crossing.node.refusals.add(domain.domain_id, peer, crossing.direction, why.value)
    log.info(
        "federation refused why=%s direction=%s domain=%s peer=%s source=%s tenant=%s call_id=%s",
        why.value,
        crossing.direction,
        domain.name.decode(),
        peer.decode(errors="replace"),
        call.source[0],
        domain.tenant.decode(),
        call.original.call_id.decode(errors="replace"),
    )
    methods = _stranger_methods(crossing)
    if b"*" in methods:
        methods = tuple(sorted(METHODS.difference(_NAMED_ALONE).union(methods) - {b"*"}))
    allow = b", ".join(methods)
    return refusal(why, domain.name, peer, retry_after=retry_after, allow=allow)


def _given(own: int | None, platform: int) -> int:
    return platform if own is None else own
