"""What the relay understands of a description."""

from __future__ import annotations

import pytest

from media.sdp import Connection, Media, Session, parse

HEAD = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"


def session_of(*lines: bytes) -> Session:
    return parse(HEAD + b"".join(line + b"\r\n" for line in lines))


def media_of(*lines: bytes) -> Media:
    return session_of(*lines).media[0]


@pytest.mark.parametrize(
    ("protocol", "is_relayed", "is_rtp", "is_secure"),
    [
        (b"RTP/AVP", True, True, False),
        (b"rtp/avpf", True, True, False),
        (b"RTP/SAVP", True, True, True),
        (b"UDP/TLS/RTP/SAVPF", True, True, True),
        (b"udptl", True, False, False),
        (b"UDP/DTLS/SCTP", True, False, False),
        (b"TCP/MSRP", False, False, False),
        (b"TCP/RTP/AVP", False, False, False),
        (b"x", False, False, False),
    ],
)
def test_profiles(protocol: bytes, is_relayed: bool, is_rtp: bool, is_secure: bool) -> None:
    media = media_of(b"m=audio 5004 " + protocol + b" 0")
    assert (media.is_relayed, media.is_rtp, media.is_secure) == (is_relayed, is_rtp, is_secure)


@pytest.mark.parametrize(
    ("connection", "host", "is_zero"),
    [
        (Connection(b"IP4", b"192.0.2.1"), "192.0.2.1", False),
        (Connection(b"IP4", b"192.0.2.1/127"), "192.0.2.1", False),
        (Connection(b"IP4", b"224.2.1.1/127"), None, False),
        (Connection(b"IP4", b"0.0.0.0"), None, True),
        (Connection(b"IP4", b"phone.example"), None, False),
        (Connection(b"IP4", b"2001:db8::1"), None, False),
        (Connection(b"IP4", b"\xff"), None, False),
        (Connection(b"IP6", b"2001:DB8:0::1"), "2001:db8::1", False),
        (Connection(b"IP6", b"::"), None, True),
    ],
)
def test_connection(connection: Connection, host: str | None, is_zero: bool) -> None:
    assert (connection.host, connection.is_zero) == (host, is_zero)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"", None),
        (b"x", None),
        (b"99999", None),
        (b"9" * 5000, None),
        (b"53020", (53020, None)),
        (b"53020 IN IP4", (53020, None)),
        (b"53020 IN IP4 192.0.2.7", (53020, Connection(b"IP4", b"192.0.2.7"))),
    ],
)
def test_rtcp(value: bytes, found: tuple[int, Connection | None] | None) -> None:
    assert media_of(b"m=audio 5004 RTP/AVP 0", b"a=rtcp:" + value).rtcp == found
    assert media_of(b"m=audio 5004 RTP/AVP 0").rtcp is None


def test_clock_rates() -> None:
    media = media_of(
        b"m=audio 5004 RTP/AVP 0 10 31 96 97 98 99 128 200 1000 x",
        b"a=rtpmap:96 opus/48000/2",
        b"a=rtpmap:97 broken",
        b"a=rtpmap:98 zero/0",
        b"a=rtpmap:x y/1",
        b"a=rtpmap:101 late/16000",
        b"a=rtpmap:102 far/           24000/2",
        b"a=rtpmap:128 beyond/16000",
    )
    assert media.clock_rates() == {
        0: 8_000,
        10: 44_100,
        31: 90_000,
        96: 48_000,
        97: 8_000,
        98: 8_000,
        99: 8_000,
        101: 16_000,
        102: 24_000,
    }
    assert media.payload_types == {0, 10, 31, 96, 97, 98, 99}


@pytest.mark.parametrize(
    ("lines", "direction", "is_held"),
    [
        ((b"m=audio 5 RTP/AVP 0",), b"sendrecv", False),
        ((b"a=inactive", b"m=audio 5 RTP/AVP 0"), b"inactive", True),
        ((b"a=inactive", b"m=audio 5 RTP/AVP 0", b"a=recvonly"), b"recvonly", False),
        ((b"m=audio 5 RTP/AVP 0", b"a=sendonly"), b"sendonly", True),
        ((b"c=IN IP4 0.0.0.0", b"m=audio 5 RTP/AVP 0"), b"sendrecv", True),
        ((b"c=IN IP4 0.0.0.0", b"m=audio 9 RTP/AVP 0"), b"sendrecv", True),
        ((b"c=IN IP4 0.0.0.0", b"m=audio 5 RTP/AVP 0", b"a=ice-ufrag:x"), b"sendrecv", True),
        ((b"c=IN IP4 0.0.0.0", b"m=audio 9 RTP/AVP 0", b"a=ice-ufrag:x"), b"sendrecv", False),
        ((b"a=ice-ufrag:x", b"m=audio 0 RTP/AVP 0", b"c=IN IP6 ::"), b"sendrecv", False),
        ((b"a=ice-ufrag:x", b"m=audio 9 RTP/AVP 0", b"a=inactive"), b"inactive", True),
        ((b"c=IN IP4 0.0.0.0", b"m=audio 5 RTP/AVP 0", b"c=IN IP4 192.0.2.1"), b"sendrecv", False),
    ],
)
def test_hold(lines: tuple[bytes, ...], direction: bytes, is_held: bool) -> None:
    session = session_of(*lines)
    [media] = session.media
    assert (session.direction_of(media), session.is_held(media)) == (direction, is_held)


def test_attributes() -> None:
    media = media_of(b"m=audio 5 RTP/AVP 0", b"a=rtcp-mux", b"a=x:1", b"a=x:2", b"b=rtcp:3")
    assert media.attribute(b"rtcp-mux") == b""
    assert media.attribute(b"x") == b"1"
    assert media.attribute(b"rtcp") is None
    assert media.offers_mux
    assert [line.attribute for line in media.lines] == [b"", b"rtcp-mux", b"x", b"x", b""]
