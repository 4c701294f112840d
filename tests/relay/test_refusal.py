"""What a 488 says, and what is offered then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.relay.refusal import BY_DTLS, BY_KEYS, EVERYTHING, may_take


def sdp(*sections: str) -> bytes:
    lines = ["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", *sections]
    return "".join(f"{line}\r\n" for line in lines).encode()


OFFER = sdp("m=audio 4000 RTP/AVP 0 8")
FAX = "m=image 4000 udptl t38"


@pytest.mark.parametrize(
    ("warnings", "description", "found"),
    [
        ([], b"", EVERYTHING),
        ([b'399 phone "SRTP please"'], b"", EVERYTHING),
        ([b'302 phone "Incompatible transport protocol"'], b"", EVERYTHING),
        ([b'305 phone "Incompatible media format"'], b"", ()),
        ([b'304 phone "Media type not available"'], b"", ()),
        ([b'301 phone "Incompatible network address formats"'], b"", ()),
        ([b'370 phone "Insufficient bandwidth"'], b"", ()),
        ([b'305 phone "x"', b' 302 phone "y"'], b"", EVERYTHING),
        ([b"rubbish", b""], b"", EVERYTHING),
        ([], sdp("m=audio 0 RTP/SAVP 0"), (BY_KEYS,)),
        ([], sdp("m=audio 0 rtp/savpf 0"), (BY_KEYS,)),
        ([], sdp("m=audio 0 UDP/TLS/RTP/SAVPF 0"), (BY_DTLS,)),
        ([], sdp("m=audio 0 UDP/TLS/RTP/SAVP 0", "m=audio 0 RTP/SAVP 0"), EVERYTHING),
        ([], sdp("m=audio 0 RTP/AVP 9"), ()),
        ([], sdp("m=audio 0 RTP/SAVP 9", "m=audio 0 RTP/AVP 9"), ()),
        ([], sdp(FAX), ()),
        ([b'305 phone "x"'], sdp("m=audio 0 RTP/SAVP 0"), ()),
        ([], b"rubbish", EVERYTHING),
        ([], b"m=\r\nm=audio\r\nm=audio 1 RTP/AVP", EVERYTHING),
    ],
)
def test_what_is_worth_offering(
    warnings: list[bytes], description: bytes, found: tuple[str, ...]
) -> None:
    assert may_take(OFFER, warnings, description) == found


@pytest.mark.parametrize(
    ("offer", "is_worth_it"),
    [
        (sdp(FAX), False),
        (sdp(FAX, "m=audio 4000 RTP/AVP 0"), True),
        (sdp(FAX, "m=audio 0 RTP/AVP 0"), False),
        (sdp("m=message 9 TCP/MSRP *"), False),
        (b"", False),
    ],
)
def test_only_rtp_can_be_encrypted(offer: bytes, is_worth_it: bool) -> None:
    assert bool(may_take(offer, [], b"")) is is_worth_it


@given(st.binary(), st.lists(st.binary()), st.binary())
def test_whatever_comes(offer: bytes, warnings: list[bytes], description: bytes) -> None:
    assert set(may_take(offer, warnings, description)) <= set(EVERYTHING)
