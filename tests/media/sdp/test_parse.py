"""Descriptions that phones send, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.sdp import Connection, Line, Media, Origin, ParseError, Session, parse, serialise

WHOLE = b"""v=0\r
o=alice 2890844526 2890844527 IN IP4 host.example\r
s=-\r
i=A Seminar\r
c=IN IP4 192.0.2.1\r
b=AS:128\r
t=0 0\r
a=recvonly\r
m=audio 49170/2 RTP/AVP 0 101\r
i=sound\r
a=rtpmap:101 telephone-event/8000\r
m=video 0 RTP/AVPF 99\r
c=IN IP6 2001:db8::1\r
a=rtcp:53020 IN IP6 2001:db8::2\r
m=application 9 TCP/MSRP *\r
"""
BAD = [
    (b"", "does not begin with v=0", 0),
    (b"v=1\r\no=- 1 1 IN IP4 h\r\n", "does not begin with v=0", 0),
    (b"m=audio 1 RTP/AVP 0\r\n", "does not begin with v=0", 0),
    (b"v=0\r\n", "no o= line", 0),
    (b"v=0\r\no=- 1 1 IN IP5 h\r\n", "o= without an address", 2),
    (b"v=0\r\no=h\r\n", "o= without an address", 2),
    (b"v=0\r\n\r\no=- 1 1 IN IP4 h\r\n", "not of the form x=...", 2),
    (b"v=0\r\nhello\r\n", "not of the form x=...", 2),
    (b"v=0\r\n5=x\r\n", "not of the form x=...", 2),
    (b"v=0\no=- 1 1 IN IP4 h\nc=IN IP4\n", "c= is not IN with a family and an address", 3),
    (b"v=0\no=- 1 1 IN IP4 h\nc=ATM IP4 h\n", "c= is not IN with a family and an address", 3),
    (b"v=0\no=- 1 1 IN IP4 h\nm=audio 1\n", "m= without kind, port and protocol", 3),
    (b"v=0\no=- 1 1 IN IP4 h\nm=audio x RTP/AVP\n", "m= without a port", 3),
    (b"v=0\no=- 1 1 IN IP4 h\nm=audio 65536 RTP/AVP\n", "m= without a port", 3),
    (b"v=0\no=- 1 1 IN IP4 h\nm=audio 999999 RTP/AVP\n", "m= without a port", 3),
    (b"v=0\r\n" + b"a=x\r\n" * 20_000, "too long", 0),
    (b"v=0\no=- 1 1 IN IP4 h\n" + b"m=a 1 x\n" * 33, "more than 32 media sections", 35),
]


def test_whole() -> None:
    found = parse(WHOLE)
    assert found.origin == Origin(
        b"alice 2890844526 2890844527 IN", Connection(b"IP4", b"host.example")
    )
    assert found.connection == Connection(b"IP4", b"192.0.2.1")
    assert found.lines[-1] == Line(b"a", b"recvonly")
    audio, video, msrp = found.media
    assert (audio.kind, audio.port, audio.protocol) == (b"audio", 49170, b"RTP/AVP")
    assert audio.formats == (b"0", b"101")
    assert audio.connection is None
    assert video.connection == Connection(b"IP6", b"2001:db8::1")
    assert video.is_disabled
    assert (msrp.formats, msrp.is_relayed) == ((b"*",), False)


@pytest.mark.parametrize("ending", [b"\r\n", b"\n", b"\r"])
def test_endings_are_kept(ending: bytes) -> None:
    body = WHOLE.replace(b"\r\n", ending)
    assert serialise(parse(body)) == body
    assert parse(body).ending == ending


@pytest.mark.parametrize("tail", [b"\r\n", b"\r\n\r\n", b"\n"])
def test_blank_lines_at_the_end_are_borne(tail: bytes) -> None:
    assert serialise(parse(WHOLE + tail)) == WHOLE


def test_last_line_without_an_ending_gets_one() -> None:
    assert serialise(parse(WHOLE.removesuffix(b"\r\n"))) == WHOLE


def test_first_of_several_connections_counts() -> None:
    body = b"v=0\no=- 1 1 IN IP4 h\nc=in ip4 192.0.2.1/127\nc=IN IP4 192.0.2.2\n"
    assert parse(body).connection == Connection(b"IP4", b"192.0.2.1/127")


@pytest.mark.parametrize(("body", "message", "line"), BAD, ids=range(len(BAD)))
def test_bad(body: bytes, message: str, line: int) -> None:
    with pytest.raises(ParseError) as caught:
        parse(body)
    assert (caught.value.message, caught.value.line) == (message, line)


WORDS = st.sampled_from(
    (
        b"v=0|o=- 1 1 IN IP4 192.0.2.1|c=IN IP6 ::1|c=IN IP4 0.0.0.0|a=sendonly|a=|b=||o=|\xff"
        b"|m=audio 5 RTP/AVP 0|m=x 0 y z|m=audio 1/2 UDP/TLS/RTP/SAVPF 0 1 2"
        b"|a=rtcp:7 IN IP4 h|a=rtcp:99999|a=rtpmap:9 x/0|a=rtpmap:"
    ).split(b"|")
)


@given(st.binary(max_size=60) | st.lists(WORDS, max_size=12).map(b"\r\n".join))
def test_any_bytes(body: bytes) -> None:
    try:
        found = parse(body)
    except ParseError:
        return
    again = parse(serialise(found))
    assert again == found
    for media in found.media:
        _look_at_everything(found, media)


def _look_at_everything(session: Session, media: Media) -> None:
    connection = session.connection_of(media)
    assert connection is None or connection.host != ""
    assert all(rate > 0 for rate in media.clock_rates().values())
    assert session.direction_of(media) in (b"sendrecv", b"sendonly", b"recvonly", b"inactive")
    assert media.rtcp is None or media.rtcp[0] <= 65_535
