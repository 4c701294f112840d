"""On whose account a call goes on, and by which diversions it came there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from proxy.core.target_set import Changes
from proxy.directory.leading import Diversion, Payer
from proxy.sip.uri import Aor

if TYPE_CHECKING:
    from proxy.core.request_context import RequestContext
    from proxy.directory.model import Domain

# RFC 4458 s2: why a call was diverted, as a cause; and the words of RFC 5806 for it.
CAUSES: Final = {
    "always": (302, b"unconditional"),
    "busy": (486, b"user-busy"),
    "no_answer": (408, b"no-answer"),
    "not_registered": (503, b"unavailable"),
}


@dataclass(frozen=True, slots=True)
class Trail:
    """Who pays for what comes, what rules changed in the request, and by which trunk it must go."""

    payer: Payer
    changes: Changes | None = None
    trunk: bytes = b""

    @property
    def domain(self) -> Domain | None:
        return self.payer.domain

    @property
    def aor(self) -> Aor | None:
        return self.payer.aor

    @property
    def diversions(self) -> tuple[Diversion, ...]:
        return self.payer.diversions

    def led(self, changes: Changes, trunk: bytes) -> Trail:
        """The trail after a rule."""
        return replace(self, changes=changes, trunk=trunk)


def of_caller(call: RequestContext) -> Trail:
    """The trail of a call that nobody has diverted yet."""
    aor = None if call.subscriber is None else call.subscriber.aor
    return Trail(Payer(call.domain, aor), call.notes.changes, call.notes.trunk)
