"""Firefox as a phone: headless, driven by WebDriver BiDi; its microphone plays a known sound.

A context and a page have what the softphone's tests use of Playwright's, by the same names; it
drives no Firefox that was not built for it.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.harness import sound
from tests.harness.browser import BOUND_MS
from tests.harness.closing import Closing
from tests.harness.processes import PeerFailed, Program
from tests.harness.waiting import wait_until

_PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.peerconnection.ice.loopback": True,
    "media.cubeb.sandbox": False,
    "media.cubeb.force_mock_context": True,  # loudspeakers, where there are none
    "media.cubeb.force_sample_rate": 48_000,
    "datareporting.policy.dataSubmissionEnabled": False,
}

# Firefox's own made-up microphone knows one tone. It is asked for, as by anybody; then this sounds.
_MICROPHONE = """() => {
  const bytes = Uint8Array.from(atob("%s"), (one) => one.charCodeAt(0));
  const samples = Float32Array.from(new Int16Array(bytes.buffer), (one) => one / 32768);
  const ask = MediaDevices.prototype.getUserMedia;
  MediaDevices.prototype.getUserMedia = async function (...wanted) {
    for (const track of (await ask.apply(this, wanted)).getTracks()) track.stop();
    const context = new AudioContext();
    const buffer = context.createBuffer(1, samples.length, %d);
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer, loop: true });
    const microphone = context.createMediaStreamDestination();
    source.connect(microphone);
    source.start();
    return microphone.stream;
  };
}"""

_CALLED = """async (given) => {
  const made = (%s);
  const found = await (typeof made === "function" ? made(JSON.parse(given)) : made);
  return JSON.stringify(found ?? null);
}"""
_VISIBLE = """([selector, at]) =>
  Boolean(document.querySelectorAll(selector)[at]?.checkVisibility())"""
_SHOWN = """(selector, at) => {
  const found = document.querySelectorAll(selector)[at];
  found.scrollIntoView({ block: "center" });
  return found;
}"""


class Firefox(Closing):
    """One browser. `context()` is a profile of its own; `played` is what microphones hear."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.played = sound.write_speechlike(folder / "microphone.wav", seed=seed, seconds=10)
        profile = folder / "profile"
        profile.mkdir()
        lines = [
            f"user_pref({json.dumps(one)}, {json.dumps(_PREFERENCES[one])});\n"
            for one in _PREFERENCES
        ]
        (profile / "user.js").write_text("".join(lines))
        self._program = Program(
            ["firefox-esr", "--headless", "--profile", profile, "--remote-debugging-port", "0"],
            log=folder / "firefox.log",
            env={**os.environ, "HOME": str(folder)},
        )
        at = self._program.awaits(r"WebDriver BiDi listening on (\S+)")[1]
        self._ends = ExitStack()
        connection = connect(f"{at}/session", max_size=None, proxy=None)
        self._bidi = Bidi(self._ends.enter_context(connection))
        self._bidi.command("session.new", capabilities={})

    def context(self, **options: Any) -> Context:
        """With no options that Playwright has."""
        assert not options, options
        samples = sound.read(self.played).astype("<i2").tobytes()
        context = Context(self._bidi)
        context.add_init_script(
            f"({_MICROPHONE % (base64.b64encode(samples).decode(), sound.RATE)})()"
        )
        return context

    def leave(self, context: Context) -> None:
        context.close()

    def close(self) -> None:
        self._ends.close()
        self._program.stop()


class Bidi:
    """Commands and their results (W3C WebDriver BiDi s3.3); no events are asked for."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._commands = 0

    def command(self, method: str, **params: object) -> dict[str, Any]:
        """Its result; PeerFailed with what Firefox says against it."""
        self._commands += 1
        words = {"id": self._commands, "method": method, "params": params}
        self._connection.send(json.dumps(words))
        while True:
            answer: dict[str, Any] = json.loads(self._connection.recv(timeout=BOUND_MS / 1000))
            if answer.get("id") != self._commands:
                continue
            if answer["type"] == "error":
                raise PeerFailed(f"{method}: {answer['error']}: {answer['message']}")
            result: dict[str, Any] = answer["result"]
            return result


class Context:
    """Cookies and pages of one person."""

    def __init__(self, bidi: Bidi) -> None:
        self._bidi = bidi
        made = bidi.command("browser.createUserContext", acceptInsecureCerts=True)
        self._id = str(made["userContext"])

    def add_init_script(self, script: str) -> None:
        self._bidi.command(
            "script.addPreloadScript",
            functionDeclaration=f"() => {{ {script} }}",
            userContexts=[self._id],
        )

    def add_cookies(self, cookies: list[Mapping[str, Any]]) -> None:
        for cookie in cookies:
            value = {"type": "string", "value": cookie["value"]}
            kept = {name: cookie[name] for name in ("name", "secure", "httpOnly")}
            self._bidi.command(
                "storage.setCookie",
                cookie={**kept, "value": value, "domain": "127.0.0.1", "path": "/"},
                partition={"type": "storageKey", "userContext": self._id},
            )

    def new_page(self) -> Page:
        """In a window of its own: those of tabs behind another one are slowed down."""
        made = self._bidi.command("browsingContext.create", type="window", userContext=self._id)
        return Page(self._bidi, str(made["context"]))

    def close(self) -> None:
        self._bidi.command("browser.removeUserContext", userContext=self._id)


class Page:
    """One window. Selectors are those of CSS."""

    def __init__(self, bidi: Bidi, context: str) -> None:
        self._bidi = bidi
        self._context = context

    def goto(self, address: str) -> None:
        self._bidi.command(
            "browsingContext.navigate", context=self._context, url=address, wait="complete"
        )

    def reload(self) -> None:
        self._bidi.command("browsingContext.reload", context=self._context, wait="complete")

    def evaluate(self, expression: str, given: object = None) -> Any:
        """What the expression comes to, or the function with what is given."""
        answer = self._call(_CALLED % expression, {"type": "string", "value": json.dumps(given)})
        return json.loads(answer["value"])

    def wait_for_function(self, expression: str, *, arg: object = None) -> None:
        wait_until(lambda: bool(self.evaluate(expression, arg)), expression)

    def wait_for_selector(self, selector: str, *, state: str = "visible") -> None:
        wanted = state == "visible"
        wait_until(lambda: self._is_visible(selector, 0) == wanted, f"{selector} is {state}")

    def click(self, selector: str) -> None:
        self.locator(selector).click()

    def fill(self, selector: str, text: str) -> None:
        """Type into an empty field."""
        self.click(selector)
        strokes = [{"type": kind, "value": one} for one in text for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": strokes})

    def locator(self, selector: str) -> Locator:
        return Locator(self, selector, 0)

    def click_at(self, selector: str, at: int) -> None:
        wait_until(lambda: self._is_visible(selector, at), f"{selector} is visible")
        place = {"type": "number", "value": at}
        found = self._call(_SHOWN, {"type": "string", "value": selector}, place)
        origin = {"type": "element", "element": {"sharedId": found["sharedId"]}}
        moves = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._act({"type": "pointer", "id": "mouse", "actions": moves})

    def _is_visible(self, selector: str, at: int) -> bool:
        return bool(self.evaluate(_VISIBLE, [selector, at]))

    def _act(self, source: Mapping[str, object]) -> None:
        self._bidi.command("input.performActions", context=self._context, actions=[source])

    def _call(self, function: str, *given: object) -> dict[str, Any]:
        answer = self._bidi.command(
            "script.callFunction",
            functionDeclaration=function,
            arguments=given,
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise PeerFailed(answer["exceptionDetails"]["text"])
        result: dict[str, Any] = answer["result"]
        return result


class Locator:
    """The elements of a selector, and of them the one at a place."""

    def __init__(self, page: Page, selector: str, at: int) -> None:
        self._page = page
        self._selector = selector
        self._at = at

    def nth(self, at: int) -> Locator:
        return Locator(self._page, self._selector, at)

    def click(self) -> None:
        self._page.click_at(self._selector, self._at)
