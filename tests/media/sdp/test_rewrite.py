"""Bodies before and after: addresses, ports, profiles, ICE, bundles; all else untouched."""

from __future__ import annotations

import pytest

from media.sdp import Connection, MediaRewrite, Rewrite, parse, rewrite
from media.sdp.model import IP4, IP6

V4 = Connection(IP4, b"203.0.113.9")
V6 = Connection(IP6, b"2001:db8::9")
AUDIO = MediaRewrite(30000, 30001, False, b"RTP/AVP")
MUXED = MediaRewrite(30000, 30000, True, b"RTP/AVP")
VIDEO = MediaRewrite(30002, 30003, False, b"RTP/AVP")
FAX = MediaRewrite(30002, None, False, b"udptl")

CASES: dict[str, tuple[str, Rewrite, str]] = {
    "only what must change": (
        "v=0|o=a 1 2 IN IP4 10.0.0.1|s= x |c=IN IP4 10.0.0.1|t=0 0|a=tool:x"
        "|m=audio 5004 RTP/AVP 0 8|i=in|b=AS:64|k=clear:x|a=rtpmap:0 PCMU/8000|a=ptime:20",
        Rewrite(V4, (AUDIO,)),
        "v=0|o=a 1 2 IN IP4 10.0.0.1|s= x |c=IN IP4 203.0.113.9|t=0 0|a=tool:x"
        "|m=audio 30000 RTP/AVP 0 8|i=in|b=AS:64|k=clear:x|a=rtpmap:0 PCMU/8000|a=ptime:20",
    ),
    "origin, and another family": (
        "v=0|o=a 1 2 IN IP4 10.0.0.1|s=-|c=IN IP4 10.0.0.1|m=audio 5004 RTP/AVP 0",
        Rewrite(V6, (AUDIO,), origin=True),
        "v=0|o=a 1 2 IN IP6 2001:db8::9|s=-|c=IN IP6 2001:db8::9|m=audio 30000 RTP/AVP 0",
    ),
    "from IPv6 to IPv4": (
        "v=0|o=a 1 2 IN IP6 fd00::1|s=-|m=audio 5004 RTP/AVP 0|c=IN IP6 fd00::1",
        Rewrite(V4, (AUDIO,), origin=True),
        "v=0|o=a 1 2 IN IP4 203.0.113.9|s=-|m=audio 30000 RTP/AVP 0|c=IN IP4 203.0.113.9",
    ),
    "session address that no section needs stays": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 5004 RTP/AVP 0|c=IN IP4 10.0.0.2",
        Rewrite(V4, (AUDIO,)),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 30000 RTP/AVP 0|c=IN IP4 203.0.113.9",
    ),
    "unless it is asked for": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 5004 RTP/AVP 0|c=IN IP4 10.0.0.2",
        Rewrite(V4, (AUDIO,), session_connection=True),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9"
        "|m=audio 30000 RTP/AVP 0|c=IN IP4 203.0.113.9",
    ),
    "no address at all gets one": (
        "v=0|o=a 1 2 IN IP4 h|s=-|m=audio 5004 RTP/AVP 0|a=x",
        Rewrite(V4, (AUDIO,), session_connection=True),
        "v=0|o=a 1 2 IN IP4 h|s=-|m=audio 30000 RTP/AVP 0|c=IN IP4 203.0.113.9|a=x",
    ),
    "layers of multicast become one": (
        "v=0|o=a 1 2 IN IP4 h|s=-|m=audio 5004/2 RTP/AVP 0|c=IN IP4 224.0.0.1|c=IN IP4 224.0.0.2",
        Rewrite(V4, (AUDIO,)),
        "v=0|o=a 1 2 IN IP4 h|s=-|m=audio 30000 RTP/AVP 0|c=IN IP4 203.0.113.9",
    ),
    "candidates that come later, or are another section's, are no hold": (
        "v=0|o=a 1 2 IN IP4 127.0.0.1|s=-|m=audio 9 RTP/AVP 0|c=IN IP4 0.0.0.0|a=ice-ufrag:x"
        "|m=video 5004 RTP/AVP 31|c=IN IP4 0.0.0.0|a=ice-ufrag:x",
        Rewrite(V4, (AUDIO, VIDEO)),
        "v=0|o=a 1 2 IN IP4 127.0.0.1|s=-|m=audio 30000 RTP/AVP 0|c=IN IP4 203.0.113.9"
        "|m=video 30002 RTP/AVP 31|c=IN IP4 0.0.0.0",
    ),
    "the same in the session's address": (
        "v=0|o=a 1 2 IN IP4 127.0.0.1|s=-|c=IN IP4 0.0.0.0|a=ice-ufrag:x|m=audio 9 RTP/AVP 0",
        Rewrite(V4, (AUDIO,)),
        "v=0|o=a 1 2 IN IP4 127.0.0.1|s=-|c=IN IP4 203.0.113.9|m=audio 30000 RTP/AVP 0",
    ),
    "hold by zero address stays hold": (
        "v=0|o=a 1 2 IN IP4 0.0.0.0|s=-|c=IN IP4 0.0.0.0|m=audio 5004 RTP/AVP 0",
        Rewrite(V6, (AUDIO,), origin=True, session_connection=True),
        "v=0|o=a 1 2 IN IP6 ::|s=-|c=IN IP6 ::|m=audio 30000 RTP/AVP 0",
    ),
    "hold of one section": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 5004 RTP/AVP 0|c=IN IP4 0.0.0.0"
        "|m=video 5006 RTP/AVP 31",
        Rewrite(V4, (AUDIO, VIDEO)),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9|m=audio 30000 RTP/AVP 0|c=IN IP4 0.0.0.0"
        "|m=video 30002 RTP/AVP 31",
    ),
    "several sections, one refused, one not ours": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 0 RTP/AVP 0|a=x"
        "|m=message 2855 TCP/MSRP *|a=path:y|m=video 5006 RTP/AVP 31",
        Rewrite(V4, (None, None, VIDEO)),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9|m=audio 0 RTP/AVP 0|a=x"
        "|m=message 2855 TCP/MSRP *|c=IN IP4 10.0.0.1|a=path:y|m=video 30002 RTP/AVP 31",
    ),
    "not ours, with an address of its own": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=message 2855 TCP/MSRP *|c=IN IP4 10.0.0.3"
        "|m=audio 5004 RTP/AVP 0",
        Rewrite(V4, (None, AUDIO)),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9|m=message 2855 TCP/MSRP *|c=IN IP4 10.0.0.3"
        "|m=audio 30000 RTP/AVP 0",
    ),
    "fax has no rtcp": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 0 RTP/AVP 0"
        "|m=image 5006 udptl t38|a=rtcp:5007|a=T38FaxVersion:0",
        Rewrite(V4, (None, FAX)),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9|m=audio 0 RTP/AVP 0"
        "|m=image 30002 udptl t38|a=T38FaxVersion:0",
    ),
    "rtcp, short and long": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 5004 RTP/AVP 0|a=rtcp:9"
        "|m=video 5006 RTP/AVP 31|a=rtcp:9 IN IP4 10.0.0.7",
        Rewrite(V6, (AUDIO, VIDEO)),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP6 2001:db8::9|m=audio 30000 RTP/AVP 0|a=rtcp:30001"
        "|m=video 30002 RTP/AVP 31|a=rtcp:30003 IN IP6 2001:db8::9",
    ),
    "rtcp long by wish": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 5004 RTP/AVP 0|a=rtcp:9",
        Rewrite(V4, (AUDIO,), full_rtcp_attribute=True),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9|m=audio 30000 RTP/AVP 0"
        "|a=rtcp:30001 IN IP4 203.0.113.9",
    ),
    "rtcp not by wish": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 5004 RTP/AVP 0|a=rtcp:9",
        Rewrite(V4, (AUDIO,), rtcp_attribute=False),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9|m=audio 30000 RTP/AVP 0",
    ),
    "mux stays": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 5004 RTP/AVP 0|a=rtcp-mux|a=rtcp:9"
        "|a=rtcp-mux|a=sendrecv",
        Rewrite(V4, (MUXED,)),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9|m=audio 30000 RTP/AVP 0|a=rtcp-mux"
        "|a=rtcp:30000|a=sendrecv",
    ),
    "mux comes": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 5004 RTP/AVP 0|a=sendrecv",
        Rewrite(V4, (MUXED,)),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9|m=audio 30000 RTP/AVP 0|a=sendrecv"
        "|a=rtcp-mux",
    ),
    "mux goes": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|m=audio 5004 RTP/AVP 0|a=rtcp-mux",
        Rewrite(V4, (AUDIO,)),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9|m=audio 30000 RTP/AVP 0",
    ),
    "ICE and bundles go, feedback goes with its profile": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|a=group:BUNDLE 0 1|a=group:LS 0 1|a=ice-lite"
        "|a=ice-options:trickle|m=audio 5004 RTP/AVPF 0|a=ice-ufrag:x|a=ice-pwd:y"
        "|a=candidate:1 1 UDP 1 10.0.0.1 5004 typ host|a=end-of-candidates|a=mid:0"
        "|a=rtcp-fb:* nack|a=extmap:1 urn:x|m=video 0 RTP/AVPF 31|a=bundle-only|a=mid:1",
        Rewrite(V4, (AUDIO, None)),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9|a=group:LS 0 1"
        "|m=audio 30000 RTP/AVP 0|a=mid:0|a=extmap:1 urn:x|m=video 0 RTP/AVPF 31|a=mid:1",
    ),
    "ICE and feedback stay where they may": (
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 10.0.0.1|a=ice-lite|m=audio 5004 RTP/AVPF 0"
        "|a=rtcp-fb:* nack|a=ice-ufrag:x",
        Rewrite(V4, (MediaRewrite(30000, 30001, False, b"RTP/AVPF"),), ice=True),
        "v=0|o=a 1 2 IN IP4 h|s=-|c=IN IP4 203.0.113.9|a=ice-lite|m=audio 30000 RTP/AVPF 0"
        "|a=rtcp-fb:* nack|a=ice-ufrag:x",
    ),
}


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
@pytest.mark.parametrize("name", CASES)
def test_cases(name: str, ending: str) -> None:
    before, how, after = CASES[name]
    body = rewrite(parse(_body(before, ending)), how)
    assert body == _body(after, ending)


def _body(text: str, ending: str) -> bytes:
    return "".join(line + ending for line in text.split("|")).encode()
