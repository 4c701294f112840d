"""A WebRTC stack that is not ours (aiortc) calls a plain phone through the relay, and is called.

ICE checks, DTLS handshake and SRTP are aiortc's own; the phone hears and speaks plain RTP.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from media.ng import Answer, Offer, Options
from media.sdp import parse
from tests.harness.ng import NgClient, RtpPhone, call_id, our_relay
from tests.harness.processes import free_port
from tests.harness.waiting import eventually
from tests.harness.webrtc import Browser, Mirror, PlainPhone, both_hear

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]

PICTURES = 10
SEEN = "pictures are seen"
REPLACE = (b"origin", b"session-connection")
TO_PHONE = Options(
    ice=b"remove", transport_protocol=b"RTP/AVP", rtcp_mux=(b"demux",), replace=REPLACE
)
TO_BROWSER = Options(
    ice=b"force",
    transport_protocol=b"UDP/TLS/RTP/SAVPF",
    rtcp_mux=(b"offer", b"require"),
    replace=REPLACE,
)


@pytest.fixture(scope="module", params=["0", "23998"], ids=["range", "one port"])
def relay(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[NgClient]:
    """Browsers have ports of the range, or all share one."""
    port = free_port()
    folder, shared = tmp_path_factory.mktemp("relay"), request.param
    with (
        our_relay(folder, ng_port=port, ports=(23000, 23199), BROWSER_PORT=shared),
        NgClient(port) as client,
    ):
        yield client


@pytest.fixture
def phone() -> Iterator[PlainPhone]:
    with RtpPhone(ssrc=1) as sockets, closing(PlainPhone(sockets, seed=1)) as phone:
        yield phone


def body(relay: NgClient, command: Offer | Answer) -> bytes:
    found = relay.accepted(command)[b"sdp"]
    assert isinstance(found, bytes)
    return found


async def test_browser_calls_phone(relay: NgClient, phone: PlainPhone) -> None:
    name = call_id()
    async with Browser(seed=2) as browser:
        to_phone = parse(body(relay, Offer(name, b"a", await browser.offer(), options=TO_PHONE)))
        [media] = to_phone.media
        assert media.protocol == b"RTP/AVP"
        names = {line.attribute for line in (*to_phone.lines, *media.lines)}
        assert not names & {
            b"fingerprint",
            b"setup",
            b"ice-ufrag",
            b"candidate",
            b"extmap",
            b"ssrc",
        }
        phone.phone.hears_of(to_phone)
        answer = Answer(name, b"a", b"b", phone.phone.description(), options=TO_BROWSER)
        await browser.hear_of("answer", body(relay, answer))
        phone.begin()
        await both_hear(browser, phone)


async def test_phone_calls_browser(relay: NgClient, phone: PlainPhone) -> None:
    name = call_id()
    async with Browser(seed=2) as browser:
        offer = Offer(name, b"a", phone.phone.description(), options=TO_BROWSER)
        answer = await browser.answer(body(relay, offer))
        to_phone = body(relay, Answer(name, b"a", b"b", answer, options=TO_PHONE))
        phone.phone.hears_of(parse(to_phone))
        phone.begin()
        await both_hear(browser, phone)


async def test_browser_calls_browser(relay: NgClient) -> None:
    name = call_id()
    async with Browser(seed=2) as alice, Browser(seed=3) as bob:
        offer = Offer(name, b"a", await alice.offer(), options=TO_BROWSER)
        answer = await bob.answer(body(relay, offer))
        to_alice = body(relay, Answer(name, b"a", b"b", answer, options=TO_BROWSER))
        await alice.hear_of("answer", to_alice)
        await both_hear(alice, bob)


async def test_sound_and_pictures_on_one_port_of_the_browser_and_two_of_the_phone(
    relay: NgClient, phone: PlainPhone
) -> None:
    name = call_id()
    async with Browser(seed=2, has_pictures=True) as browser:
        offer = await browser.offer()
        to_phone = parse(body(relay, Offer(name, b"a", offer, options=TO_PHONE)))
        video = b" ".join(to_phone.media[1].formats[:1]).decode()
        with RtpPhone(ssrc=9) as camera, closing(Mirror(camera)) as mirror:
            m = f"m=video {camera.port} RTP/AVP {video}"
            lines = (m, f"a=rtpmap:{video} VP8/90000", "a=sendrecv")
            phone.phone.hears_of(to_phone)
            camera.hears_of(to_phone, index=1)
            described = phone.phone.description(*lines)
            answer = body(relay, Answer(name, b"a", b"b", described, options=TO_BROWSER))
            told = parse(answer)
            assert len({one.port for one in told.media}) == 1
            assert len(told.bundled) == 2
            await browser.hear_of("answer", answer)
            phone.begin()
            await both_hear(browser, phone)
            await eventually(lambda: browser.pictures >= PICTURES and mirror.reports > 0, SEEN)


async def test_two_browsers_with_pictures(relay: NgClient) -> None:
    name = call_id()
    async with (
        Browser(seed=2, has_pictures=True) as alice,
        Browser(seed=3, has_pictures=True) as bob,
    ):
        offer = Offer(name, b"a", await alice.offer(), options=TO_BROWSER)
        answer = await bob.answer(body(relay, offer))
        to_alice = body(relay, Answer(name, b"a", b"b", answer, options=TO_BROWSER))
        assert len({one.port for one in parse(to_alice).media}) == 1
        await alice.hear_of("answer", to_alice)
        await both_hear(alice, bob)
        await eventually(lambda: min(alice.pictures, bob.pictures) >= PICTURES, SEEN)
