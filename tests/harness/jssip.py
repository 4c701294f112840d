"""A phone on JsSIP, the other library that pages use, in a page of Chromium."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from fedsip_platform.launch import front_end
from tests.harness.browser import BrowserPhone, settled

# What it hears stands where the softphone has it, so that Ear finds it.
_BEGIN = """async ({ websocket, address, username, password }) => {
  const ua = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(websocket)], uri: `sip:${address}`,
    authorization_user: username, password, register_expires: 300,
  });
  const options = {
    mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] },
  };
  const jssip = { ua, options, session: null, messages: [] };
  const audio = Object.assign(new Audio(), { autoplay: true });
  const heard = { audio, get connection() { return jssip.session.connection; } };
  const hear = (connection) => connection.addEventListener("track", ({ track }) => {
    audio.srcObject = new MediaStream([track]);
  });
  Object.assign(window, { jssip, fedsipPhone: { line: { calls: [heard] } } });
  ua.on("newRTCSession", ({ session }) => {
    Object.assign(jssip, { session, state: "ringing" });
    if (session.connection) hear(session.connection);
    else session.on("peerconnection", ({ peerconnection }) => hear(peerconnection));
    session.on("confirmed", () => { jssip.state = "talking"; });
    for (const end of ["ended", "failed"]) {
      session.on(end, ({ cause }) => { jssip.state = `ended: ${cause}`; });
    }
  });
  ua.on("newMessage", ({ originator, request }) => {
    if (originator === "remote") jssip.messages.push(request.body);
  });
  const registered = new Promise((resolve, reject) => {
    ua.on("registered", resolve);
    ua.on("registrationFailed", ({ cause }) => reject(new Error(cause)));
  });
  ua.on("registered", () => { jssip.isCut = false; });
  ua.on("disconnected", () => { jssip.isCut = true; });
  ua.start();
  await registered;
}"""


class JsSip:
    """Takes the place of a softphone page: the same user, with a pass of her session."""

    def __init__(self, softphone: BrowserPhone, folder: Path) -> None:
        self._phone = softphone
        self.played = softphone.played
        self._page = softphone.page
        bundle = folder / "jssip.js"
        modules = front_end.FOLDER / "node_modules"
        # fmt: off
        subprocess.run(
            [modules / ".bin" / "esbuild", modules / "jssip" / "lib" / "JsSIP.js", "--bundle",
             "--global-name=JsSIP", f"--outfile={bundle}", "--log-level=error"],
            check=True,
        )
        # fmt: on
        given = softphone.new_pass()
        self._page.goto(f"https://127.0.0.1:{softphone.cable.port}/health")
        self._page.add_script_tag(path=bundle)
        settled(self._page, _BEGIN, given)

    def dials(self, address: str) -> None:
        self._page.evaluate("to => jssip.ua.call(to, jssip.options) && undefined", address)

    def answers(self) -> None:
        """Answer the call that comes."""
        self._is("ringing")
        self._page.evaluate("jssip.session.answer(jssip.options)")

    def is_talking(self) -> None:
        self._is("talking")

    def holds(self) -> None:
        """Wait until the other side has agreed to it."""
        settled(self._page, "() => new Promise((done) => jssip.session.hold({}, done))")

    def resumes(self) -> None:
        settled(self._page, "() => new Promise((done) => jssip.session.unhold({}, done))")

    def offers_anew(self) -> None:
        """A re-INVITE with new candidates."""
        settled(
            self._page,
            """() => new Promise((done) => {
              jssip.session.renegotiate({ rtcOfferConstraints: { iceRestart: true } }, done);
            })""",
        )

    def changes_its_socket(self) -> None:
        """Its socket is cut; it registers by another one."""
        self._phone.cable.cut()
        self._page.wait_for_function("() => jssip.isCut")
        self._phone.cable.mend()
        self._page.wait_for_function("() => !jssip.isCut")

    def transfers_to(self, address: str) -> None:
        """Send the other side there by REFER; it leaves when that one has answered."""
        self._page.evaluate(
            """to => {
              const accepted = () => jssip.session.terminate();
              jssip.session.refer(to, { eventHandlers: { accepted } });
            }""",
            address,
        )

    def ends(self) -> None:
        self._page.evaluate("jssip.session.terminate()")

    def ended(self) -> None:
        self._page.wait_for_function("() => jssip.state?.startsWith('ended')")

    def says(self, address: str, text: str) -> None:
        """Send a MESSAGE and wait until it has arrived."""
        settled(
            self._page,
            """([to, text]) => new Promise((succeeded, failed) => jssip.ua.sendMessage(to, text, {
              eventHandlers: { succeeded: () => succeeded(), failed: ({ cause }) => failed(cause) },
            }))""",
            [address, text],
        )

    def reads(self, text: str) -> None:
        """Wait for that message."""
        self._page.wait_for_function("text => jssip.messages.includes(text)", arg=text)

    def hears(self, played: Path) -> float:
        return self._phone.hears(played)

    def far_ports(self) -> list[int]:
        return self._phone.far_ports()

    def figures(self) -> dict[str, Any]:
        return self._phone.figures()

    def _is(self, state: str) -> None:
        self._page.wait_for_function("state => jssip.state === state", arg=state)
