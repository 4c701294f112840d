"""Who is at the other end, as the proxy is told."""

from __future__ import annotations

from typing import Any

import pytest

from fedsip_platform.gateway.peer import preamble_of
from proxy.transport.gateway_frames import Preamble


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (
            {"client": ["192.0.2.7", 4000], "server": ["192.0.2.1", 443], "scheme": "wss"},
            Preamble(("192.0.2.7", 4000), ("192.0.2.1", 443), True),
        ),
        (
            {"client": ["2001:db8::7", 4000], "server": ["2001:db8::1", 80], "scheme": "ws"},
            Preamble(("2001:db8::7", 4000), ("2001:db8::1", 80), False),
        ),
        (  # a socket of both families
            {"client": ["::ffff:192.0.2.7", 4000], "server": ["::ffff:192.0.2.1", 443]},
            Preamble(("192.0.2.7", 4000), ("192.0.2.1", 443), False),
        ),
        (  # a reverse proxy that speaks IPv4 to us, and IPv6 to the browser
            {"client": ["2001:db8::7", 0], "server": ["127.0.0.1", 443], "scheme": "wss"},
            Preamble(("2001:db8::7", 0), ("::1", 443), True),
        ),
        (
            {"client": ["fe80::1%eth0", 9], "server": ["fe80::2", 443]},
            Preamble(("fe80::1", 9), ("fe80::2", 443), False),
        ),
        (  # a Unix socket
            {"client": None, "server": ["/run/web.sock", None]},
            Preamble(("127.0.0.1", 0), ("127.0.0.1", 0), False),
        ),
    ],
)
def test_preamble(scope: dict[str, Any], expected: Preamble) -> None:
    assert preamble_of(scope) == expected
    assert preamble_of(scope).serialise()  # both of one family
