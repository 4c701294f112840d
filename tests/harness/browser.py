"""Chromium as a phone: headless, with a made-up microphone that plays a known sound."""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    sync_playwright,
)

from tests.harness import sound
from tests.harness.cable import Cable

_FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
BOUND_MS = 60_000

_SETTLED = """(given) => Promise.race([(%s)(given), new Promise((_, fall) => {
  setTimeout(() => fall(new Error("waited in vain until the promise is settled")), %d);
})])"""

# Two seconds of what a track brings, as 16-bit samples at 8 kHz, in base64; empty without one yet,
# or where a connection that the call has left brings nothing more. Firefox hands out no frames.
_RECORD = """async () => {
  const [track] = window.fedsipPhone.line.calls[0]?.audio.srcObject?.getAudioTracks() ?? [];
  if (!track) return "";
  const found = [];
  const add = (samples, rate) => {
    const step = rate / 8000;
    for (let at = 0; at + step <= samples.length; at += step) {
      let sum = 0;
      for (let one = 0; one < step; one += 1) sum += samples[at + one];
      found.push(Math.max(-32768, Math.min(32767, Math.round((sum / step) * 32767))));
    }
    return found.length >= 16000;
  };
  const byFrames = async () => {
    const reader = new MediaStreamTrackProcessor({ track: track.clone() }).readable.getReader();
    for (let isEnough = false; !isEnough;) {
      const { value, done } = await reader.read();
      if (done) return false;
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      isEnough = add(samples, value.sampleRate);
      value.close();
    }
    await reader.cancel();
    return true;
  };
  const byAudioNodes = async () => {
    const context = new AudioContext();
    const tap = context.createScriptProcessor(4096, 1, 1);
    context.createMediaStreamSource(new MediaStream([track])).connect(tap);
    tap.connect(context.destination);
    const heard = [];
    await new Promise((enough) => {
      tap.onaudioprocess = ({ inputBuffer }) => {
        heard.push(...inputBuffer.getChannelData(0));
        if (heard.length >= 2 * context.sampleRate) enough();
      };
    });
    await context.close();
    return add(heard, context.sampleRate);
  };
  const recorded = window.MediaStreamTrackProcessor ? byFrames() : byAudioNodes();
  const silence = new Promise((fall) => { setTimeout(() => fall(false), 10000); });
  if (!(await Promise.race([recorded, silence]))) return "";
  const bytes = new Uint8Array(new Int16Array(found).buffer);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""

_FIGURES = """async () => {
  const found = {};
  const { connection } = window.fedsipPhone.line.calls[0];
  for (const one of (await connection.getStats()).values()) {
    if (one.type === "inbound-rtp") {
      found.received = one.packetsReceived;
      found.energy = one.totalAudioEnergy;
    }
    if (one.type === "outbound-rtp") found.sent = one.packetsSent;
  }
  for (const { transport } of connection.getSenders()) found.dtls = transport?.state;
  return found;
}"""

_PASS = """() => fetch("/api/v1/me/phone/pass", {
  method: "POST", headers: { "X-CSRFToken": document.querySelector("[data-csrf]").dataset.csrf },
}).then((answer) => answer.json())"""

_OWN_UFRAG = """() => {
  const { sdp } = window.fedsipPhone.line.calls[0].connection.currentLocalDescription;
  return /a=ice-ufrag:(\\S+)/.exec(sdp)[1];
}"""
_FAR_PORTS = r"""() => window.fedsipPhone.line.calls.map(({ connection }) =>
  Number(/^m=audio (\d+)/m.exec(connection.currentRemoteDescription.sdp)[1]))"""
_OWN_PORTS = """async () => {
  const stats = await window.fedsipPhone.line.calls[0].connection.getStats();
  return [...stats.values()].filter(({ type, protocol }) =>
    type === "local-candidate" && protocol === "udp").map(({ port }) => port);
}"""
_IS_CONNECTED = "() => window.fedsipPhone.line.calls[0].connection.iceConnectionState in " + (
    "{ connected: 1, completed: 1 }"
)


def settled(page: Page, function: str, given: Any = None) -> Any:
    """What the promise of a function in the page comes to, within the bound that all else of a page
    has; `page.evaluate` has none."""
    return page.evaluate(_SETTLED % (function, BOUND_MS), given)


class Chromium:
    """One browser with one microphone, which hears `played`."""

    def __init__(self, browser: Browser, folder: Path, played: Path) -> None:
        self._browser = browser
        self._folder = folder
        self.played = played
        self._is_killed = False

    def context(self, **options: Any) -> BrowserContext:
        context = self._browser.new_context(
            ignore_https_errors=True, permissions=["microphone"], **options
        )
        context.set_default_timeout(BOUND_MS)
        return context

    def kill(self) -> None:
        """Every process of it by SIGKILL: none of its pages says goodbye."""
        told = self._browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
        for process in told["processInfo"]:
            os.kill(process["id"], signal.SIGKILL)
        self._is_killed = True

    def leave(self, context: BrowserContext) -> None:
        """End a profile and its pages; with a browser that was killed they have gone already."""
        if not self._is_killed:
            context.close()

    def close(self) -> None:
        self._browser.close()


class Chromiums:
    """Browsers by number, each started when it is asked for. A microphone is a whole browser's:
    pages that are to hear each other, and not themselves, are in browsers of their own."""

    def __init__(self, playwright: Playwright, folder: Path, seed: int) -> None:
        self._playwright = playwright
        self._folder = folder
        self._seed = seed
        self._running: dict[int, Chromium] = {}

    def __getitem__(self, number: int) -> Chromium:
        if number not in self._running:
            self._running[number] = self._start(self._seed + number)
        return self._running[number]

    def _start(self, seed: int) -> Chromium:
        played = sound.write_speechlike(self._folder / f"microphone-{seed}.wav", seed=seed)
        browser = self._playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[*_FLAGS, f"--use-file-for-fake-audio-capture={played}"],
        )
        return Chromium(browser, self._folder, played)

    def close(self) -> None:
        for browser in self._running.values():
            browser.close()


@contextmanager
def chromiums(folder: Path, *, seed: int) -> Iterator[Chromiums]:
    """Microphones hear what `sound.write_speechlike` makes of `seed`, the one after, and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browsers = Chromiums(playwright, folder, seed)
        try:
            yield browsers
        finally:
            browsers.close()


@contextmanager
def chromium(folder: Path, *, seed: int) -> Iterator[Chromium]:
    """One browser."""
    with chromiums(folder, seed=seed) as browsers:
        yield browsers[0]


class Ear:
    """At what comes from the other side of the first call in a page."""

    def __init__(self, page: Page, folder: Path) -> None:
        self._page = page
        self._folder = folder
        self._recordings = 0

    def hears(self, played: Path, *others: Path) -> float:
        """Likeness of it with that sound; 0 where one of the others is in it."""
        recorded = self._record()
        if any(sound.likeness(each, recorded) > sound.NOT_HEARD for each in others):
            return 0.0
        return sound.likeness(played, recorded)

    def hears_nothing(self) -> bool:
        """Whether two seconds of it are silence."""
        return bool(sound.read(self._record()).std() < sound.QUIET)

    def hears_keys(self, press: Callable[[], object]) -> str:
        """The keys whose tones come within two seconds, during which they are pressed there."""
        self._page.evaluate(f"() => {{ window.recording = ({_RECORD})(); }}")
        press()
        return sound.keys(self._keep(self._page.evaluate("() => window.recording")))

    def _record(self) -> Path:
        return self._keep(self._page.evaluate(_RECORD))

    def _keep(self, recorded: str) -> Path:
        data = base64.b64decode(recorded)
        self._recordings += 1
        return sound.write(self._folder / f"heard-{self._recordings}.wav", data)


class BrowserPhone:
    """The softphone in a page, used as a person uses it."""

    def __init__(self, page: Page, folder: Path, cable: Cable, played: Path) -> None:
        self.page = page
        self.cable = cable  # of its own, for the page and its socket; not for sound
        self.played = played  # by its microphone
        self._folder = folder
        self._ear = Ear(page, folder)

    def new_pass(self) -> dict[str, Any]:
        """A pass by which another phone registers as the same user."""
        return dict(settled(self.page, _PASS))

    def is_ready(self) -> None:
        """Wait until it is registered."""
        self.page.wait_for_selector(".phone[data-state=online]")

    def is_cut(self) -> None:
        """Wait until it has noticed that its socket is gone."""
        self.page.wait_for_selector(".phone[data-state=reconnecting]")

    def dials(self, address: str) -> None:
        self.page.fill(".phone-typed", address)
        self.page.click(".phone-dialler .phone-call")

    def answers(self) -> None:
        self.page.click("[data-state=ringing] [data-act=answer]")

    def clicks(self, act: str, at: int = 0) -> None:
        self.page.locator(f"[data-act={act}]").nth(at).click()

    def transfers_to(self, address: str) -> None:
        self.clicks("transfer")
        self.page.fill("[aria-label='Transfer to']", address)
        self.page.press("[aria-label='Transfer to']", "Enter")

    def says(self, address: str, text: str) -> None:
        """Send a message and wait until it has arrived."""
        self.page.get_by_role("tab", name="Messages").click()
        self.page.fill("[aria-label='Send to']", address)
        self.page.fill("[aria-label=Message]", text)
        self.page.press("[aria-label=Message]", "Enter")
        self.page.wait_for_selector(f".phone-mine >> text={text}")

    def duplicates(self) -> BrowserPhone:
        """Another tab that begins with a copy of what this one has in sessionStorage."""
        with self.page.expect_popup() as opened:
            self.page.evaluate("() => { window.open(location.href); }")
        copy = BrowserPhone(opened.value, self._folder, self.cable, self.played)
        copy.is_ready()
        return copy

    def crashes(self) -> None:
        """Its process ends as by kill -9: nothing of the page runs any more."""
        with self.page.expect_event("crash"), suppress(Error):
            self.page.goto("chrome://crash")

    @contextmanager
    def restarts_ice(self) -> Iterator[None]:
        """The call gets new candidates and is connected anew by the end of the block."""
        was = self.page.evaluate(_OWN_UFRAG)
        yield
        self.page.wait_for_function(f"was => ({_OWN_UFRAG})() !== was", arg=was)
        self.page.wait_for_function(_IS_CONNECTED)

    def holds(self) -> None:
        self.clicks("hold")
        self.is_in("held")

    def resumes(self) -> None:
        self.clicks("hold")
        self.is_in("talking")

    def changes_its_socket(self) -> None:
        """Its socket is cut; by the new one the call is connected anew."""
        self.cable.cut()
        self.is_cut()
        with self.restarts_ice():
            self.cable.mend()
            self.is_ready()

    def is_in(self, state: str) -> None:
        """Wait until some call is in that state."""
        self.page.wait_for_selector(f".phone-card[data-state={state}]")

    def has_no_call(self) -> None:
        self.page.wait_for_selector(".phone-card", state="detached")

    def far_ports(self) -> list[int]:
        """Where the other side of each of its calls said that it takes sound."""
        return list(self.page.evaluate(_FAR_PORTS))

    def own_ports(self) -> set[int]:
        """Those of UDP from which it may send its sound."""
        return set(self.page.evaluate(_OWN_PORTS))

    def hears(self, played: Path) -> float:
        """Likeness of what comes with that sound; 0 while it hears its own microphone."""
        return self._ear.hears(played, self.played)

    def hears_itself(self) -> float:
        """Likeness of what comes with what its own microphone hears."""
        return self._ear.hears(self.played)

    def hears_nothing(self) -> bool:
        return self._ear.hears_nothing()

    def hears_keys(self, press: Callable[[], object]) -> str:
        return self._ear.hears_keys(press)

    def figures(self) -> dict[str, Any]:
        """Of getStats: packets both ways, and the energy of what was heard."""
        return dict(self.page.evaluate(_FIGURES))
