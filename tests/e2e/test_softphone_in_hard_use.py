"""The softphone page as it is not meant to be used: calls that cross, one's own number, several
tabs, a microphone that goes, a person who has signed out."""

from __future__ import annotations

import json

import pytest

from tests.harness.browser import BrowserPhone
from tests.harness.platform import Platform
from tests.harness.sessions import sign_in
from tests.harness.softphones import Softphones, pages_hear, talk
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN = "hard.test"
_UNPLUG = """() => {
  const [{ track }] = fedsipPhone.line.calls[0].connection.getSenders();
  track.stop();
  track.dispatchEvent(new Event("ended"));
}"""
_FORBID = """() => {
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException("Permission denied", "NotAllowedError");
  };
}"""
_ALLOW = "() => { delete navigator.mediaDevices.getUserMedia; }"
_COMES_TO_THE_FRONT = "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture(scope="module")
def platform(web_platform: Platform) -> Platform:
    web_platform.add_domain(DOMAIN, "media_policy=always", tenant="hard")
    return web_platform


def test_a_call_that_is_answered_during_another_puts_that_on_hold(softphone: Softphones) -> None:
    """Which came, and was answered, while the first still rang there."""
    alice, bob, carol = softphone("cross1"), softphone("cross2"), softphone("cross3")
    alice.dials("cross2")
    bob.is_in("ringing")
    carol.dials("cross1")
    alice.answers()
    carol.is_in("talking")
    bob.answers()
    alice.is_in("held")
    pages_hear(alice_by_call(alice, "cross2"), bob)
    carol.page.get_by_text("They have put you on hold.").wait_for()
    bob.clicks("end")
    carol.clicks("end")
    alice.has_no_call()


def alice_by_call(alice: BrowserPhone, name: str) -> BrowserPhone:
    """Whose first call is the one with that user, for what is heard is that one's."""
    talking = alice.page.locator(".phone-card[data-state=talking]")
    assert talking.count() == 1
    assert name in talking.inner_text()
    alice.page.evaluate("fedsipPhone.line.calls.sort((one) => one.isHeld)")
    return alice


def test_one_s_own_number_rings_at_one_s_other_phones(softphone: Softphones) -> None:
    alice = softphone("myself")
    alice.dials("myself")
    alice.page.get_by_text("This is your own number").wait_for()
    copy = alice.duplicates()
    alice.dials("myself")
    copy.answers()
    alice.is_in("talking")
    assert alice.page.locator(".phone-card").count() == 1
    alice.clicks("end")
    copy.has_no_call()


def test_what_comes_to_several_tabs_is_remembered_once(softphone: Softphones) -> None:
    alice, bob = softphone("tabs1"), softphone("tabs2")
    copy = alice.duplicates()
    bob.says("tabs1", "Shall I call you?")
    bob.dials("tabs1")
    alice.is_in("ringing")
    copy.answers()
    alice.has_no_call()
    alice.page.get_by_text("answered elsewhere").wait_for()
    bob.clicks("end")
    copy.has_no_call()
    for phone in (alice, copy):
        last = phone.page.locator("#phone-recent .phone-line")
        wait_until(lambda last=last: ":" in last.inner_text().split()[-1], "it says how long")
        assert last.count() == 1
        phone.page.get_by_role("tab", name="Messages").click()
        assert phone.page.locator(".phone-theirs").count() == 1


def test_another_microphone_takes_the_place_of_one_that_is_unplugged(softphone: Softphones) -> None:
    alice, bob = softphone("plug1"), softphone("plug2")
    talk(alice, bob, "plug2")
    pages_hear(alice, bob)
    alice.page.evaluate(_UNPLUG)
    pages_hear(alice, bob)
    alice.clicks("end")
    bob.has_no_call()


def test_without_a_microphone_nobody_is_called_and_what_rings_rings_on(
    softphone: Softphones,
) -> None:
    alice, bob = softphone("dumb1"), softphone("dumb2")
    alice.page.evaluate(_FORBID)
    alice.dials("dumb2")
    alice.page.locator(".phone-problem", has_text="may not use the microphone").wait_for()
    assert bob.page.locator(".phone-card").count() == 0
    assert "did not work" in alice.page.inner_text(".phone-when")
    bob.dials("dumb1")
    alice.answers()
    alice.page.locator(".phone-card", has_text="may not use the microphone").wait_for()
    alice.page.evaluate(_ALLOW)
    alice.answers()
    alice.is_in("talking")
    pages_hear(alice, bob)
    alice.clicks("end")
    bob.has_no_call()


def test_who_signs_out_in_another_tab_is_called_here_no_more(
    softphone: Softphones, platform: Platform
) -> None:
    alice, bob = softphone("out1"), softphone("out2")
    talk(alice, bob, "out2")
    origin = alice.page.url.rpartition("/")[0]
    tab = alice.page.context.new_page()
    tab.goto(f"{origin}/sign-out")
    with tab.expect_navigation():
        tab.locator("main form button").click()
    alice.page.evaluate(_COMES_TO_THE_FRONT)
    pages_hear(alice, bob)  # which goes on
    alice.clicks("end")
    bob.has_no_call()
    alice.has_no_call()
    alice.page.evaluate(_COMES_TO_THE_FRONT)
    alice.page.get_by_text("You are signed out here.").wait_for()
    wait_until(lambda: "out1@" not in aors(platform), "it is registered no more")
    alice.page.get_by_role("button", name="Sign in").wait_for()
    sign_in(platform, alice.page.context, f"out1@{DOMAIN}")
    alice.page.reload()
    alice.is_ready()


def test_a_new_password_of_the_user_s_costs_one_call(
    softphone: Softphones, platform: Platform
) -> None:
    """Passes end with the password before; the page asks for a new one."""
    alice, bob = softphone("renews1"), softphone("renews2")
    platform.cli("user", "password", f"renews1@{DOMAIN}", "--password-stdin", stdin="another-1234")
    alice.dials("renews2")
    alice.page.get_by_text("Your sign-in had ended").wait_for()
    alice.dials("renews2")
    bob.answers()
    alice.is_in("talking")
    alice.clicks("end")
    bob.has_no_call()


def aors(platform: Platform) -> str:
    return " ".join(row["aor"] for row in json.loads(platform.cli("registrations", "--json")))
