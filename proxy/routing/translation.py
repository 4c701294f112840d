"""The tenant's rules: the best match rewrites where a call goes (docs/behaviour.md s4)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from proxy.core.request_context import Reject, RequestContext
from proxy.directory.translate import Facts, TranslationError, apply
from proxy.sip.uri import SipUri, unescape

if TYPE_CHECKING:
    from proxy.node import Node

log = logging.getLogger(__name__)

TRANSLATED: Final = frozenset((b"INVITE", b"MESSAGE", b"NOTIFY"))


def translate(call: RequestContext, node: Node) -> None:
    """Apply the best rule of the caller's domain. Raises Reject 500 for a rule that cannot be."""
    domain, uri = call.domain, call.request.uri
    if domain is None or call.method not in TRANSLATED or not isinstance(uri, SipUri):
        return
    rules = node.directory.rules(domain)
    if not len(rules):
        return
    caller = call.request.from_.uri
    facts = Facts(
        from_user=unescape(caller.user or b"") if isinstance(caller, SipUri) else b"",
        user_agent=call.request.headers.first(b"user-agent") or b"",
        request_user=unescape(uri.user or b""),
        request_domain=uri.host.lower(),
    )
    candidates = rules.candidates(facts, node.random)
    if not candidates:
        return
    try:
        made = apply(candidates[0], uri)
    except TranslationError as error:
        log.warning("%s tenant=%s call_id=%s", error, domain.tenant.decode(),
                    call.original.call_id.decode(errors="replace"))  # fmt: skip
        raise Reject(500, b"Translation failed") from error
    call.notes.rule_id = made.rule.translation_id
    call.notes.translated_from = uri.serialise()
    call.request.uri = made.uri
    if made.header is not None:
        call.request.headers.append(*made.header)
    log.debug("translated rule=%d uri=%s", made.rule.translation_id, made.uri)
