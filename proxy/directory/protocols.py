"""What is asked of a directory to find where an address leads (leading.py). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.sip.uri import Aor

    from .model import (
        Alias,
        Domain,
        Forward,
        Gateway,
        OutboundPolicy,
        RingGroup,
        Subscriber,
        Trunk,
    )


class KnownRoutes(Protocol):
    """What is asked of routes.py."""

    def alias(self, aor: Aor) -> Alias | None: ...
    def group(self, aor: Aor) -> RingGroup | None: ...
    def forwards_of(self, aor: Aor) -> dict[str, Forward]: ...
    def trunk(self, domain_id: int, name: bytes) -> Trunk | None: ...
    def gateways_of(self, trunk: Trunk) -> tuple[Gateway, ...]: ...
    def policy(self, aor: Aor, domain_id: int) -> OutboundPolicy | None: ...


class Known(Protocol):
    """What is asked of a directory."""

    @property
    def routes(self) -> KnownRoutes: ...
    def domain(self, name: bytes) -> Domain | None: ...
    def subscriber(self, aor: Aor) -> Subscriber | None: ...
