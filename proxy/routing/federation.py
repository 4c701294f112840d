"""Who may leave for foreign domains, and how: by locating the domain (RFC 3263)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.request_context import Reject, RequestContext
from proxy.core.target_set import Target

if TYPE_CHECKING:
    from proxy.sip.uri import SipUri


def leave(call: RequestContext, uri: SipUri) -> None:
    """Target a foreign domain. The caller is one of ours and authenticated; raises Reject 403."""
    domain = call.domain
    if domain is None:
        raise Reject(403, b"Relaying denied")
    if domain.federation == "closed":
        raise Reject(403, b"This domain does not call others")
    call.targets.add(Target(uri))
