"""The group of one section that browsers with max-bundle insist on, and plain phones never see."""

from __future__ import annotations

import pytest

from media.call import Call
from media.dtls import fingerprint_of
from media.ng import Answer, Offer
from media.sdp import Session, parse
from media.security import Means
from proxy.relay.profile import SideFacts, options_towards
from tests.harness.media import IDENTITY, Pairs, answer, offer, sdp

PAGE, DESK = SideFacts(4, is_websocket=True, srtp="offered"), SideFacts(4, srtp="offered")
TO_PAGE, TO_DESK = options_towards(PAGE, DESK), options_towards(DESK, PAGE)
WEBRTC = (
    "a=" + fingerprint_of(b"their certificate").serialise().decode(),
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuv",
    "a=rtcp-mux",
)


@pytest.fixture
def call() -> Call:
    return Call(b"c", Means(IDENTITY.fingerprint, lambda count: b"x" * count), wall=5.0)


@pytest.fixture
def ports() -> Pairs:
    return Pairs()


def told(call: Call, ports: Pairs, message: Offer | Answer) -> Session:
    if isinstance(message, Offer):
        return parse(call.offer(message, ports, wall=5.0, now=0.0).sdp)
    return parse(call.answer(message, ports, wall=5.0, now=0.0).sdp)


def groups(session: Session) -> list[bytes]:
    return [line.value for line in session.lines if line.attribute == b"group"]


def page(port: int, mid: str, group: str, setup: str = "actpass") -> bytes:
    lines = (*WEBRTC, f"a=setup:{setup}", f"a=mid:{mid}")
    return sdp(port, *lines, protocol="UDP/TLS/RTP/SAVPF", head=(group,) if group else ())


@pytest.mark.parametrize(
    ("group", "answered"),
    [
        ("a=group:BUNDLE audio", [b"group:BUNDLE audio"]),
        ("a=group:BUNDLE other", []),
        ("a=group:BUNDLE", []),
        ("a=group:", []),
        ("a=group:LS audio", []),
        ("", []),
    ],
)
def test_an_answer_stays_in_the_group_that_was_offered(
    call: Call, ports: Pairs, group: str, answered: list[bytes]
) -> None:
    to_desk = told(call, ports, offer(page(5004, "audio", group), options=TO_DESK))
    assert to_desk.bundled == frozenset()
    to_page = told(call, ports, answer(sdp(6004), options=TO_PAGE))
    assert groups(to_page) == answered
    assert to_page.media[0].attribute(b"mid") == b"audio"


def test_an_offer_to_a_browser_has_a_group_and_a_name_and_the_phone_no_group(
    call: Call, ports: Pairs
) -> None:
    to_page = told(call, ports, offer(sdp(6004), options=TO_PAGE))
    assert groups(to_page) == [b"group:BUNDLE 0"]
    assert to_page.media[0].attribute(b"mid") == b"0"
    reply = page(5004, "0", "a=group:BUNDLE 0", "active")
    assert groups(told(call, ports, answer(reply, options=TO_DESK))) == []


def test_a_later_offer_of_the_phone_keeps_the_name_that_the_browser_gave(
    call: Call, ports: Pairs
) -> None:
    told(call, ports, offer(page(5004, "voice", "a=group:BUNDLE voice"), options=TO_DESK))
    told(call, ports, answer(sdp(6004), options=TO_PAGE))
    to_page = told(call, ports, offer(sdp(6004), tag=b"b", to_tag=b"a", options=TO_PAGE))
    assert groups(to_page) == [b"group:BUNDLE voice"]
    assert to_page.media[0].attribute(b"mid") == b"voice"


def test_a_refused_section_is_in_no_group(call: Call, ports: Pairs) -> None:
    told(call, ports, offer(page(5004, "0", "a=group:BUNDLE 0"), options=TO_DESK))
    assert groups(told(call, ports, answer(sdp(0), options=TO_PAGE))) == []


def test_phones_are_offered_no_group(call: Call, ports: Pairs) -> None:
    to_desk = told(call, ports, offer(sdp(6004), options=TO_DESK))
    assert groups(to_desk) == []
    assert to_desk.media[0].attribute(b"mid") is None
