"""Who may leave for foreign domains, and how: by locating the domain (RFC 3263)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.request_context import Reject, RequestContext
from proxy.core.target_set import Target

if TYPE_CHECKING:
    from proxy.sip.uri import SipUri


def leave(call: RequestContext, uri: SipUri) -> None:
    """Target a foreign domain; raises Reject 403.

    Only for a user of ours who proved it, or from an open domain whose tenant lets it call out.
    What the rules made of the Request-URI counts, not what was dialled.
    """
    domain = call.domain
    if domain is None:
        raise Reject(403, b"Relaying denied")
    if call.subscriber is None and not domain.unauthenticated_calls_out:
        raise Reject(403, b"Calls to other domains are not allowed")
    if domain.federation == "closed":
        raise Reject(403, b"This domain does not call others")
    call.targets.add(Target(uri))
