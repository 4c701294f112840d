"""What a tenant may use: calls at the same time, and calls begun in a second; and a user: calls
that she makes at the same time.

All of it is counted in constant time, and holds for all nodes together (observe/platform_use.py). A
call counts for its caller's tenant, and a stranger's for the one he calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proxy.core.request_context import Reject, RequestContext

if TYPE_CHECKING:
    from proxy.node import Node

_SOME_SECONDS: Final = 10  # nobody knows when a call will end


def refuse_above(call: RequestContext, node: Node) -> None:
    """503 with Retry-After for an INVITE that is one too many for its tenant, or for its user."""
    domain = call.domain or call.callee_domain
    if call.method != b"INVITE" or domain is None:
        return
    tenant_id = domain.tenant_id
    most, rate = domain.tenant_max_calls, domain.tenant_max_calls_per_second
    if most is not None:
        here = node.calls.of_tenant(tenant_id)
        if here + node.platform_use.elsewhere(tenant_id) >= most:
            raise _too_many(b"Too Many Calls", _SOME_SECONDS)
    user = call.subscriber
    its_most = None if user is None else user.max_calls
    if user is not None and its_most is not None:
        use = node.platform_use
        if node.calls.of_user(user.aor) + use.of_user_elsewhere(user.aor) >= its_most:
            raise _too_many(b"Too Many Calls Of This User", _SOME_SECONDS)
        use.user_begins(user.aor, now=call.now)
    if rate is not None:
        if node.tenant_rates.wait(tenant_id, rate, now=call.now) > 0:
            raise _too_many(b"Too Many Calls Per Second", 1)
        node.platform_use.begins(tenant_id, rate, now=call.now)


def _too_many(reason: bytes, seconds: int) -> Reject:
    return Reject(503, reason, ((b"Retry-After", b"%d" % seconds),))
