"""The softphone page in Chromium: it registers, calls, and outlives cut sockets and reloads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.browser import BrowserPhone, Chromiums
from tests.harness.capture import ANY_PORT, captured
from tests.harness.platform import Platform
from tests.harness.softphones import Softphones, pages_hear, talk
from tests.harness.waiting import wait_until
from tests.harness.wires import WEBRTC, check_direct, check_wires

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAINS = {"never": "browsers.test", "always": "relayed-browsers.test"}
"""By whether sound passes our relay."""


@pytest.fixture(scope="module")
def platform(web_platform: Platform) -> Platform:
    for policy, domain in DOMAINS.items():
        web_platform.add_domain(domain, f"media_policy={policy}", tenant="browsers")
    return web_platform


@pytest.fixture(params=DOMAINS)
def softphone(
    request: pytest.FixtureRequest, platform: Platform, browsers: Chromiums, tmp_path: Path
) -> Iterator[Softphones]:
    """Browser to browser, peer to peer as well as through our relay."""
    with Softphones(platform, browsers, DOMAINS[request.param], tmp_path) as phones:
        yield phones


def test_two_pages_hear_each_other(
    request: pytest.FixtureRequest,
    softphone: Softphones,
    platform: Platform,
    tmp_path: Path,
) -> None:
    alice, bob, file = softphone("alice1"), softphone("bob1"), tmp_path / "call.pcap"
    is_relayed = "always" in request.node.name
    with captured(file, platform.media_ports if is_relayed else ANY_PORT):
        talk(alice, bob, "bob1")
        pages_hear(alice, bob)
        for phone in (alice, bob):
            figures = phone.figures()
            assert figures["dtls"] == "connected"
            assert figures["energy"] > 0
        ports, far = alice.own_ports(), alice.far_ports() + bob.far_ports()
        alice.clicks("end")
        bob.has_no_call()
        alice.has_no_call()
    if is_relayed:
        check_wires(file, dict.fromkeys(far, WEBRTC))
    else:
        check_direct(file, ports)
    assert bob.page.inner_text(".phone-line b") == "alice1"


def test_hold_and_resume(softphone: Softphones) -> None:
    alice, bob = softphone("alice2"), softphone("bob2")
    talk(alice, bob, "bob2")
    alice.holds()
    wait_until(lambda: is_quiet(alice), "nothing comes from the held side")
    alice.resumes()
    pages_hear(alice, bob)
    bob.clicks("end")
    alice.has_no_call()


def is_quiet(phone: BrowserPhone) -> bool:
    before = phone.figures().get("received", 0)
    phone.page.wait_for_timeout(300)
    return bool(phone.figures().get("received", 0) == before)


def test_reject_and_no_such_user(softphone: Softphones) -> None:
    alice, bob = softphone("alice3"), softphone("bob3")
    alice.dials("bob3")
    bob.is_in("ringing")
    bob.clicks("end")
    alice.has_no_call()
    assert "refused" in alice.page.inner_text(".phone-when")
    alice.dials("nobody-of-that-name")
    alice.page.wait_for_selector("text=There is nobody of that name.")


def test_messages(softphone: Softphones) -> None:
    alice, bob = softphone("alice4"), softphone("bob4")
    alice.says("bob4", "Grüße 你好")
    bob.page.get_by_role("tab", name="Messages").click()
    bob.page.wait_for_selector(".phone-theirs >> text=Grüße 你好")


def test_a_call_outlives_its_socket(softphone: Softphones) -> None:
    alice, bob = softphone("alice5"), softphone("bob5")
    talk(alice, bob, "bob5")
    alice.cable.cut()
    alice.is_cut()
    bob.is_in("talking")
    with alice.restarts_ice():
        alice.cable.mend()
        alice.is_ready()
    alice.is_in("talking")
    pages_hear(alice, bob)
    bob.clicks("end")  # finds the new socket
    alice.has_no_call()


@pytest.mark.parametrize("server", ["proxy", "web"])
def test_calls_outlive_a_restart(softphone: Softphones, platform: Platform, server: str) -> None:
    alice, bob = softphone(f"alice-{server}"), softphone(f"bob-{server}")
    talk(alice, bob, f"bob-{server}")
    platform.kill(server)
    alice.is_cut()
    platform.start(server)
    alice.is_ready()
    bob.is_ready()
    pages_hear(alice, bob)
    alice.clicks("end")
    bob.has_no_call()


def test_a_call_outlives_the_reload_of_its_page(softphone: Softphones) -> None:
    alice, bob = softphone("alice7"), softphone("bob7")
    talk(alice, bob, "bob7")
    for phone in (alice, bob):  # of who called, and of who was called
        phone.page.reload()
        phone.is_ready()
        phone.is_in("talking")
        pages_hear(alice, bob)
    alice.clicks("end")
    bob.has_no_call()


def test_after_a_reload_it_is_the_same_phone(softphone: Softphones, platform: Platform) -> None:
    alice = softphone("alice8")
    alice.page.reload()
    alice.is_ready()
    assert places(platform, "alice8") == 1


def test_a_tab_that_is_duplicated_is_a_phone_of_its_own(
    softphone: Softphones, platform: Platform
) -> None:
    """Also in the middle of a call, which stays where it is; both tabs ring, and each keeps its own
    call when it is loaded again."""
    alice, bob = softphone("alice13"), softphone("bob13")
    talk(alice, bob, "bob13")
    copy = alice.duplicates()
    assert copy.page.locator(".phone-card").count() == 0
    assert places(platform, "alice13") == 2
    pages_hear(alice, bob)
    bob.clicks("end")
    alice.has_no_call()
    for answering, other in ((copy, alice), (alice, copy)):
        bob.dials("alice13")
        other.is_in("ringing")
        answering.answers()
        other.has_no_call()
        for phone in (other, answering):
            phone.page.reload()
            phone.is_ready()
        answering.is_in("talking")
        pages_hear(answering, bob)
        assert other.page.locator(".phone-card").count() == 0
        assert places(platform, "alice13") == 2
        answering.clicks("end")
        bob.has_no_call()


def places(platform: Platform, user: str) -> int:
    """Where calls to the user ring."""
    rows = json.loads(platform.cli("registrations", "--json"))
    return len([row for row in rows if row["aor"].startswith(f"{user}@")])


def test_blind_transfer(softphone: Softphones) -> None:
    alice, bob, carol = softphone("alice9"), softphone("bob9"), softphone("carol9")
    talk(alice, bob, "bob9")
    alice.transfers_to("two words")  # which is said to be no address; the form stays
    alice.clicks("transfer")
    alice.transfers_to("carol9")
    carol.answers()
    carol.is_in("talking")
    alice.has_no_call()
    pages_hear(carol, bob)
    carol.clicks("end")
    bob.has_no_call()


def test_attended_transfer(softphone: Softphones) -> None:
    alice, bob, carol = softphone("alice11"), softphone("bob11"), softphone("carol11")
    talk(alice, bob, "bob11")
    alice.dials("carol11")  # bob is put on hold
    alice.is_in("held")
    carol.answers()
    carol.is_in("talking")
    alice.clicks("transfer", at=1)
    alice.page.get_by_role("button", name="Connect with bob11").click()
    alice.has_no_call()
    for phone in (bob, carol):
        phone.is_in("talking")
    pages_hear(bob, carol)
    carol.clicks("end")
    bob.has_no_call()


def test_a_second_call_rings_beside_the_first(softphone: Softphones) -> None:
    alice, bob, carol = softphone("alice12"), softphone("bob12"), softphone("carol12")
    talk(alice, bob, "bob12")
    carol.dials("bob12")
    bob.answers()  # which puts alice on hold
    carol.is_in("talking")
    bob.is_in("held")
    carol.clicks("end")
    bob.resumes()
    alice.clicks("end")
    bob.has_no_call()
