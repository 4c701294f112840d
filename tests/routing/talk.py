"""The real call of the talk, as its slides show it: INVITE and 200 of one call, BYE of another.

It crossed three proxies: ours (107.170.192.145), proxy2 (199.7.173.102) and proxy3 (199.7.175.103).
Here it stands as it was around ours: the INVITE as the phone behind its NAT sent it and as it left
us, the 200 as proxy2 handed it to us, the BYE as the phone sent it. The BYE is of a call of the
same phones some hours before (its tags, CSeq and Routes are others), whose INVITE and 200 no slide
shows: they are those of the call that is shown, with the tags and Routes that the BYE has. What
other proxies have added on the slides is taken away, and what the scan misread is put right.
"""

from __future__ import annotations

from dataclasses import dataclass

Pairs = tuple[tuple[bytes, bytes], ...]

PHONE = ("50.198.204.238", 38718)
PROXY2 = ("199.7.173.102", 5060)
PHONE_BRANCH = b"z9hG4bKPjsqfOF1TZ1BWPyZvUjJdy2sqiX5bgBk38"
CALL_ID = b"TDwXjq9RQS7PZXFQlFAYcHh4noLcjbfa"


@dataclass(frozen=True)
class Slides:
    """In what the two calls differ; `cseq` is that of the INVITE with credentials."""

    from_tag: bytes
    to_tag: bytes
    cseq: int
    routes_behind_us: tuple[bytes, bytes]
    """Of the other proxies, as they stand in the 200."""

    @property
    def from_(self) -> bytes:
        return b'"Eric Tamme" <sip:eric@uphreak.com>;tag=' + self.from_tag

    @property
    def kept_in_invite(self) -> Pairs:
        """What nobody on the way changes."""
        return ((b"from", self.from_), (b"cseq", b"%d INVITE" % self.cseq), *_KEPT_IN_INVITE)

    @property
    def invite(self) -> Pairs:
        return (*_INVITE, *self.kept_in_invite)

    @property
    def kept_in_200(self) -> Pairs:
        to = b"<sip:eric.tamme@junctionnetworks.com>;tag=" + self.to_tag
        of_call = (b"from", self.from_), (b"to", to), (b"cseq", b"%d INVITE" % self.cseq)
        return (*of_call, *_KEPT_IN_200)


SHOWN = Slides(
    b"DSskm2PEh-IfTdATjmF4Yuyapue8yyrv",
    b"1839602824",
    26703,
    (
        b"<sip:199.7.175.103;lr;ftag=DSskm2PEh-IfTdATjmF4Yuyapue8yyrv;did=5d5.704bdf12;ns=1;pr=1>",
        b"<sip:199.7.173.102;lr;ftag=DSskm2PEh-IfTdATjmF4Yuyapue8yyrv;did=5d5.c7bb8835>",
    ),
)
OF_BYE = Slides(
    b"YizuOF5VPgLxBLunhDYfWxd4m5MKACOR",
    b"1878718727",
    17179,
    (
        b"<sip:199.7.175.103;lr;ftag=YizuOF5VPgLxBLunhDYfWxd4m5MKACOR;did=869.9a2f9f17;ns=1;pr=1>",
        b"<sip:199.7.173.102;lr;ftag=YizuOF5VPgLxBLunhDYfWxd4m5MKACOR;did=869.0b81b316>",
    ),
)

OFFER = b"""\
v=0
o=- 3647091188 3647091188 IN IP4 10.1.10.29
s=cpc_med
c=IN IP4 10.1.10.29
t=0 0
m=audio 4000 RTP/AVP 111 9 0 101
a=rtpmap:111 OPUS/48000/2
a=fmtp:111 maxplaybackrate=32000;useinbandfec=1
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv
""".replace(b"\n", b"\r\n")

ANSWER = b"""\
v=0
o=eric.tamme 8000 8000 IN IP4 10.1.10.20
s=SIP Call
c=IN IP4 10.1.10.20
t=0 0
m=audio 5004 RTP/AVP 9 0 101
a=sendrecv
a=rtpmap:9 G722/8000
a=ptime:20
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
""".replace(b"\n", b"\r\n")

_KEPT_IN_INVITE = (
    (b"to", b"sip:eric.tamme@junctionnetworks.com"),
    (b"call-id", CALL_ID),
    (
        b"allow",
        b"INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS",
    ),
    (b"supported", b"replaces, timer, norefersub"),
    (b"session-expires", b"1800"),
    (b"min-se", b"90"),
    (b"user-agent", b"Bria Android 3.2.4"),
    (b"content-type", b"application/sdp"),
)
_INVITE = (
    (b"via", b"SIP/2.0/UDP 10.1.10.29:38718;branch=" + PHONE_BRANCH),
    (b"max-forwards", b"70"),
    (b"contact", b'"Eric Tamme" <sip:eric@10.1.10.29:38718>'),
)
INVITE_URI = b"sip:eric.tamme@junctionnetworks.com"
CONTACT_AFTER_US = b'"Eric Tamme" <sip:eric@50.198.204.238:38718;nat=yes>'

_KEPT_IN_200 = (
    (b"call-id", CALL_ID),
    (b"contact", b"<sip:eric.tamme@10.1.10.20:5060>"),
    (b"supported", b"replaces, path, timer, eventlist"),
    (b"user-agent", b"Grandstream GXV3275 1.0.3.30"),
    (b"session-expires", b"1800;refresher=uac"),
    (b"require", b"timer"),
    (
        b"allow",
        b"INVITE, ACK, OPTIONS, CANCEL, BYE, SUBSCRIBE, NOTIFY, INFO, REFER, UPDATE, MESSAGE",
    ),
    (b"content-type", b"application/sdp"),
)
BYE_URI = b"sip:eric.tamme*50.198.204.238!1024@199.7.175.103;gr"
"""Without the blank of the slide, which no URI can hold."""
KEPT_IN_BYE = (
    (b"from", OF_BYE.from_),
    (b"to", b"sip:eric.tamme@junctionnetworks.com;tag=1878718727"),
    (b"call-id", CALL_ID),
    (b"cseq", b"17180 BYE"),
    (b"user-agent", b"Bria Android 3.2.4"),
)
BYE_VIA = b"SIP/2.0/UDP 10.1.10.29:38718;rport;branch=z9hG4bKPjkTV7NVDDzF74SoHi8y3V6gel2trc.Mb7"
