"""What is heard in the softphone page, and when: tones, mute, early media, offers that come late,
the echo test; and what it says of it in words."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.baresip import Baresip
from tests.harness.browser import BrowserPhone
from tests.harness.calls import bye_at_callee, in_dialog, invite, register
from tests.harness.platform import Platform
from tests.harness.processes import free_port
from tests.harness.sipp import SDP, Party, Sipp, receive, response, scenario, send
from tests.harness.softphones import Softphones, talk
from tests.harness.sound import HEARD
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN = "sound.test"


@pytest.fixture(scope="module")
def platform(web_platform: Platform) -> Platform:
    web_platform.add_domain(DOMAIN, "media_policy=always", "nat_keepalive=off", tenant="sound")
    return web_platform


Script = Callable[..., Sipp]


@pytest.fixture
def sipp(platform: Platform, tmp_path: Path) -> Script:
    """Runs a phone with a script, which sends the sound that it gets back to where it came from."""

    def run(*steps: str, name: str, port: int) -> Sipp:
        options = ["-rtp_echo", "-mi", "127.0.0.1", "-mp", str(free_port(pair=True))]
        return Sipp(
            scenario(*steps), tmp_path, name=name, remote=f"127.0.0.1:{platform.port}", port=port,
            options=options,
        )  # fmt: skip

    return run


@pytest.fixture
def echoing(platform: Platform, sipp: Script) -> Callable[..., tuple[Party, Sipp]]:
    """A registered phone of a new user with a script for what comes then."""

    def start(user: str, *steps: str) -> tuple[Party, Sipp]:
        party, port = platform.add_user(user, DOMAIN), free_port()
        sipp(*register(party), name=f"{user}-register", port=port).succeeds()
        return party, sipp(*steps, name=user, port=port)

    return start


def cue(phone: Sipp) -> None:
    """Let the script of a call go on: an OPTIONS past the proxy, in the INVITE's own words."""
    wait_until(lambda: bool(phone.messages()), "the INVITE is written down")
    headers = phone.messages()[0].headers
    said = [
        name + b": " + value
        for name in (b"From", b"To", b"Call-ID", b"Record-Route")
        for value in headers.all(name.lower())
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as us:
        us.bind(("127.0.0.1", 0))
        via = b"Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKcue" % us.getsockname()[1]
        lines = [b"OPTIONS sip:carrier SIP/2.0", via, *said, b"CSeq: 1 OPTIONS"]
        us.sendto(b"\r\n".join([*lines, b"Content-Length: 0", b"", b""]), ("127.0.0.1", phone.port))


# What the page would play by itself, its tones, is listened to: the loudest frequency in hertz.
_LISTEN = """(() => {
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...others) {
    if (to === this.context.destination) {
      window.ear ??= new AnalyserNode(this.context, { fftSize: 8192, smoothingTimeConstant: 0 });
      connect.call(this, window.ear);
    }
    return connect.call(this, to, ...others);
  };
})()"""
_LOUDEST = """() => {
  if (!window.ear) return 0;
  const bins = new Float32Array(window.ear.frequencyBinCount);
  window.ear.getFloatFrequencyData(bins);
  const loudest = bins.indexOf(Math.max(...bins));
  return bins[loudest] < -70 ? 0 : (loudest * window.ear.context.sampleRate) / window.ear.fftSize;
}"""


def plays(phone: BrowserPhone, *tones: float) -> None:
    """Wait until one of these is what the page plays; no tone: until it is silent."""
    wanted = tones or (0,)
    wait_until(
        lambda: any(abs(phone.page.evaluate(_LOUDEST) - tone) < 12 for tone in wanted),
        f"the page plays {wanted} Hz",
    )


def test_tones_while_it_rings(softphone: Softphones) -> None:
    alice, bob = softphone("tones1", script=_LISTEN), softphone("tones2", script=_LISTEN)
    alice.dials("tones2")
    plays(bob, 440, 480)
    plays(alice, 425)
    bob.answers()
    alice.is_in("talking")
    plays(alice)
    plays(bob)
    alice.clicks("end")
    bob.has_no_call()


def test_a_tone_for_a_call_that_comes_during_another(softphone: Softphones) -> None:
    alice, bob = softphone("waits1", script=_LISTEN), softphone("waits2")
    talk(alice, bob, "waits2")
    carol = softphone("waits3")
    carol.dials("waits1")
    alice.is_in("ringing")
    plays(alice, 440)
    carol.clicks("end")
    plays(alice)
    alice.is_in("talking")


def test_mute(softphone: Softphones, platform: Platform, baresip: Callable[..., Baresip]) -> None:
    alice, bob = softphone("mute1"), softphone("mute2")
    alice.dials("mute2")
    bob.answers()
    alice.is_in("talking")
    wait_until(lambda: bob.hears(alice.played) > HEARD, "bob hears alice")
    alice.clicks("mute")
    wait_until(bob.hears_nothing, "alice is muted")
    assert alice.hears(bob.played) > HEARD
    alice.clicks("mute")
    wait_until(lambda: bob.hears(alice.played) > HEARD, "bob hears alice again")
    bob.clicks("end")
    alice.has_no_call()


def test_early_media_is_heard_and_then_the_call(
    softphone: Softphones,
    echoing: Callable[..., tuple[Party, Sipp]],
) -> None:
    """An announcement before the answer: here, what the page says itself comes back."""
    page = softphone("early", script=_LISTEN)
    _, carrier = echoing(
        "carrier",
        receive("INVITE", remember=True, route_set=True),
        send(response(183, "Session Progress", user="carrier", body=SDP), retransmit=False),
        receive("OPTIONS"),
        send(response(200, "OK", user="carrier", body=SDP, remembered=True)),
        receive("ACK"),
        *bye_at_callee(),
    )
    page.dials("carrier")
    wait_until(lambda: page.hears_itself() > HEARD, "the announcement is heard")
    assert page.page.evaluate("fedsipPhone.line.calls[0].state") == "calling"
    plays(page)
    cue(carrier)
    page.is_in("talking")
    wait_until(lambda: page.hears_itself() > HEARD, "and the call")
    page.clicks("end")
    carrier.succeeds()


def test_an_offer_that_comes_in_the_answer(
    softphone: Softphones, platform: Platform, sipp: Script
) -> None:
    """A desk phone calls without a description: the page offers in its 200, the ACK answers."""
    page, caller = softphone("late"), platform.add_user("late-caller", DOMAIN)
    target = f"sip:late@{DOMAIN}"
    phone = sipp(
        *invite(caller, target, body=""),
        receive(180),
        receive(200, route_set=True),
        in_dialog("ACK", caller, target, cseq=2, body=SDP),
        *bye_at_callee(),
        name="late",
        port=free_port(),
    )
    page.answers()
    page.is_in("talking")
    wait_until(lambda: page.hears_itself() > HEARD, "sound goes there and back")
    page.clicks("end")
    phone.succeeds()


def test_the_echo_test(softphone: Softphones) -> None:
    page = softphone("echo")
    page.page.get_by_role("tab", name="Sound").click()
    page.page.get_by_role("button", name="Echo test call").click()
    page.is_in("talking")
    wait_until(lambda: page.hears_itself() > HEARD, "one hears oneself")
    page.page.wait_for_function("() => document.querySelector('.phone-card meter').value > 0.01")
    page.page.wait_for_selector("text=You came back")
    assert page.page.locator(".phone-card").count() == 1
    page.clicks("end")
    page.has_no_call()
    assert page.page.locator(".phone-line").count() == 0  # it is no call of the history


def test_connection_and_quality_in_words(softphone: Softphones) -> None:
    alice, bob = softphone("words1"), softphone("words2")
    ready = alice.page.get_by_text("Ready")
    ready.wait_for()
    alice.dials("words2")
    alice.page.wait_for_selector("text=It rings there")
    bob.page.wait_for_selector("text=is calling you")
    assert bob.page.title().startswith("words1@")
    bob.answers()
    for phone in (alice, bob):
        phone.page.wait_for_selector(".phone-quality[data-level=good] >> text=Good.")
    assert "calls" not in bob.page.title()
    # bob's page stands still, as in a lift: nothing of it comes any more.
    bob.page.evaluate(
        "for (const sender of fedsipPhone.line.calls[0].connection.getSenders())"
        "  sender.replaceTrack(null)"
    )
    alice.page.wait_for_selector(".phone-quality[data-level=bad] >> text=Nothing comes from")
    alice.cable.cut()
    alice.page.wait_for_selector("text=Connection lost, trying again")
    alice.cable.mend()
    ready.wait_for()
    alice.clicks("end")
    bob.has_no_call()


def test_favourites(softphone: Softphones) -> None:
    """By hand and by a star; kept by the platform, so that a new browser has them."""
    alice, bob = softphone("fav1"), softphone("fav2")
    tab = alice.page.get_by_role("tab", name="Favourites")
    tab.click()
    alice.page.fill("[aria-label='Address of the favourite']", "fav2")
    alice.page.fill("[aria-label='Name of the favourite']", "Bob in the office")
    alice.page.get_by_role("button", name="Add", exact=True).click()
    alice.page.get_by_title(f"Call fav2@{DOMAIN}").click()
    bob.is_in("ringing")
    bob.clicks("end")
    alice.has_no_call()
    alice.dials("nobody")
    alice.page.wait_for_selector("text=There is nobody of that name.")
    alice.page.get_by_role("tab", name="Recent").click()
    alice.page.get_by_role("button", name=f"Make a favourite: nobody@{DOMAIN}").click()
    alice.page.wait_for_selector(f"[aria-label='Take off the favourites: nobody@{DOMAIN}']")
    alice.page.evaluate("localStorage.clear()")
    alice.page.reload()
    alice.is_ready()
    tab.click()
    names = alice.page.locator("#phone-favourites .phone-line b")
    alice.page.wait_for_selector("#phone-favourites >> text=Bob in the office")
    assert names.all_inner_texts() == ["Bob in the office", "nobody"]
    alice.page.get_by_role("button", name="Take Bob in the office off").click()
    alice.page.wait_for_selector("#phone-favourites >> text=Bob in the office", state="detached")
    assert names.all_inner_texts() == ["nobody"]
