"""Who is at the other end of a WebSocket, as the proxy is told. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

from proxy.transport.gateway_frames import Preamble

_NOWHERE: Final = {4: "127.0.0.1", 6: "::1"}


def preamble_of(scope: Mapping[str, Any], tenants: Sequence[int] = ()) -> Preamble:
    """The preamble for a connection of ASGI, whose client is the believed one (TrustedProxies).

    Behind a reverse proxy the browser's family may not be that of our own socket; the local
    address is then loopback's of the browser's family, since both must agree (PROXY v2).
    """
    source = _address(scope.get("client"))
    local = _address(scope.get("server"))
    if source is None:
        source = (ipaddress.ip_address(_NOWHERE[4]), 0)  # by a Unix socket
    if local is None or local[0].version != source[0].version:
        port = 0 if local is None else local[1]
        local = (ipaddress.ip_address(_NOWHERE[source[0].version]), port)
    return Preamble(
        (str(source[0]), source[1]),
        (str(local[0]), local[1]),
        scope.get("scheme") == "wss",
        tuple(tenants),
    )


def _address(given: Any) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int] | None:
    if not given:
        return None
    try:
        address = ipaddress.ip_address(str(given[0]).partition("%")[0])
    except ValueError:
        return None
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped  # a socket of both families
    return address, int(given[1] or 0)
