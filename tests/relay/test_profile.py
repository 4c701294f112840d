"""The table of profile.py, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from media.ng import CodecChoice, Options
from proxy.relay.profile import SideFacts, options_towards

_REPLACE = (b"origin", b"session-connection")
SIP4, SIP6 = SideFacts(4), SideFacts(6)
BROWSER = SideFacts(4, is_websocket=True)
OFFERED, REQUIRED = SideFacts(4, srtp="offered"), SideFacts(4, srtp="required")
DTLS = SideFacts(4, srtp="dtls")
INSIDE = SideFacts(4, interface=b"inside")
EITHER = SideFacts(4, srtp="either")
SECURE_BROWSER = SideFacts(4, is_websocket=True, srtp="required")
KEEP = b"keep-profile"
NO_SUITES = tuple(
    b"no-" + name + length
    for name in (b"NULL_HMAC_SHA1", b"F8_128_HMAC_SHA1")
    for length in (b"_80", b"_32")
)
NAT = SideFacts(4, is_nat=True, source="203.0.113.9")
ALICE = SideFacts(4, user=b"alice")
WIDE = SideFacts(4, codecs=(b"opus", b"g722", b"pcma"))
NARROW = SideFacts(4, codecs=(b"pcmu/8000", b"pcma/8000"))
BESIDE = (b"telephone-event", b"cn")


def plain(
    family: bytes = b"IP4",
    transport: bytes = b"RTP/AVP",
    *,
    flags: tuple[bytes, ...] = (),
    osrtp: tuple[bytes, ...] = (),
    received_from: bytes = b"",
    label: bytes = b"",
    codecs: tuple[bytes, ...] | None = None,
) -> Options:
    return Options(
        ice=b"remove",
        dtls=b"off",
        sdes=NO_SUITES,
        transport_protocol=transport,
        address_family=family,
        rtcp_mux=(b"demux",),
        replace=_REPLACE,
        osrtp=osrtp,
        flags=(KEEP, *flags, b"pad-crypto"),
        received_from=received_from,
        label=label,
        codec=CodecChoice() if codecs is None else CodecChoice((b"all",), BESIDE, codecs),
    )


WEBRTC = Options(
    ice=b"force",
    sdes=(b"off",),
    transport_protocol=b"UDP/TLS/RTP/SAVPF",
    address_family=b"IP4",
    rtcp_mux=(b"offer", b"require"),
    replace=_REPLACE,
    flags=(KEEP,),
)


@pytest.mark.parametrize(
    ("sender", "receiver", "options"),
    [
        (SIP4, SIP4, plain(b"IP4")),
        (SIP4, SIP6, plain(b"IP6")),
        (SIP6, SIP4, plain(b"IP4")),
        (BROWSER, SIP4, plain(b"IP4")),
        (SIP4, OFFERED, plain(osrtp=(b"offer",))),
        (OFFERED, SIP4, plain(osrtp=(b"accept",))),
        (OFFERED, OFFERED, plain(osrtp=(b"accept", b"offer"))),
        (SIP4, REQUIRED, plain(transport=b"RTP/SAVP", flags=(b"srtp-required-towards",))),
        (INSIDE, SIP4, replace(plain(), direction=(b"inside", b"default"))),
        (SIP4, INSIDE, replace(plain(), direction=(b"default", b"inside"))),
        (REQUIRED, SIP4, plain(osrtp=(b"accept",), flags=(b"srtp-required",))),
        (
            SIP4,
            EITHER,
            replace(
                plain(transport=b"RTP/SAVP", flags=(b"srtp-required-towards",)),
                dtls=b"",
            ),
        ),
        (
            SIP4,
            DTLS,
            replace(
                WEBRTC,
                ice=b"remove",
                rtcp_mux=(b"offer", b"accept"),
                flags=(KEEP, b"srtp-required-towards"),
            ),
        ),
        (DTLS, SIP4, plain(osrtp=(b"accept",), flags=(b"srtp-required",))),
        (
            SIP4,
            SECURE_BROWSER,
            replace(WEBRTC, flags=(KEEP, b"srtp-required-towards")),
        ),
        (NAT, SIP6, plain(b"IP6", received_from=b"203.0.113.9")),
        (SIP4, NAT, plain(b"IP4")),
        (SIP4, BROWSER, WEBRTC),
        (ALICE, SIP4, plain(label=b"alice's phone")),
        (SIP4, ALICE, plain()),
        (replace(BROWSER, user=b"bob"), SIP4, plain(label=b"bob's browser")),
        (SIP4, WIDE, plain(codecs=(b"opus", b"g722", b"pcma"))),
        (WIDE, SIP4, plain(codecs=(b"opus", b"g722", b"pcma"))),
        (WIDE, NARROW, plain(codecs=(b"pcma/8000",))),
        (NARROW, WIDE, plain(codecs=(b"pcma",))),
        (replace(WIDE, codecs=(b"opus",)), NARROW, plain(codecs=())),
        (WIDE, BROWSER, replace(WEBRTC, codec=CodecChoice((b"all",), BESIDE, WIDE.codecs))),
        (BROWSER, BROWSER, WEBRTC),
    ],
)
def test_row(sender: SideFacts, receiver: SideFacts, options: Options) -> None:
    assert options_towards(receiver, sender) == options
