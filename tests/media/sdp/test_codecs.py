"""What is left of offers of real phones when only some codecs are allowed."""

from __future__ import annotations

import pytest

from media.sdp import Allowed, Media, choose, parse, serialise

PHONE = """m=audio 4000 RTP/AVP 0 8 9 101
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
"""
CHROME = """m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 116
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:102 H264/90000
a=fmtp:102 packetization-mode=1
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:116 ulpfec/90000
a=rtcp-fb:* ccm fir
"""


def left(sections: str, allowed: Allowed) -> list[Media]:
    """The sections as they go on, which must be what is written as well."""
    head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    found = choose(parse((head + sections.replace("\n", "\r\n")).encode()), allowed)
    assert found is not None
    written = parse(serialise(found))
    assert [one.formats for one in written.media] == [one.formats for one in found.media]
    return list(written.media)


def only(*names: bytes) -> Allowed:
    return Allowed(strips_all=True, first=names)


@pytest.mark.parametrize(
    ("sections", "allowed", "formats"),
    [
        (PHONE, Allowed(), [b"0 8 9 101"]),
        (PHONE, only(b"pcma"), [b"8 101"]),
        (PHONE, only(b"g722", b"pcmu"), [b"9 0 101"]),
        (PHONE, Allowed(strip=(b"pcmu", b"telephone-event")), [b"8 9"]),
        (PHONE, Allowed(first=(b"g722",)), [b"9 0 8 101"]),
        (PHONE, Allowed(strip=(b"pcmu",), kept=(b"pcmu",)), [b"0 8 9 101"]),
        (PHONE, Allowed(strips_all=True, kept=(b"g722", b"pcmu")), [b"0 9 101"]),
        (CHROME, only(b"opus", b"vp8"), [b"111 63 13 110 126", b"96 97 116"]),
        (CHROME, only(b"pcma", b"opus/48000/2", b"h264"), [b"8 111 63 13 110 126", b"102 103 116"]),
        (CHROME, only(b"opus/8000", b"pcmu", b"vp8"), [b"0 13 110 126", b"96 97 116"]),
    ],
)
def test_formats(sections: str, allowed: Allowed, formats: list[bytes]) -> None:
    assert [b" ".join(one.formats) for one in left(sections, allowed)] == formats


def test_what_is_said_of_a_codec_goes_with_it() -> None:
    audio, video = left(CHROME, only(b"pcmu", b"h264"))
    said = {line.value for line in (*audio.lines, *video.lines) if line.kind == b"a"}
    assert b"rtpmap:0 PCMU/8000" in said
    assert b"rtcp-fb:* ccm fir" in said
    assert not {value for value in said if value.split(b" ")[0].endswith((b":111", b":63", b":96"))}
    assert b"fmtp:103 apt=102" in said


def test_a_section_without_a_codec_is_offered_as_refused() -> None:
    audio, video = left(CHROME, only(b"opus"))
    assert (audio.port, video.port) == (9, 0)
    assert video.formats == (b"96", b"97", b"102", b"103", b"116")


def test_no_section_is_left() -> None:
    head = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
    session = parse(head + PHONE.replace("\n", "\r\n").encode())
    assert choose(session, only(b"opus")) is None


def test_fax_and_disabled_sections_are_left_alone() -> None:
    sections = "m=image 4000 udptl t38\nm=audio 0 RTP/AVP 0\nm=audio 4002 RTP/AVP 8\n"
    fax, disabled, audio = left(sections, only(b"pcma"))
    assert (fax.port, disabled.port, audio.port) == (4000, 0, 4002)
    assert disabled.formats == (b"0",)
