"""As whom users call beyond their own tenant, and how a call that leads nowhere is refused.

What users may dial is decided by directory/leading.py, by the outbound policies.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from proxy.core.request_context import Reject, RequestContext
from proxy.core.target_set import Changes, ShownCaller
from proxy.directory.header_lines import is_one_line
from proxy.directory.leading import RELAYING_DENIED

if TYPE_CHECKING:
    from proxy.directory.leading import Refused
    from proxy.node import Node

    from .trail import Trail

log = logging.getLogger(__name__)

_NOT_FOR_OTHERS: Final = (
    b"warning",
    b'399 fedsip "requests from other domains are taken to the users of ours alone"',
)


def refusal(call: RequestContext, trail: Trail, why: Refused) -> Reject:
    """The answer to a call that leads nowhere, logged where a policy does not allow it."""
    if why.not_allowed and trail.domain is not None:
        log.info(
            "destination not allowed class=%s user=%s tenant=%s call_id=%s",
            why.not_allowed,
            (trail.aor or trail.domain.name).decode(errors="replace"),
            trail.domain.tenant.decode(),
            call.original.call_id.decode(errors="replace"),
        )
    if why.reason == RELAYING_DENIED:
        return relaying_denied()
    return Reject(why.status, why.reason)


def relaying_denied() -> Reject:
    """The answer to a stranger who wants what is for somebody else: we are no open relay."""
    return Reject(403, RELAYING_DENIED, (_NOT_FOR_OTHERS,))


def shown(node: Node, trail: Trail) -> Trail:
    """The trail with the payer's own caller ID, where no rule has said another one. Raises
    Reject 500 for one that cannot be written."""
    if trail.aor is None or trail.domain is None or not len(node.directory.routes.policies):
        return trail
    policy = node.directory.routes.policy(trail.aor, trail.domain.domain_id)
    if policy is None or not (policy.caller_id or policy.caller_name):
        return trail
    changes = trail.changes or Changes()
    if changes.caller is not None:
        return trail
    if not is_one_line(policy.caller_name):  # written past the services
        log.warning("caller name has line ends or control characters policy=%d", policy.policy_id)
        raise Reject(500, b"Caller name cannot be shown")
    caller = ShownCaller(policy.caller_id, policy.caller_name.encode())
    return replace(trail, changes=replace(changes, caller=caller))
