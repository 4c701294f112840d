"""The tenant's rules: the best match rewrites where a call goes, the next ones wait in case its
target fails (docs/behaviour.md s4)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from proxy.core.request_context import Reject, RequestContext
from proxy.core.target_set import Changes, ShownCaller
from proxy.directory.translate import TranslationError, apply, facts_of
from proxy.sip.uri import SipUri, unescape

if TYPE_CHECKING:
    from proxy.directory.model import Domain, Translation
    from proxy.node import Node

    from .trail import Trail

log = logging.getLogger(__name__)

TRANSLATED: Final = frozenset((b"INVITE", b"MESSAGE", b"NOTIFY"))


def translate(call: RequestContext, node: Node) -> None:
    """Apply the best rule of the caller's domain. Raises Reject 500 for a rule that cannot be."""
    domain, uri = call.domain, call.request.uri
    if domain is None or call.method not in TRANSLATED or not isinstance(uri, SipUri):
        return
    if not len(node.directory.rules(domain)):
        return
    caller = call.request.from_.uri
    from_user = unescape(caller.user or b"") if isinstance(caller, SipUri) else b""
    found = candidates(call, node, domain, from_user, uri)
    if not found:
        return
    made, changes = made_by(call, domain, found[0], uri)
    call.notes.rule_id = changes.rule_id
    call.notes.translated_from = changes.translated_from
    call.notes.changes = changes
    call.notes.trunk = found[0].tran_trunk
    call.notes.alternatives = (uri, tuple(found[1:]))
    call.request.uri = made


def candidates(
    call: RequestContext, node: Node, domain: Domain, from_user: bytes, uri: SipUri
) -> list[Translation]:
    """The rules of a domain that match a call of that user to that URI, in the order of trying."""
    agent = call.request.headers.first(b"user-agent") or b""
    facts = facts_of(domain, from_user, uri, user_agent=agent, at=node.wall())
    return node.directory.rules(domain).candidates(facts, node.random)


def made_by(
    call: RequestContext, domain: Domain, rule: Translation, uri: SipUri
) -> tuple[SipUri, Changes]:
    """What a rule makes of a Request-URI, and of the request for its targets. Raises Reject 500."""
    try:
        made = apply(rule, uri)
    except TranslationError as error:
        log.warning("%s tenant=%s call_id=%s", error, domain.tenant.decode(),
                    call.original.call_id.decode(errors="replace"))  # fmt: skip
        call.notes.rule_id = rule.translation_id
        raise Reject(500, b"Translation failed") from error
    log.debug("translated rule=%d uri=%s", rule.translation_id, made.uri)
    caller = None
    if rule.tran_from_user or rule.tran_from_display:
        caller = ShownCaller(rule.tran_from_user, rule.tran_from_display.encode())
    number = rule.translation_id
    return made.uri, Changes(made.added, made.removed, caller, number, uri.serialise())


def alternative(
    call: RequestContext, trail: Trail, rule: Translation, uri: SipUri
) -> tuple[SipUri, Trail]:
    """Where a later candidate leads, when its turn has come."""
    if trail.domain is None:
        raise Reject(500)
    made, changes = made_by(call, trail.domain, rule, uri)
    return made, trail.led(changes, rule.tran_trunk)
