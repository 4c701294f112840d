"""rtpengine's shape, filled with our counters."""

from __future__ import annotations

from media.forward.engine import Counters
from media.ng import Document, Options, Query, Value
from media.ng.bencode import decode, encode
from media.reaper import Patience
from tests.harness.media import IdleEngine, Time, answer, driver_of, offer, sdp
from tests.media.test_bundle import TO_DESK, TO_PAGE, both, phone
from tests.media.test_driver import RECEIVER_REPORT, SENDER_REPORT

CALLER = ("203.0.113.9", 24000)
CALLEE = ("203.0.113.9", 24002)
_RTPMAPS = b"a=rtpmap:101 telephone-event/8000\r\na=rtpmap:111 opus/48000/2\r\n"


def at(value: Value, *path: bytes | int) -> Value:
    for step in path:
        if isinstance(step, int):
            assert isinstance(value, list)
            value = value[step]
        else:
            assert isinstance(value, dict)
            value = value[step]
    return value


def test_report_of_an_answered_call() -> None:
    engine, time = IdleEngine(), Time()
    driver = driver_of(engine, time)
    driver.offer(offer(sdp(5004, "a=rtcp-mux"), branch=b"z", options=Options(label=b"desk")))
    driver.answer(answer(sdp(6004, "a=rtcp-mux", "a=inactive")))
    assert driver.stranger(CALLER, b"\x80\x00" + bytes(20), ("192.0.2.1", 5004))
    engine.counts[CALLER] = Counters(
        packets=97, octets=97 * 172, errors=1, strangers=2, expected=100, lost=3,
        jitter_seconds=0.0021, ssrc=77,
    )  # fmt: skip
    engine.hears((CALLEE[0], 24003), packets=4)
    time.advance(7.0)
    found = driver.query(Query(b"c"))
    assert decode(encode(found)) == found
    assert at(found, b"totals") == {
        b"RTP": {b"packets": 97, b"bytes": 16684, b"errors": 1},
        b"RTCP": {b"packets": 4, b"bytes": 688, b"errors": 0},
    }
    assert (found[b"created"], found[b"created_us"]) == (1_700_001_000, 500_000)
    assert found[b"last signal"] == 1_700_001_000
    caller = at(found, b"tags", b"a")
    assert at(caller, b"label") == b"desk"
    assert at(caller, b"subscriptions") == [{b"tag": b"b", b"type": b"offer/answer"}]
    assert at(caller, b"medias", 0, b"codec") == b"PCMU/8000"
    assert at(caller, b"medias", 0, b"flags") == [b"initialized", b"send", b"recv", b"rtcp-mux"]
    assert at(caller, b"medias", 0, b"streams", 0) == {
        b"local port": 24000,
        b"local address": b"203.0.113.9",
        b"family": b"IPv4",
        b"endpoint": {b"family": b"IPv4", b"address": b"192.0.2.1", b"port": 5004},
        b"advertised endpoint": {b"family": b"IPv4", b"address": b"192.0.2.1", b"port": 5004},
        b"last packet": 1_700_001_007,
        b"flags": [b"RTP", b"RTCP", b"filled", b"confirmed"],
        b"SSRC": 77,
        b"stats": {
            b"packets": 97,
            b"bytes": 16684,
            b"errors": 1,
            b"expected": 100,
            b"lost": 3,
            b"strangers": 2,
            b"undecryptable": 0,
            b"jitter us": 2100,
        },
    }
    callee = at(found, b"tags", b"b")
    assert at(callee, b"via-branch") == b"z"
    assert at(callee, b"medias", 0, b"codec") == b"PCMU/8000"
    assert at(callee, b"medias", 0, b"flags") == [b"initialized", b"send", b"rtcp-mux"]
    assert at(callee, b"medias", 0, b"streams", 1, b"flags") == [b"RTCP", b"filled"]
    quality = at(found, b"SSRC", b"77", b"average MOS")
    assert quality == {
        b"MOS": 41,
        b"packet loss": 3,
        b"jitter": 2,
        b"round-trip time": 0,
        b"samples": 1,
    }


def test_the_codec_is_the_one_that_was_answered_last() -> None:
    driver = driver_of(IdleEngine(), Time())

    def codecs() -> list[Value]:
        found = driver.query(Query(b"c"))
        medias = [at(found, b"tags", tag, b"medias", 0) for tag in _dict(found, b"tags")]
        return [one.get(b"codec") for one in medias if isinstance(one, dict)]

    offered = sdp(5004).replace(b" 0\r\n", b" 101 111 8 0\r\n") + _RTPMAPS
    driver.offer(offer(offered))
    assert codecs() == [None, None]
    driver.answer(answer(sdp(6004).replace(b"AVP 0", b"AVP 101 111") + _RTPMAPS))
    assert codecs() == [b"opus/48000/2"] * 2
    driver.offer(offer(offered, to_tag=b"b"))
    assert codecs() == [b"opus/48000/2"] * 2
    driver.answer(answer(sdp(6004).replace(b"AVP 0", b"AVP 8 101")))
    assert codecs() == [b"PCMA/8000"] * 2


def test_how_it_sounded_over_time() -> None:
    engine, time = IdleEngine(), Time()
    driver = driver_of(engine, time)
    driver.offer(offer(sdp(5004)))
    driver.answer(answer(sdp(6004)))
    patience = Patience(answered=60.0, held=60.0, ringing=60.0)
    for expected, lost in ((0, 0), (250, 0), (500, 25)):
        engine.counts[CALLER] = Counters(
            packets=expected + 1, expected=expected, lost=lost, jitter_seconds=0.002, ssrc=77
        )
        driver.sweep(list(driver.calls.values()), patience)
        time.advance(5.0)
    progression = at(driver.query(Query(b"c")), b"SSRC", b"77", b"MOS progression")
    assert progression == {
        b"interval": 5,
        b"entries": [
            {b"timestamp": 1_700_001_005, b"MOS": 44, b"packet loss": 0, b"jitter": 2},
            {b"timestamp": 1_700_001_010, b"MOS": 34, b"packet loss": 10, b"jitter": 2},
        ],
    }


def test_sides_that_are_not_known_yet() -> None:
    driver = driver_of(IdleEngine(), Time())
    driver.offer(offer(sdp(0)))
    found = driver.query(Query(b"c"))
    assert at(found, b"tags", b"<untagged 1>", b"medias") == []
    assert at(found, b"SSRC") == {}


def test_fax_and_ipv6() -> None:
    driver = driver_of(IdleEngine(), Time())
    driver.offer(offer(sdp(5004, host="phone.example", protocol="udptl")))
    [media] = _medias(driver.query(Query(b"c")), b"a")
    assert len(_list(media, b"streams")) == 1
    driver.answer(answer(sdp(6004, protocol="udptl")))
    [media] = _medias(driver.query(Query(b"c")), b"a")
    assert isinstance(media, dict)
    assert b"codec" not in media
    assert at(media, b"streams", 0, b"flags") == [b"RTP"]
    assert at(media, b"streams", 0, b"endpoint", b"address") == b"0.0.0.0"
    driver.offer(offer(sdp(5004, host="2001:db8::1"), call_id=b"d"))
    [media] = _medias(driver.query(Query(b"d")), b"a")
    assert at(media, b"streams", 0, b"family") == b"IPv6"


def test_only_the_tags_that_are_asked_for() -> None:
    driver = driver_of(IdleEngine(), Time())
    for branch in (b"1", b"2"):
        driver.offer(offer(sdp(5004), branch=branch))
        driver.answer(answer(sdp(6004), to_tag=b"t" + branch, branch=branch))
    assert set(_dict(driver.query(Query(b"c")), b"tags")) == {b"a", b"t1", b"t2"}
    assert set(_dict(driver.query(Query(b"c", b"a", b"t2")), b"tags")) == {b"a", b"t2"}


def _medias(found: Document, tag: bytes) -> list[Value]:
    return _list(at(found, b"tags", tag), b"medias")


def _list(value: Value, key: bytes) -> list[Value]:
    found = at(value, key)
    assert isinstance(found, list)
    return found


def _dict(value: Value, key: bytes) -> Document:
    found = at(value, key)
    assert isinstance(found, dict)
    return found


def test_each_section_on_one_port_has_its_own_figures() -> None:
    """A browser with sound and picture (BUNDLE): loss, jitter, round trip and MOS of each."""
    engine, time = IdleEngine(), Time()
    driver = driver_of(engine, time)
    driver.offer(offer(both((9, 9)), options=TO_DESK))
    driver.answer(answer(phone(6004, 6006), options=TO_PAGE))
    local = next(one for one, rule in engine.rules.items() if rule.others)
    engine.counts[local] = Counters(packets=1000, octets=90_000, errors=3, expected=1000, ssrc=77)
    engine.riding[local, 1] = Counters(
        packets=950, octets=900_000, errors=3, expected=1000, lost=50, jitter_seconds=0.004, ssrc=78
    )
    driver.rtcp(engine.rules[local].others[0].out, SENDER_REPORT, 1)
    time.advance(0.75)
    driver.rtcp(local, RECEIVER_REPORT, 1)
    found = driver.query(Query(b"c"))
    sound, pictures = (at(found, b"tags", b"a", b"medias", index) for index in range(2))
    assert (at(sound, b"type"), at(pictures, b"type")) == (b"audio", b"video")
    assert at(sound, b"streams", 0, b"stats", b"packets") == 1000
    assert at(pictures, b"streams", 0, b"stats", b"lost") == 50
    assert at(pictures, b"streams", 0, b"SSRC") == 78
    assert at(found, b"SSRC", b"78", b"average MOS") == {
        b"MOS": 38, b"packet loss": 5, b"jitter": 4, b"round-trip time": 250_000, b"samples": 1,
    }  # fmt: skip
    assert at(found, b"SSRC", b"77", b"average MOS", b"round-trip time") == 0
    assert at(found, b"totals", b"RTP") == {b"packets": 1950, b"bytes": 990_000, b"errors": 3}


def test_loss_of_a_section_that_rides_is_said() -> None:
    engine = IdleEngine()
    driver = driver_of(engine, Time())
    driver.offer(offer(both((9, 9)), options=TO_DESK))
    driver.answer(answer(phone(6004, 6006), options=TO_PAGE))
    local = next(one for one, rule in engine.rules.items() if rule.others)
    engine.riding[local, 1] = Counters(packets=900, expected=1000, lost=100, ssrc=78)
    assert b"loss_caller" in _list(driver.query(Query(b"c")), b"verdict")
