"""The table of profile.py, row by row."""

from __future__ import annotations

import pytest

from media.ng import Options
from proxy.relay.profile import SideFacts, options_towards

_REPLACE = (b"origin", b"session-connection")
SIP4, SIP6 = SideFacts(4), SideFacts(6)
BROWSER = SideFacts(4, is_websocket=True)
SRTP = SideFacts(4, wants_srtp=True)
NAT = SideFacts(4, is_nat=True, source="203.0.113.9")


def plain(family: bytes, transport: bytes = b"RTP/AVP", **more: bytes) -> Options:
    return Options(
        ice=b"remove",
        transport_protocol=transport,
        address_family=family,
        rtcp_mux=(b"demux",),
        replace=_REPLACE,
        **more,
    )


WEBRTC = Options(
    ice=b"force",
    transport_protocol=b"UDP/TLS/RTP/SAVPF",
    address_family=b"IP4",
    rtcp_mux=(b"offer", b"require"),
    replace=_REPLACE,
)


@pytest.mark.parametrize(
    ("sender", "receiver", "options"),
    [
        (SIP4, SIP4, plain(b"IP4")),
        (SIP4, SIP6, plain(b"IP6")),
        (SIP6, SIP4, plain(b"IP4")),
        (BROWSER, SIP4, plain(b"IP4")),
        (SIP4, SRTP, plain(b"IP4", b"RTP/SAVP")),
        (NAT, SIP6, plain(b"IP6", received_from=b"203.0.113.9")),
        (SIP4, NAT, plain(b"IP4")),
        (SIP4, BROWSER, WEBRTC),
        (BROWSER, BROWSER, WEBRTC),
    ],
)
def test_row(sender: SideFacts, receiver: SideFacts, options: Options) -> None:
    assert options_towards(receiver, sender) == options
