"""Ports that are bound, rules that are installed, packets that no rule covers."""

from __future__ import annotations

import pytest

from media.driver import Driver
from media.ng import Delete, Options, Query
from media.stream import LoadLimit, Refused
from tests.harness.media import IP4, IdleEngine, Time, answer, driver_of, offer, sdp

CALLER = ("203.0.113.9", 24000)
CALLEE = ("203.0.113.9", 24002)
PHONE = ("192.0.2.1", 5004)
RTP = b"\x80\x00" + bytes(20)
STUN = bytes(28)
DTLS = b"\x16\xfe\xfd" + bytes(20)

SENDER_REPORT = bytes.fromhex("80c80006 00000007 0000aaaa bbbb0000 00000000 00000000 00000000")
RECEIVER_REPORT = bytes.fromhex(
    "81c90007 00000008 00000007 40000003 00000000 00000050 aaaabbbb 00008000"
)
"""Half a second after that sender report."""


@pytest.fixture
def engine() -> IdleEngine:
    return IdleEngine()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def driver(engine: IdleEngine, time: Time) -> Driver:
    return driver_of(engine, time)


def test_call_opens_and_delete_closes(driver: Driver, engine: IdleEngine) -> None:
    driver.offer(offer(sdp(5004)))
    driver.answer(answer(sdp(6004)))
    assert {port for _, port in engine.opened} == {24000, 24001, 24002, 24003}
    assert set(engine.rules) == engine.opened
    assert driver.delete(Delete(b"c", b"a")) is not None
    assert not engine.opened
    assert driver.delete(Delete(b"c", b"a")) is None


def sides_name(driver: Driver, caller: int, callee: int, call_id: bytes = b"c") -> None:
    """Both sides of a call name ports at the relay's own address."""
    own = CALLER[0]
    driver.offer(offer(sdp(caller, host=own), call_id=call_id))
    driver.answer(answer(sdp(callee, host=own), call_id=call_id))


def comes_round(engine: IdleEngine, local: tuple[str, int]) -> bool:
    """Whether a packet that comes to a port is passed on among the relay's ports for ever."""
    for _ in range(50):
        rule = engine.rules.get(local)
        if rule is None or rule.destination is None:
            return False
        local = rule.destination
    return True


def test_two_sides_do_not_make_a_circle(driver: Driver, engine: IdleEngine) -> None:
    """Each names the port that it is given: a packet would be sent to itself for ever."""
    sides_name(driver, 24000, 24002)
    assert not comes_round(engine, CALLER)
    assert not comes_round(engine, CALLEE)
    for local in (CALLER, CALLEE):
        driver.stranger(local, RTP, local)
        assert not comes_round(engine, local)


def test_two_calls_do_not_make_a_circle(driver: Driver, engine: IdleEngine) -> None:
    """Nor by what is heard: the second call's sides are at the first one's ports."""
    driver.offer(offer(sdp(5004)))
    driver.answer(answer(sdp(6004)))
    sides_name(driver, 24000, 24002, b"d")
    for near, far in ((24000, 24004), (24002, 24006)):
        driver.stranger((CALLER[0], near), RTP, (CALLER[0], far))
    assert not any(comes_round(engine, local) for local in engine.rules)


def test_a_call_that_comes_round_through_us_is_heard(driver: Driver, engine: IdleEngine) -> None:
    """The callee of the first is the second's caller: a chain of ports between two phones."""
    own = CALLER[0]
    driver.offer(offer(sdp(5004)))
    driver.offer(offer(sdp(24002, host=own), call_id=b"d"))
    driver.answer(answer(sdp(6004, host="192.0.2.2"), call_id=b"d"))
    driver.answer(answer(sdp(24004, host=own)))
    assert engine.rules[CALLER].destination == (own, 24004)
    assert engine.rules[own, 24004].destination == ("192.0.2.2", 6004)
    assert engine.rules[own, 24006].destination == CALLEE
    assert engine.rules[CALLEE].destination == PHONE


def test_ports_rest_before_they_are_drawn_again(driver: Driver, time: Time) -> None:
    driver.offer(offer(sdp(5004)))
    driver.delete(Delete(b"c"))
    outcome = driver.offer(offer(sdp(5004)))
    assert b"m=audio 24006 " in outcome.sdp


@pytest.mark.parametrize("busy", [{24000}, {24001}, {24000, 24003}])
def test_port_of_another_program_is_passed_over(busy: set[int], time: Time) -> None:
    engine = IdleEngine(busy=busy)
    driver_of(engine, time).offer(offer(sdp(5004)))
    assert len(engine.opened) == 4
    assert not {port for _, port in engine.opened} & busy


def test_nothing_but_busy_ports(time: Time) -> None:
    engine = IdleEngine(busy=set(range(24000, 25000)))
    driver = driver_of(engine, time, ports=(24000, 24999))
    with pytest.raises(Refused, match="taken by other programs"):
        driver.offer(offer(sdp(5004)))
    assert not driver.calls


def test_no_ports_left(engine: IdleEngine, time: Time) -> None:
    driver = driver_of(engine, time, ports=(24000, 24005))
    driver.offer(offer(sdp(5004), call_id=b"1"))
    with pytest.raises(Refused, match="Ran out of ports"):
        driver.offer(offer(sdp(5004), call_id=b"2"))
    assert list(driver.calls) == [b"1"]
    assert len(engine.opened) == 4


def test_load_limit(engine: IdleEngine, time: Time) -> None:
    driver = driver_of(engine, time, max_calls=1)
    driver.offer(offer(sdp(5004), call_id=b"1"))
    with pytest.raises(LoadLimit):
        driver.offer(offer(sdp(5004), call_id=b"2"))
    driver.offer(offer(sdp(5004), call_id=b"1", branch=b"fork"))


def test_family_that_is_not_served(engine: IdleEngine, time: Time) -> None:
    driver = driver_of(engine, time, families=(IP4,))
    with pytest.raises(Refused, match="No IP6 address here"):
        driver.offer(offer(sdp(host="2001:db8::1")))
    assert not engine.opened


def test_unknown_call(driver: Driver) -> None:
    with pytest.raises(Refused, match="Unknown call-id"):
        driver.query(Query(b"c"))
    with pytest.raises(Refused, match="Unknown call-id"):
        driver.answer(answer(sdp()))


def test_replaced_pair_is_closed(driver: Driver, engine: IdleEngine) -> None:
    driver.offer(offer(sdp(5004)))
    driver.answer(answer(sdp(6004)))
    driver.offer(offer(sdp(5004, host="2001:db8::1"), to_tag=b"b"))
    assert CALLER not in engine.opened
    assert ("2001:db8::9", 24000) in engine.opened
    assert not driver.stranger(CALLER, RTP, PHONE)


# -- the slow path


@pytest.mark.parametrize(
    ("protocol", "datagram", "is_learned"),
    [
        ("RTP/AVP", RTP, True),
        ("RTP/AVP", b"\x80\xc9\x00\x01" + bytes(4), True),
        ("RTP/AVP", STUN, False),
        ("RTP/AVP", DTLS, False),
        ("RTP/AVP", b"", False),
        ("RTP/AVP", b"\r\n\r\n", False),
        ("UDP/TLS/RTP/SAVP", DTLS, True),
        ("udptl", b"\x00\x01", True),
        ("udptl", b"", False),
    ],
)
def test_what_a_source_is_learned_from(
    driver: Driver, engine: IdleEngine, protocol: str, datagram: bytes, is_learned: bool
) -> None:
    driver.offer(offer(sdp(5004, protocol=protocol)))
    driver.answer(answer(sdp(6004, protocol=protocol)))
    assert driver.stranger(CALLER, datagram, PHONE) is is_learned
    assert engine.rules[CALLER].accepts == (PHONE if is_learned else None)


def test_learned_source_is_where_the_other_sides_packets_go(
    driver: Driver, engine: IdleEngine
) -> None:
    driver.offer(offer(sdp(5004), options=Options(received_from=b"198.51.100.7")))
    driver.answer(answer(sdp(6004)))
    assert engine.rules[CALLEE].destination == PHONE
    behind_nat = ("198.51.100.7", 61000)
    assert driver.stranger(CALLER, RTP, behind_nat)
    assert engine.rules[CALLEE].destination == behind_nat
    assert not driver.stranger(CALLER, RTP, ("198.51.100.66", 1))
    assert engine.rules[CALLER].accepts == behind_nat


def test_section_that_is_refused_learns_nobody(driver: Driver) -> None:
    driver.offer(offer(sdp(5004)))
    driver.answer(answer(sdp(0)))
    assert not driver.stranger(CALLER, RTP, PHONE)


def test_reports_give_the_round_trip(driver: Driver, engine: IdleEngine, time: Time) -> None:
    driver.offer(offer(sdp(5004)))
    driver.answer(answer(sdp(6004)))
    driver.rtcp((CALLER[0], 24001), SENDER_REPORT)
    time.advance(0.75)
    driver.rtcp((CALLEE[0], 24003), RECEIVER_REPORT)
    driver.rtcp((CALLEE[0], 24003), b"\x81\xc9 encrypted")
    driver.rtcp(("203.0.113.9", 1), RECEIVER_REPORT)
    [dialogue] = driver.calls[b"c"].dialogues
    hearsay = dialogue.callee.streams[0].hearsay
    assert (hearsay.round_trip_seconds, hearsay.fraction_lost, hearsay.lost) == (0.25, 0.25, 3)
    assert dialogue.caller.streams[0].hearsay.reports == 0


def test_close_ends_everything(driver: Driver, engine: IdleEngine) -> None:
    for call_id in (b"1", b"2"):
        for branch in (b"x", b"y"):
            driver.offer(offer(sdp(5004), call_id=call_id, branch=branch))
    driver.close()
    assert not driver.calls
    assert not engine.opened
