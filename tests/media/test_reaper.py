"""Silence by what a dialogue is doing, deletes with a delay, the time of the last packet."""

from __future__ import annotations

import pytest

from media.driver import Driver
from media.ng import Delete, Options
from media.reaper import Patience
from tests.harness.media import IdleEngine, Time, answer, driver_of, offer, sdp

PATIENCE = Patience(answered=60.0, held=3600.0, ringing=600.0)
CALLER = ("203.0.113.9", 24000)
CALLEE = ("203.0.113.9", 24002)


@pytest.fixture
def engine() -> IdleEngine:
    return IdleEngine()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def driver(engine: IdleEngine, time: Time) -> Driver:
    return driver_of(engine, time)


def answered(driver: Driver) -> None:
    driver.offer(offer(sdp(5004)))
    driver.answer(answer(sdp(6004)))


def is_alive(driver: Driver, time: Time, seconds: float) -> bool:
    time.advance(seconds)
    driver.sweep(list(driver.calls.values()), PATIENCE)
    return b"c" in driver.calls


def test_silent_call_ends(driver: Driver, engine: IdleEngine, time: Time) -> None:
    answered(driver)
    assert is_alive(driver, time, 59.0)
    assert not is_alive(driver, time, 1.0)
    assert not engine.opened


@pytest.mark.parametrize("local", [CALLER, CALLEE, (CALLER[0], 24001), (CALLEE[0], 24003)])
def test_any_packet_keeps_it(
    driver: Driver, engine: IdleEngine, time: Time, local: tuple[str, int]
) -> None:
    answered(driver)
    assert is_alive(driver, time, 59.0)
    engine.hears(local)
    assert is_alive(driver, time, 59.0)
    assert is_alive(driver, time, 59.0)
    assert not is_alive(driver, time, 1.0)


def test_signalling_keeps_it_for_another_while(driver: Driver, time: Time) -> None:
    answered(driver)
    assert is_alive(driver, time, 59.0)
    driver.offer(offer(sdp(5004), to_tag=b"b"))
    assert is_alive(driver, time, 59.0)


def test_ringing_may_take_longer(driver: Driver, time: Time) -> None:
    driver.offer(offer(sdp(5004)))
    assert is_alive(driver, time, 599.0)
    assert not is_alive(driver, time, 1.0)


def test_hold_may_take_much_longer(driver: Driver, time: Time) -> None:
    answered(driver)
    driver.offer(offer(sdp(5004, "a=inactive"), to_tag=b"b"))
    assert is_alive(driver, time, 3599.0)
    assert not is_alive(driver, time, 1.0)


def test_delete_with_a_delay(driver: Driver, time: Time) -> None:
    answered(driver)
    assert driver.delete(Delete(b"c", b"a", delay=30)) is not None
    assert is_alive(driver, time, 29.0)
    assert not is_alive(driver, time, 1.0)


def test_new_offer_takes_a_delayed_delete_back(driver: Driver, time: Time) -> None:
    answered(driver)
    driver.delete(Delete(b"c", b"a", delay=30))
    driver.offer(offer(sdp(5004), to_tag=b"b"))
    assert is_alive(driver, time, 31.0)


def test_one_fork_ends_and_the_call_goes_on(driver: Driver, time: Time) -> None:
    for branch in (b"1", b"2"):
        driver.offer(offer(sdp(5004), branch=branch))
    driver.answer(answer(sdp(6004), branch=b"1"))
    assert is_alive(driver, time, 60.0)
    assert [one.via_branch for one in driver.calls[b"c"].dialogues] == [b"2"]


def test_section_without_ports_is_passed_over(driver: Driver, time: Time) -> None:
    driver.offer(offer(sdp(0)))
    driver.answer(answer(sdp(0)))
    assert is_alive(driver, time, 59.0)
    assert is_alive(driver, time, 599.0)  # nobody wants media: as good as hold


def test_exclusive_comes_with_a_sweep_and_goes_with_silence(
    driver: Driver, engine: IdleEngine, time: Time
) -> None:
    driver.offer(offer(sdp(5004), options=Options(received_from=b"198.51.100.1")))
    driver.answer(answer(sdp(6004)))
    assert driver.stranger(CALLER, b"\x80\x00" + bytes(20), ("192.0.2.1", 5004))
    engine.hears(CALLER)
    assert not engine.rules[CALLER].is_exclusive
    assert is_alive(driver, time, 1.0)
    assert engine.rules[CALLER].is_exclusive
    assert is_alive(driver, time, 1.0)
    assert not engine.rules[CALLER].is_exclusive
