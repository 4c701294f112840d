"""How the torture messages are written down: lines of text, made into what is on the wire."""

from __future__ import annotations


def wire(text: bytes) -> bytes:
    """The message as sent: CRLF for each line end, without the line end the literal begins with."""
    return text.removeprefix(b"\n").replace(b"\n", b"\r\n")


def sdp(host: bytes, *, time: bytes = b"0 0", connection: bytes | None = None) -> bytes:
    """The description that most INVITEs of RFC 4475 have, with line ends as in `wire` texts."""
    return b"""v=0
o=mhandley 29739 7272939 IN IP4 %b
s=-
c=IN IP4 %b
t=%b
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
""" % (host, connection or host, time)
