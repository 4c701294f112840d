"""Takes the client's address and scheme from a reverse proxy that the operator trusts.

Without FEDSIP_WEB_TRUSTED_PROXIES it changes nothing, and X-Forwarded-* of anybody is ignored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fedsip_platform.client_address import Network, believed, is_in

_SECURE = {"http": "https", "websocket": "wss"}


class TrustedProxies:
    """ASGI middleware around the whole application."""

    __slots__ = ("_application", "_trusted")

    def __init__(
        self, application: Callable[..., Awaitable[None]], trusted: Sequence[Network]
    ) -> None:
        self._application = application
        self._trusted = trusted

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        peer = scope.get("client")
        if self._trusted and peer and is_in(peer[0], self._trusted):
            scope = _as_reported(scope, peer[0], self._trusted)
        await self._application(scope, receive, send)


def _as_reported(scope: dict[str, Any], peer: str, trusted: Sequence[Network]) -> dict[str, Any]:
    forwarded_for: list[str] = []
    scheme = None
    for name, value in scope["headers"]:
        if name == b"x-forwarded-for":
            forwarded_for += [part.strip() for part in value.decode("latin-1").split(",")]
        elif name == b"x-forwarded-proto":
            scheme = value.decode("latin-1").strip().lower()
    changed = dict(scope)
    changed["client"] = (believed(peer, forwarded_for, trusted), 0)
    if scheme == "https":
        changed["scheme"] = _SECURE[scope["type"]]
    return changed
