"""On whose account a call goes on, and by which diversions it came there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from proxy.core.request_context import Reject
from proxy.core.target_set import Changes
from proxy.sip.uri import Aor

if TYPE_CHECKING:
    from proxy.core.request_context import RequestContext
    from proxy.directory.model import Domain

_MOST_DIVERSIONS: Final = 5
# RFC 4458 s2: why a call was diverted, as a cause; and the words of RFC 5806 for it.
CAUSES: Final = {
    "always": (302, b"unconditional"),
    "busy": (486, b"user-busy"),
    "no_answer": (408, b"no-answer"),
    "not_registered": (503, b"unavailable"),
}


@dataclass(frozen=True, slots=True)
class Diversion:
    """A user or ring group that sent the call elsewhere."""

    aor: Aor
    condition: str


@dataclass(frozen=True, slots=True)
class Trail:
    """The caller, or the last one who diverted the call, pays: his domain's rules and policies
    hold for what comes."""

    domain: Domain | None
    aor: Aor | None
    """None for a stranger, or for a caller of an open domain."""
    diversions: tuple[Diversion, ...] = ()
    changes: Changes | None = None
    trunk: bytes = b""
    """By which the call must leave."""

    def diverted(self, domain: Domain, diversion: Diversion) -> Trail:
        """The trail after one more diversion; raises Reject 482 where calls go in circles."""
        known = {each.aor for each in self.diversions}
        if diversion.aor in known or len(self.diversions) >= _MOST_DIVERSIONS:
            raise Reject(482, b"Too many diversions")
        return Trail(domain, diversion.aor, (*self.diversions, diversion))

    def led(self, changes: Changes, trunk: bytes) -> Trail:
        """The trail after a rule."""
        return replace(self, changes=changes, trunk=trunk)


def of_caller(call: RequestContext) -> Trail:
    """The trail of a call that nobody has diverted yet."""
    aor = None if call.subscriber is None else call.subscriber.aor
    return Trail(call.domain, aor, (), call.notes.changes, call.notes.trunk)
