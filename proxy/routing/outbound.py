"""What users may dial beyond their own tenant, and as whom: outbound policies."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.core.request_context import Reject, RequestContext
from proxy.core.target_set import Changes, ShownCaller
from proxy.directory.destination_class import class_of, is_allowed
from proxy.sip.uri import SipUri, unescape

if TYPE_CHECKING:
    from proxy.directory.model import OutboundPolicy
    from proxy.node import Node

    from .trail import Trail

log = logging.getLogger(__name__)


def check(call: RequestContext, node: Node, uri: SipUri, trail: Trail) -> None:
    """Whether whoever pays may call that; raises Reject 403."""
    policy = _policy(node, trail)
    if policy is None or trail.domain is None:
        return
    user = unescape(uri.user or b"")
    kind = class_of(user, trail.domain.e164_country, is_domain=not trail.trunk)
    if is_allowed(policy, user, kind):
        return
    log.info(
        "destination not allowed class=%s user=%s tenant=%s call_id=%s",
        kind,
        (trail.aor or trail.domain.name).decode(errors="replace"),
        trail.domain.tenant.decode(),
        call.original.call_id.decode(errors="replace"),
    )
    raise Reject(403, b"Destination Not Allowed")


def shown(node: Node, trail: Trail) -> Trail:
    """The trail with the payer's own caller ID, where no rule has said another one."""
    policy = _policy(node, trail)
    if policy is None or not (policy.caller_id or policy.caller_name):
        return trail
    changes = trail.changes or Changes()
    if changes.caller is not None:
        return trail
    caller = ShownCaller(policy.caller_id, policy.caller_name.encode())
    return replace(trail, changes=replace(changes, caller=caller))


def _policy(node: Node, trail: Trail) -> OutboundPolicy | None:
    if trail.aor is None or trail.domain is None or not len(node.directory.routes.policies):
        return None
    return node.directory.routes.policy(trail.aor, trail.domain.domain_id)
