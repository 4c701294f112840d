"""Chromium as a bare WebRTC peer: one RTCPeerConnection in a page, without SIP; and a plain phone's
camera, which shows a page its own pictures."""

from __future__ import annotations

import select
import threading
from pathlib import Path
from typing import Any

from media.rtp.packet import payload_offset
from tests.harness.browser import Chromium, Ear, settled
from tests.harness.closing import Closing
from tests.harness.ng import RtpPhone

_ADDRESS = "https://peer.test/"  # a page by https may use microphone and camera

_INDICATES_LOSS = b"\x81\xce\x00\x02"  # a PLI (RFC 4585 s6.3.1)

# What it hears stands where the softphone has it, so that Ear finds it.
# A further picture is drawn by the page, and upright.
_BEGIN = """async ({ pictures, bundlePolicy }) => {
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: plain, video: pictures > 0 });
  const connection = new RTCPeerConnection({ iceServers: [], bundlePolicy });
  const audio = Object.assign(new Audio(), { autoplay: true });
  for (let more = 1; more < pictures; more += 1) {
    const canvas = Object.assign(document.createElement("canvas"), { width: 120, height: 160 });
    const paint = canvas.getContext("2d");
    let at = 0;
    setInterval(() => { paint.fillRect((at += 7) % 120, at % 160, 3, 3); }, 50);
    stream.addTrack(canvas.captureStream(20).getVideoTracks()[0]);
  }
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  connection.addEventListener("track", ({ track }) => {
    const seen = Object.assign(document.createElement("video"), { autoplay: true, muted: true });
    (track.kind === "audio" ? audio : seen).srcObject = new MediaStream([track]);
  });
  Object.assign(window, { fedsipPhone: { line: { calls: [{ audio, connection }] } } });
}"""
_DESCRIBES = """async (kind) => {
  const { connection } = window.fedsipPhone.line.calls[0];
  const made = kind === "offer" ? await connection.createOffer() : await connection.createAnswer();
  await connection.setLocalDescription(made);
  while (connection.iceGatheringState !== "complete") {
    await new Promise((done) => {
      connection.addEventListener("icegatheringstatechange", done, { once: true });
    });
  }
  return connection.localDescription.sdp;
}"""
_HEARS_OF = """([type, sdp]) =>
  window.fedsipPhone.line.calls[0].connection.setRemoteDescription({ type, sdp })"""
_FIGURES = """async () => {
  const found = { pictures: {}, far: "", kinds: [] };
  const stats = await window.fedsipPhone.line.calls[0].connection.getStats();
  for (const one of stats.values()) {
    if (one.framesDecoded > 10) {
      found.pictures[one.mid] = one.frameWidth < one.frameHeight ? "upright" : "wide";
    }
    if (one.type === "remote-inbound-rtp") found.kinds.push(one.kind);
    if (one.type === "candidate-pair" && one.nominated) {
      const { address, port } = stats.get(one.remoteCandidateId);
      found.far = `${address} ${port}`;
    }
  }
  return found;
}"""


class ChromiumPeer(Closing):
    """One connection; descriptions are those of the page, with all candidates in them."""

    def __init__(
        self, browser: Chromium, folder: Path, *, pictures: int = 0, bundle: str = "max-bundle"
    ) -> None:
        self._browser = browser
        self._context = browser.context()
        self._context.grant_permissions(["microphone", "camera"], origin=_ADDRESS)
        self._context.route(_ADDRESS, lambda route: route.fulfill(body="<title>peer</title>"))
        self._page = self._context.new_page()
        self._page.goto(_ADDRESS)
        settled(self._page, _BEGIN, {"pictures": pictures, "bundlePolicy": bundle})
        self._ear = Ear(self._page, folder)

    def offer(self) -> bytes:
        return str(settled(self._page, _DESCRIBES, "offer")).encode()

    def answer(self, offer: bytes) -> bytes:
        self.hears_of("offer", offer)
        return str(settled(self._page, _DESCRIBES, "answer")).encode()

    def hears_of(self, kind: str, body: bytes) -> None:
        settled(self._page, _HEARS_OF, [kind, body.decode()])

    def hears(self, played: Path) -> float:
        """Likeness of what comes from the other side with that sound."""
        return self._ear.hears(played)

    def figures(self) -> dict[str, Any]:
        """What form the `pictures` have that it sees, by section; `far` address and port that it
        has nominated; `kinds` of its sections about which the other side has reported."""
        found: dict[str, Any] = self._page.evaluate(_FIGURES)
        return found

    def close(self) -> None:
        self._browser.leave(self._context)


class Camera(Closing):
    """Sends back each picture's packets as its own, in a thread, and reports about what it gets. It
    knows no header extensions. Who misses a whole picture of it is sent a new one of his own."""

    def __init__(self, phone: RtpPhone) -> None:
        self._phone = phone
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        phone, seen = self._phone, bytes(4)
        while not self._stop.is_set():
            for ready in select.select([phone.rtp, phone.rtcp], [], [], 0.1)[0]:
                packet = ready.recv(65_535)
                ssrc = phone.ssrc.to_bytes(4, "big")
                if ready is phone.rtp:
                    seen = packet[8:12]
                    plain = b"\x80" + packet[1:8] + ssrc + packet[payload_offset(packet) :]
                    phone.sends(plain)
                elif _INDICATES_LOSS in packet:
                    phone.reports(b"\x80\xc9\x00\x01" + ssrc + _INDICATES_LOSS + ssrc + seen)
                elif packet[1] == 200:  # a sender report: answered by one (RFC 3550 s6.4.1)
                    block = packet[4:8] + bytes(12) + packet[10:14] + bytes(4)
                    phone.reports(b"\x81\xc8\x00\x0c" + ssrc + packet[8:28] + block)
