"""Who is known by checks, and where packets go to a side that is ICE-lite itself."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from media.driver import Driver
from media.forward.rule import Address
from media.ice import stun
from media.ng import Delete, Options
from media.reaper import Patience
from media.sdp import parse
from media.sdp.model import IP4, IP6
from tests.harness.media import IdleEngine, Time, answer, driver_of, offer, sdp

CALLER = ("203.0.113.9", 24000)
CALLEE = ("203.0.113.9", 24002)
RTP = b"\x80\x00" + bytes(20)
FORCE = Options(ice=b"force")
CREDENTIALS = ("a=ice-ufrag:abcd", "a=ice-pwd:0123456789abcdef012345")
CANDIDATES = (
    "a=candidate:1 1 UDP 100 192.0.2.7 7000 typ host",
    "a=candidate:2 1 UDP 300 192.0.2.8 7002 typ host",
    "a=candidate:2 2 UDP 300 192.0.2.8 7003 typ host",
    "a=candidate:3 1 UDP 900 2001:db8::8 7004 typ host",
    "a=candidate:4 1 TCP 950 192.0.2.9 9 typ host tcptype active",
    "a=candidate:5 1 UDP 990 4f2a.local 7006 typ host",
)
LITE = ("a=ice-lite",)


@pytest.fixture
def engine() -> IdleEngine:
    return IdleEngine()


@pytest.fixture
def driver(engine: IdleEngine) -> Driver:
    return driver_of(engine, Time())


def towards(engine: IdleEngine, side: Address) -> tuple[Address | None, Address | None]:
    """Where RTP and RTCP go that are for the side behind a local port."""
    for rule in engine.rules.values():
        if rule.out == side:
            return rule.destination, rule.rtcp_destination
    raise AssertionError(side)


@pytest.mark.parametrize("family", [IP4, IP6])
def test_a_browser_is_reached_by_a_family_that_is_served(engine: IdleEngine, family: bytes) -> None:
    """It signals by one family and may find its way by the other."""
    driver = driver_of(engine, Time(), families=(family,))
    other, host = (IP4, "192.0.2.1") if family == IP6 else (IP6, "2001:db8::1")
    phone = "2001:db8::2" if family == IP6 else "192.0.2.2"
    towards_browser = replace(FORCE, address_family=other)

    driver.offer(offer(sdp(host=phone), call_id=b"called", options=towards_browser))
    driver.answer(answer(sdp(6004, *CREDENTIALS, host=host), call_id=b"called"))

    driver.offer(offer(sdp(5004, *CREDENTIALS, host=host), call_id=b"calling"))
    told = driver.answer(answer(sdp(6004, host=phone), call_id=b"calling", options=towards_browser))
    session = parse(told.sdp)
    connection = session.connection_of(session.media[0])
    assert connection is not None
    assert connection.family == family


def test_a_browser_that_names_another_family_keeps_the_port_of_our_candidates(
    engine: IdleEngine, driver: Driver
) -> None:
    """Chromium's c= is IPv4 also where it is reached by IPv6."""
    towards_browser = replace(FORCE, address_family=IP6)
    told = driver.offer(offer(sdp(5004), options=towards_browser)).sdp
    opened = set(engine.opened)
    driver.answer(answer(sdp(6004, *CREDENTIALS)))
    assert ("2001:db8::9", parse(told).media[0].port) in engine.opened
    driver.offer(offer(sdp(6004, *CREDENTIALS), tag=b"b", to_tag=b"a"))
    assert engine.opened == opened


@pytest.mark.parametrize(
    ("head", "lines", "rtp", "rtcp"),
    [
        (LITE, CANDIDATES, ("192.0.2.8", 7002), ("192.0.2.8", 7003)),
        (LITE, CANDIDATES[3:], ("192.0.2.1", 6004), ("192.0.2.1", 6005)),
        ((), CANDIDATES, None, None),
    ],
    ids=["lite", "lite, none of use", "full"],
)
def test_an_answer(
    driver: Driver,
    engine: IdleEngine,
    head: tuple[str, ...],
    lines: tuple[str, ...],
    rtp: Address | None,
    rtcp: Address | None,
) -> None:
    driver.offer(offer(sdp(5004), options=FORCE))
    driver.answer(answer(sdp(6004, *CREDENTIALS, *lines, head=head)))
    assert towards(engine, CALLEE) == (rtp, rtcp)
    assert driver.stranger(CALLEE, RTP, rtp or ("192.0.2.8", 7002)) is (rtp is not None)


def test_an_offer(driver: Driver, engine: IdleEngine) -> None:
    plain = Options(ice=b"remove")
    body = driver.offer(offer(sdp(5004, *CREDENTIALS, *CANDIDATES, head=LITE), options=plain)).sdp
    assert b"candidate" not in body
    told = driver.answer(answer(sdp(6004))).sdp
    assert b"a=ice-lite" in told
    assert towards(engine, CALLER)[0] == ("192.0.2.8", 7002)
    assert driver.stranger(CALLER, RTP, ("192.0.2.8", 7002))


def test_a_side_that_becomes_full_is_known_by_checks_again(
    driver: Driver, engine: IdleEngine
) -> None:
    driver.offer(offer(sdp(5004, *CREDENTIALS, *CANDIDATES, head=LITE)))
    driver.answer(answer(sdp(6004)))
    assert towards(engine, CALLER)[0] is not None
    driver.offer(offer(sdp(5004, *CREDENTIALS, *CANDIDATES), to_tag=b"b"))
    driver.answer(answer(sdp(6004)))
    assert not driver.stranger(CALLER, RTP, ("192.0.2.9", 7002))


def check(driver: Driver, source: Address, ufrag: bytes, password: bytes) -> None:
    """A nominating check of the callee."""
    user = (stun.USERNAME, ufrag + b":theirs")
    message = stun.Message(stun.BINDING_REQUEST, b"0123456789ab", (user, (stun.USE_CANDIDATE, b"")))
    driver.stranger(CALLEE, stun.serialise(message, key=password), source)


def test_consent_ends_without_checks_and_comes_back_with_one() -> None:
    """RFC 7675: a lite side takes the other's checks for its consent."""
    engine, time = IdleEngine(), Time()
    driver = driver_of(engine, time)
    [media] = parse(driver.offer(offer(sdp(5004), options=FORCE)).sdp).media
    driver.answer(answer(sdp(6004, *CREDENTIALS)))
    ours = media.attribute(b"ice-ufrag") or b"", media.attribute(b"ice-pwd") or b""
    patience = Patience(answered=600, held=600, ringing=600)
    browser, moved = ("198.51.100.5", 40000), ("198.51.100.6", 40000)
    check(driver, browser, *ours)
    assert towards(engine, CALLEE)[0] == browser
    for seconds, found in ((29.0, browser), (2.0, None)):
        time.advance(seconds)
        driver.sweep(list(driver.calls.values()), patience)
        assert towards(engine, CALLEE)[0] == found
    check(driver, moved, *ours)
    assert towards(engine, CALLEE)[0] == moved


def test_browsers_share_a_port_and_have_names_of_their_own() -> None:
    engine = IdleEngine()
    driver = driver_of(engine, Time(), browser_port=3478, random=os.urandom)
    to_browser = Options(
        ice=b"force", transport_protocol=b"UDP/TLS/RTP/SAVPF", rtcp_mux=(b"offer", b"require")
    )
    names = set()
    for number in (1, 2):
        call_id = b"%d" % number
        body = driver.offer(offer(sdp(5004), call_id=call_id, options=to_browser)).sdp
        [media] = parse(body).media
        assert media.port == 3478
        assert b" 3478 typ host" in body
        names.add(media.attribute(b"ice-ufrag"))
    rules = [rule for rule in engine.rules.values() if rule.local[1] == 3478]
    assert {rule.ufrag for rule in rules} == names
    assert len({rule.local for rule in rules}) == len(names)
    assert {rule.rtcp_out for rule in engine.rules.values()} <= engine.opened
    for call_id in (b"1", b"2"):
        found = driver.delete(Delete(call_id))
        assert found is not None
    assert not engine.opened


def test_a_phone_with_ice_and_no_dtls_gets_ports_of_the_range() -> None:
    driver = driver_of(IdleEngine(), Time(), browser_port=3478)
    [media] = parse(driver.offer(offer(sdp(5004), options=FORCE)).sdp).media
    assert media.port != 3478
