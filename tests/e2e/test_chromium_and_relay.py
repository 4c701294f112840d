"""Chromium, with nothing of ours in the page, and a plain phone: over IPv4 and IPv6, at a port of
the range or at the one port of all browsers, sound alone or with pictures on the same port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedsip_platform.launch import relay_compiler
from media.ng import Answer, Offer, Options, Query
from media.sdp import parse
from tests.harness import sound
from tests.harness.browser import Chromium
from tests.harness.chromium_peer import Camera, ChromiumPeer
from tests.harness.ng import NgClient, RtpPhone, call_id, our_relay
from tests.harness.processes import free_port
from tests.harness.sound import HEARD
from tests.harness.waiting import wait_until
from tests.harness.webrtc import PlainPhone, likeness

pytestmark = pytest.mark.e2e

REPLACE = (b"origin", b"session-connection")
TO_PHONE = Options(
    ice=b"remove", transport_protocol=b"RTP/AVP", rtcp_mux=(b"demux",), replace=REPLACE
)
ONE_PORT = free_port()


def to_page(host: str) -> Options:
    return Options(
        ice=b"force",
        transport_protocol=b"UDP/TLS/RTP/SAVPF",
        rtcp_mux=(b"offer", b"require"),
        replace=REPLACE,
        address_family=b"IP6" if ":" in host else b"IP4",
    )


@pytest.fixture(scope="module", params=["native-0", "native-one", "python-one"])
def port(request: pytest.FixtureRequest) -> str:
    """An engine, and whether all browsers have one port."""
    return str(request.param)


@pytest.fixture(scope="module")
def relay(port: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NgClient]:
    engine, shared = port.split("-")
    shared = str(ONE_PORT) if shared == "one" else shared
    if engine == "native":
        assert relay_compiler.prepare() == ""
    ng_port = free_port()
    folder = tmp_path_factory.mktemp("relay")
    with (
        our_relay(
            folder, ng_port=ng_port, ports=(22200, 22299), BROWSER_PORT=shared, ENGINE=engine
        ),
        NgClient(ng_port) as client,
    ):
        yield client


def body(relay: NgClient, command: Offer | Answer) -> bytes:
    found = relay.accepted(command)[b"sdp"]
    assert isinstance(found, bytes)
    return found


def hear_each_other(page: ChromiumPeer, phone: PlainPhone, browser: Chromium, at: Path) -> None:
    played = sound.write(at / "phone.wav", phone.played.tobytes())
    wait_until(lambda: page.hears(played) > HEARD, "the page hears the phone")
    said = sound.read(browser.played).astype(np.int16)
    wait_until(lambda: likeness(said, phone.heard) > HEARD, "the phone hears the page")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_phone_calls(
    relay: NgClient, port: str, browser: Chromium, tmp_path: Path, host: str
) -> None:
    """A phone at IPv4, whatever the browser has."""
    name = call_id()
    with ExitStack() as stack:
        page = stack.enter_context(ChromiumPeer(browser, tmp_path))
        sockets = stack.enter_context(RtpPhone(ssrc=1))
        phone = PlainPhone(sockets, seed=3)
        stack.callback(phone.close)
        offer = Offer(name, b"a", sockets.description(), options=to_page(host))
        answer = page.answer(body(relay, offer))
        told = body(relay, Answer(name, b"a", b"b", answer, options=TO_PHONE))
        sockets.hears_of(parse(told))
        phone.begin()
        hear_each_other(page, phone, browser, tmp_path)
        far, far_port = page.figures()["far"].split()
        assert far == host
        assert port.endswith("-0") or int(far_port) == ONE_PORT


def test_the_page_calls_with_pictures(relay: NgClient, browser: Chromium, tmp_path: Path) -> None:
    """Two sections on one port: each goes its way, and the relay has figures of each by itself."""
    name = call_id()
    with ExitStack() as stack:
        page = stack.enter_context(ChromiumPeer(browser, tmp_path, pictures=1))
        sockets = stack.enter_context(RtpPhone(ssrc=1))
        lens = stack.enter_context(RtpPhone(ssrc=9))
        phone = PlainPhone(sockets, seed=3)
        stack.callback(phone.close)
        to_phone = parse(body(relay, Offer(name, b"a", page.offer(), options=TO_PHONE)))
        pictures = to_phone.media[1].formats[0].decode()
        m = f"m=video {lens.port} RTP/AVP {pictures}"
        described = sockets.description(m, f"a=rtpmap:{pictures} VP8/90000", "a=sendrecv")
        answer = Answer(name, b"a", b"b", described, options=to_page("127.0.0.1"))
        told = body(relay, answer)
        assert len({one.port for one in parse(told).media}) == 1
        sockets.hears_of(to_phone)
        lens.hears_of(to_phone, index=1)
        stack.enter_context(Camera(lens))
        page.hears_of("answer", told)
        phone.begin()
        hear_each_other(page, phone, browser, tmp_path)
        wait_until(lambda: page.figures()["pictures"], "the page sees its own pictures")
        wait_until(lambda: "video" in page.figures()["kinds"], "it hears how they arrive")
        wait_until(lambda: _round_trip(relay, name) > 0, "the relay knows the pictures' round trip")
        by_kind = {media[b"type"]: media[b"streams"][0] for media in _medias(relay, name, b"a")}
        assert by_kind[b"audio"][b"SSRC"] != by_kind[b"video"][b"SSRC"]
        for stream in by_kind.values():
            stats = stream[b"stats"]
            assert stats[b"expected"] > 20
            assert stats[b"lost"] < stats[b"expected"] / 2
            assert stats[b"packets"] >= stats[b"expected"] - stats[b"lost"]


TWO = {"1": "wide", "2": "upright"}
"""What a page with two pictures sends, by section."""


@pytest.mark.parametrize("bundle", ["max-bundle", "balanced"])
def test_two_pages_with_two_pictures_each(
    relay: NgClient, browser: Chromium, tmp_path: Path, bundle: str
) -> None:
    """All sections on one port, with the same payload types: each comes out as its own."""
    name, to = call_id(), to_page("127.0.0.1")
    with (
        ChromiumPeer(browser, tmp_path, pictures=2, bundle=bundle) as caller,
        ChromiumPeer(browser, tmp_path, pictures=2, bundle=bundle) as callee,
    ):
        answer = callee.answer(body(relay, Offer(name, b"a", caller.offer(), options=to)))
        told = body(relay, Answer(name, b"a", b"b", answer, options=to))
        assert len({one.port for one in parse(told).media}) == 1
        caller.hears_of("answer", told)
        for page in (caller, callee):
            wait_until(lambda page=page: page.figures()["pictures"] == TWO, "both are seen")
        for tag in (b"a", b"b"):
            expected = [media[b"streams"][0][b"stats"] for media in _medias(relay, name, tag)]
            assert all(one[b"lost"] < one[b"expected"] / 2 for one in expected)
            assert len(expected) == 3


def test_a_page_with_two_pictures_and_a_phone_with_two_cameras(
    relay: NgClient, browser: Chromium, tmp_path: Path
) -> None:
    """The phone has ports for each, and names no section; the page tells them apart all the same,
    whoever called."""
    name = call_id()
    with ExitStack() as stack:
        page = stack.enter_context(ChromiumPeer(browser, tmp_path, pictures=2))
        phone, *lenses = [stack.enter_context(RtpPhone(ssrc=ssrc)) for ssrc in (1, 8, 9)]
        offered = parse(body(relay, Offer(name, b"a", page.offer(), options=TO_PHONE)))
        assert len({one.port for one in offered.media}) == 3
        vp8 = offered.media[1].formats[0].decode()
        lines = [
            line
            for lens in lenses
            for line in (f"m=video {lens.port} RTP/AVP {vp8}", f"a=rtpmap:{vp8} VP8/90000")
        ]
        for index, lens in enumerate(lenses, 1):
            lens.hears_of(offered, index=index)
            stack.enter_context(Camera(lens))
        answer = Answer(name, b"a", b"b", phone.description(*lines), options=to_page("127.0.0.1"))
        told = body(relay, answer)
        assert len({one.port for one in parse(told).media}) == 1
        page.hears_of("answer", told)
        wait_until(lambda: page.figures()["pictures"] == TWO, "each comes back to its own section")


def test_a_phone_with_two_cameras_calls_a_page(
    relay: NgClient, browser: Chromium, tmp_path: Path
) -> None:
    name = call_id()
    with ExitStack() as stack:
        page = stack.enter_context(ChromiumPeer(browser, tmp_path, pictures=2))
        phone, *lenses = [stack.enter_context(RtpPhone(ssrc=ssrc)) for ssrc in (1, 8, 9)]
        lines = [
            line
            for lens in lenses
            for line in (f"m=video {lens.port} RTP/AVP 96", "a=rtpmap:96 VP8/90000")
        ]
        offer = Offer(name, b"a", phone.description(*lines), options=to_page("127.0.0.1"))
        answer = page.answer(body(relay, offer))
        told = parse(body(relay, Answer(name, b"a", b"b", answer, options=TO_PHONE)))
        for index, lens in enumerate(lenses, 1):
            lens.hears_of(told, index=index)
            stack.enter_context(Camera(lens))
        wait_until(lambda: page.figures()["pictures"] == TWO, "each comes back to its own section")


def _medias(relay: NgClient, name: bytes, tag: bytes) -> list[Any]:
    found: Any = relay.accepted(Query(name))
    medias: list[Any] = found[b"tags"][tag][b"medias"]
    return medias


def _round_trip(relay: NgClient, name: bytes) -> int:
    """Of the page's pictures, in microseconds; 0: not known yet."""
    found: Any = relay.accepted(Query(name))
    ssrc = found[b"tags"][b"a"][b"medias"][1][b"streams"][0].get(b"SSRC", 0)
    scores = found[b"SSRC"].get(b"%d" % ssrc)
    return int(scores[b"average MOS"][b"round-trip time"]) if scores else 0
