"""Which pages may open a WebSocket for SIP: our own, and those that a tenant has listed.

A browser says by Origin whose page it is that connects (RFC 6455 s10.2). What is no browser sends
none; it cannot be lured by a page, and its credentials decide like those of any phone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from django.http.request import validate_host

Listers = Callable[[str], Awaitable[list[int]]]
ALL: Final[tuple[int, ...]] = ()


class Origins:
    """`own_hosts` as ALLOWED_HOSTS; `listers(origin)` gives the ids of the tenants that list it."""

    __slots__ = ("_listers", "_own_hosts")

    def __init__(self, own_hosts: Sequence[str], listers: Listers) -> None:
        self._own_hosts = [host for host in own_hosts if host != "*"]
        self._listers = listers

    async def tenants_for(self, origin: str, host: str) -> Sequence[int] | None:
        """For which tenants a page of `origin` may speak, which knows us as `host`: ALL, those that
        have listed it, or None: it may not connect."""
        if not origin:
            return ALL
        normal = normal_origin(origin)
        if normal is None:
            return None  # "null" too: a file, a sandboxed frame
        parts = urlsplit(normal)
        if normal == normal_origin(f"{parts.scheme}://{host}"):
            return ALL
        if validate_host(_host_of(normal), self._own_hosts):
            return ALL
        return await self._listers(normal) or None


def normal_origin(text: str) -> str | None:
    """Scheme, host and port in one spelling, without the scheme's own port; None if it is none."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return None
    if parts.path.strip("/") or parts.query or parts.fragment:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if port in (None, default) else f":{port}")


def _host_of(normal: str) -> str:
    host = normal.partition("://")[2]
    return host if host.endswith("]") else host.rpartition(":")[0] or host
