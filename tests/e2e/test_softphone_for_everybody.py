"""The softphone page as different people use it: by keyboard, by screen reader, with several
microphones, beside desk phones that write and are transferred."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.harness.axe import violations
from tests.harness.baresip import Baresip
from tests.harness.browser import BrowserPhone
from tests.harness.linphone import Linphone
from tests.harness.platform import Platform
from tests.harness.softphones import Softphones
from tests.harness.sound import HEARD
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN = "everybody.test"
NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def platform(web_platform: Platform) -> Platform:
    web_platform.add_domain(DOMAIN, "media_policy=always", tenant="everybody")
    return web_platform


@pytest.fixture
def desk(platform: Platform, baresip: Callable[..., Baresip]) -> Callable[[], Baresip]:
    """A baresip of a new user."""
    return lambda: baresip(platform.add_user(f"desk{os.urandom(3).hex()}", DOMAIN))


def tab_to(phone: BrowserPhone, selector: str) -> None:
    """Press Tab until that part has the keyboard, at most once round the page."""
    for _ in range(80):
        phone.page.keyboard.press("Tab")
        if has_keyboard(phone, selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def has_keyboard(phone: BrowserPhone, selector: str) -> bool:
    focused = "chosen => Boolean(document.activeElement?.matches(chosen))"
    return bool(phone.page.evaluate(focused, selector))


def gets_keyboard(phone: BrowserPhone, selector: str) -> None:
    wait_until(lambda: has_keyboard(phone, selector), f"the keyboard is at {selector}")


def test_a_call_by_keyboard_alone(softphone: Softphones) -> None:
    alice, bob = softphone("keys1"), softphone("keys2")
    press = alice.page.keyboard.press
    tab_to(alice, ".phone-typed")
    alice.page.keyboard.type("keys2")
    press("Enter")
    bob.is_in("ringing")
    gets_keyboard(bob, "[data-act=answer]")
    bob.page.keyboard.press("Enter")
    bob.is_in("talking")
    gets_keyboard(bob, "[data-act=mute]")
    alice.is_in("talking")

    tab_to(alice, "[data-act=mute]")
    for key, pressed in (("Enter", "true"), ("Space", "false")):
        press(key)
        gets_keyboard(alice, f"[data-act=mute][aria-pressed={pressed}]")
    tab_to(alice, "[data-act=hold]")
    press("Enter")
    alice.is_in("held")
    gets_keyboard(alice, "[data-act=hold]")
    press("Enter")
    alice.is_in("talking")
    tab_to(alice, "[data-act=transfer]")
    press("Enter")
    gets_keyboard(alice, "[aria-label='Transfer to']")
    press("Escape")
    gets_keyboard(alice, "[data-act=transfer]")
    tab_to(alice, "[data-act=end]")
    press("Enter")
    alice.has_no_call()
    gets_keyboard(alice, ".phone-typed")

    for name in ("Favourites", "Messages", "Sound", "Recent"):
        tab_to(alice, "[role=tab]") if name == "Favourites" else None
        press("ArrowRight")
        gets_keyboard(alice, f"#phone-{name.lower()}-tab[aria-selected=true]")
    tab_to(alice, ".phone-line")
    press("Enter")  # calls again
    bob.is_in("ringing")
    bob.page.keyboard.press("Escape")
    alice.has_no_call()


def test_who_writes_answers_nothing_by_the_end_of_a_line(softphone: Softphones) -> None:
    alice, bob = softphone("writes1"), softphone("writes2")
    bob.page.get_by_role("tab", name="Messages").click()
    bob.page.fill("[aria-label='Send to']", "writes1")
    bob.page.focus("[aria-label=Message]")
    alice.dials("writes2")
    bob.is_in("ringing")
    bob.page.keyboard.type("I am busy")
    bob.page.keyboard.press("Enter")
    alice.page.get_by_role("tab", name="Messages").click()
    alice.page.wait_for_selector(".phone-theirs >> text=I am busy")
    bob.is_in("ringing")
    bob.clicks("end")
    alice.has_no_call()


def test_numbers_as_people_write_them(softphone: Softphones, platform: Platform) -> None:
    alice, bob = softphone("dials"), softphone("numbered")
    for number in ("+15550109999", "05512"):
        platform.cli("alias", "add", f"{number}@{DOMAIN}", "numbered")
    written = {
        "+15550109999": (
            *("+1 (555) 010-9999", "(+1) 555.010.9999", "tel:+1-555-010-9999"),
            "\u202a+1\xa0555 010\u20139999\u202c",  # as copied from a list of contacts
        ),
        "05512": ("0 55 / 12", " 055-12 "),
    }
    for number, ways in written.items():
        for typed in ways:
            alice.dials(typed)
            bob.is_in("ringing")
            assert alice.page.inner_text(".phone-card small") == f"{number}@{DOMAIN}"
            alice.clicks("end")
            bob.has_no_call()
            alice.has_no_call()
    alice.dials("two words")
    assert alice.page.input_value(".phone-typed") == "two words"  # it says that this is none
    assert alice.page.locator(".phone-card").count() == 0
    code = "fedsipPhone.line.target('#31#5').toString()"
    assert alice.page.evaluate(code) == f"sip:%2331%235@{DOMAIN}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_keeps_people_out(softphone: Softphones, scheme: str, size: dict[str, int]) -> None:
    """axe in each state of the page: idle, ringing, in two calls with the form for transfers open,
    and each of the tabs."""
    name = f"axe{scheme}{size['width']}"
    alice = softphone(name, color_scheme=scheme, viewport=size)
    bob, carol = softphone(f"{name}-bob"), softphone(f"{name}-carol")
    assert violations(alice.page) == []
    bob.dials(name)
    alice.is_in("ringing")
    assert violations(alice.page) == []
    alice.answers()
    alice.is_in("talking")
    alice.dials(f"{name}-carol")
    carol.answers()
    carol.is_in("talking")
    alice.says(f"{name}-bob", "See you at ten")
    alice.clicks("transfer", at=1)
    assert violations(alice.page) == []
    alice.page.get_by_role("tab", name="Favourites").click()
    alice.page.fill("[aria-label='Address of the favourite']", f"{name}-bob")
    alice.page.press("[aria-label='Address of the favourite']", "Enter")
    alice.page.wait_for_selector(f"#phone-favourites [title='Call {name}-bob@{DOMAIN}']")
    assert violations(alice.page) == []
    for tab in ("Sound", "Recent"):
        alice.page.get_by_role("tab", name=tab).click()
        assert violations(alice.page) == []
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert alice.page.evaluate(wide), "the page is wider than the screen"
    bob.clicks("end")
    carol.clicks("end")
    alice.has_no_call()
    assert alice.page.locator("#phone-recent .phone-line").count() == 2


_USED = """() => {
  const [call] = window.fedsipPhone.line.calls;
  const sender = call.connection.getSenders().find(({ track }) => track?.kind === "audio");
  return { Microphone: sender.track.getSettings().deviceId, Speaker: call.audio.sinkId };
}"""


def test_microphone_and_speaker_are_chosen(softphone: Softphones) -> None:
    """Before the call, during it, and back to the system's own."""
    alice, bob = softphone("devices1"), softphone("devices2")
    alice.page.get_by_role("tab", name="Sound").click()
    alice.page.get_by_role("button", name="Test the microphone").click()
    alice.page.wait_for_function("() => document.querySelector('meter').value > 0.01")
    alice.page.get_by_role("button", name="Test the microphone").click()
    found = {
        kind: alice.page.eval_on_selector_all(
            f"[aria-label={kind}] option", "all => all.map(({ value }) => value).filter(Boolean)"
        )
        for kind in ("Microphone", "Speaker")
    }
    assert all(len(values) >= 2 for values in found.values()), found
    for kind, values in found.items():
        alice.page.select_option(f"[aria-label={kind}]", values[0])
    alice.dials("devices2")
    bob.answers()
    alice.is_in("talking")
    wait_until(lambda: bob.hears(alice.played) > HEARD, "bob hears the first microphone")
    assert alice.page.evaluate(_USED) == {kind: values[0] for kind, values in found.items()}

    for kind, values in found.items():
        alice.page.select_option(f"[aria-label={kind}]", values[1])
    wanted = {kind: values[1] for kind, values in found.items()}
    wait_until(lambda: alice.page.evaluate(_USED) == wanted, "the others are used")
    assert bob.page.evaluate("fedsipPhone.line.calls[0].state") == "talking"

    for kind in found:
        alice.page.select_option(f"[aria-label={kind}]", "")
    wait_until(
        lambda: (
            alice.page.evaluate(_USED)["Speaker"] == ""
            and alice.page.evaluate(_USED)["Microphone"] != wanted["Microphone"]
        ),
        "the system's own are used",
    )
    alice.clicks("end")
    bob.has_no_call()


Lin = Callable[[str], Linphone]


@pytest.fixture
def linphone(platform: Platform, phones: ExitStack, tmp_path: Path) -> Lin:
    """A registered linphone of a new user of that name."""

    def start(name: str) -> Linphone:
        account = platform.account(platform.add_user(name, DOMAIN), "tcp")
        phone = phones.enter_context(Linphone(account, tmp_path / name))
        phone.registers()
        return phone

    return start


def test_messages_with_desk_phones(
    softphone: Softphones, desk: Callable[[], Baresip], linphone: Lin
) -> None:
    page, one, other = softphone("texts"), desk(), linphone("writer")
    page.says(one.account.aor, "Grüße 你好")
    one.program.awaits("Grüße 你好")
    other.says(f"sip:texts@{DOMAIN}", "back at noon")
    page.page.wait_for_selector(".phone-theirs >> text=back at noon")


def test_desk_phones_are_transferred_to_each_other(softphone: Softphones, linphone: Lin) -> None:
    """Attended: the page talks to one, then to the other, and connects them (REFER with Replaces,
    RFC 5589 s7); the first desk phone takes the page's place in the second call."""
    page, one, other = softphone("connects"), linphone("lin1"), linphone("lin2")
    page.dials("lin1")
    first = one.accepts()
    page.is_in("talking")
    page.dials("lin2")  # which puts the first on hold
    page.is_in("held")
    second = other.accepts()
    page.is_in("talking")
    page.clicks("transfer", at=1)
    page.page.get_by_role("button", name="Connect with lin1").click()
    page.has_no_call()
    assert one.is_in("StreamsRunning") != first
    taken = other.is_in("StreamsRunning")
    assert taken != second
    assert other.is_in("End") == second
    one.command("terminate")
    assert other.is_in("End") == taken
