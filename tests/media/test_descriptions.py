"""What descriptions as browsers and phones write them become at the other side.

tests/media/descriptions has one of each, in the form that they have: Chrome with sound and
picture, Firefox, baresip with SDES; desk phones that are plain, on hold in both styles, or have an
inactive picture and a refused section. Those of linphone (plain, SDES, DTLS-SRTP), chromium_audio
and chromium_simulcast (sound, a picture in two sizes, a picture to be received) were recorded from
Debian's programs.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from media.call import Call
from media.sdp import Media, Session, parse
from media.security import Means
from proxy.relay.profile import SideFacts, options_towards
from tests.harness.media import IDENTITY, Pairs, offer

FOLDER = Path(__file__).parent / "descriptions"
NAMES = sorted(file.stem for file in FOLDER.glob("*.sdp"))
PHONE, BROWSER = SideFacts(4, srtp="offered"), SideFacts(4, is_websocket=True, srtp="offered")
BROWSERS = ("chrome", "chromium_audio", "chromium_simulcast", "firefox")
OF_BROWSERS = {
    *(b"extmap", b"extmap-allow-mixed", b"msid", b"msid-semantic", b"mid", b"ssrc"),
    *(b"ssrc-group", b"rtcp-rsize", b"rtcp-fb", b"candidate", b"ice-ufrag", b"ice-pwd"),
    *(
        b"rid",
        b"simulcast",
        b"ice-options",
        b"end-of-candidates",
        b"fingerprint",
        b"setup",
        b"group",
        b"rtcp-mux",
    ),
}
IN_NEED = {
    *(b"mid", b"candidate", b"ice-ufrag", b"ice-pwd", b"fingerprint", b"setup", b"rtcp-mux"),
}


def read(name: str) -> bytes:
    return (FOLDER / f"{name}.sdp").read_bytes().replace(b"\n", b"\r\n")


def offered(name: str, receiver: SideFacts) -> tuple[Session, Session]:
    """A description as it came and as it is offered on."""
    body = read(name)
    sender = BROWSER if name in BROWSERS else PHONE
    call = Call(b"c", Means(IDENTITY.fingerprint, os.urandom), wall=5.0)
    message = offer(body, options=options_towards(receiver, sender))
    return parse(body), parse(call.offer(message, Pairs(), wall=5.0, now=0.0).sdp)


def live(session: Session) -> list[Media]:
    return [one for one in session.media if one.port]


@pytest.mark.parametrize("name", NAMES)
def test_towards_a_phone(name: str) -> None:
    came, goes = offered(name, PHONE)
    assert [one.formats for one in goes.media] == [one.formats for one in came.media]
    for before, after in zip(came.media, goes.media, strict=True):
        assert bool(after.port) is bool(before.port)
        names = {line.attribute for line in (*after.lines, *goes.lines)}
        if name in BROWSERS:
            assert not names & OF_BROWSERS
        if after.port:
            assert after.protocol == b"RTP/AVP"
            assert b"crypto" in names  # srtp=offered (RFC 8643)
        for number in before.formats:
            assert _said_of(before, number) == _said_of(after, number)
        assert goes.direction_of(after) == came.direction_of(before)


@pytest.mark.parametrize("name", NAMES)
def test_towards_a_browser(name: str) -> None:
    came, goes = offered(name, BROWSER)
    for before, after in zip(came.media, goes.media, strict=True):
        assert bool(after.port) is bool(before.port)
        if not after.port:
            continue
        names = [line.attribute for line in after.lines]
        assert after.protocol == b"UDP/TLS/RTP/SAVPF"
        assert set(names) >= IN_NEED
        assert b"crypto" not in names
        for attribute in (b"mid", b"ice-ufrag", b"ice-pwd", b"setup", b"rtcp-mux"):
            assert names.count(attribute) == 1, attribute
        [candidate] = [line.value for line in after.lines if line.attribute == b"candidate"]
        assert candidate.endswith(b"203.0.113.9 %d typ host" % after.port)
        assert not goes.is_held_by_address(after)  # it looks at directions alone
        held = came.is_held_by_address(before)
        assert goes.direction_of(after) == (b"sendonly" if held else came.direction_of(before))
        assert _said_of(before, b"101") == _said_of(after, b"101")
    assert [line.value for line in goes.lines if line.attribute == b"ice-lite"] == [b"ice-lite"]
    assert goes.groups(b"BUNDLE") == [[one.attribute(b"mid") for one in live(goes)]]


@pytest.mark.parametrize(
    ("name", "held"),
    [("snom_held", True), ("cisco_held", True), ("yealink", False), ("chrome", False)],
)
@pytest.mark.parametrize("receiver", [PHONE, BROWSER], ids=["phone", "browser"])
def test_hold_in_both_styles(name: str, held: bool, receiver: SideFacts) -> None:
    came, goes = offered(name, receiver)
    assert goes.is_held(goes.media[0]) is came.is_held(came.media[0]) is held


@pytest.mark.parametrize("name", ["chrome", "chromium_simulcast"])
def test_between_browsers_their_own_attributes_stay(name: str) -> None:
    came, goes = offered(name, BROWSER)
    for attribute in (
        b"extmap",
        b"msid",
        b"rid",
        b"simulcast",
        b"ssrc",
        b"ssrc-group",
        b"rtcp-fb",
        b"rtcp-rsize",
        b"mid",
    ):
        for before, after in zip(came.media, goes.media, strict=True):
            kept = [line.value for line in after.lines if line.attribute == attribute]
            assert kept == [line.value for line in before.lines if line.attribute == attribute]
    addresses = b" ".join(line.value for one in goes.media for line in one.lines)
    for address in (b"203.0.113.77", b"127.0.0.1", b"fd00::2", b" tcp "):
        assert address not in addresses
    assert b".local" not in addresses


def _said_of(media: Media, number: bytes) -> set[bytes]:
    """rtpmap and fmtp of a format."""
    return {
        line.value
        for line in media.lines
        if line.attribute in (b"rtpmap", b"fmtp") and line.value.split(b":")[1].split()[0] == number
    }
