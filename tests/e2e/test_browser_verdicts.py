"""What the record of a call says when a page in a real browser gets no sound through."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.baresip import Baresip
from tests.harness.database import Administrator
from tests.harness.platform import Platform
from tests.harness.softphones import Softphones
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN = "verdicts.test"

# A firewall that lets no UDP out: the page sends its checks where nobody is.
_NO_WAY_OUT = r"""(() => {
  const real = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    const nobody = (line, before) => `${before} 9 typ`;
    return real.call(this, { type, sdp: sdp.replace(/^(a=candidate:.*) \d+ typ/gm, nobody) });
  };
})()"""

# The operating system gives it no sound: it has a microphone, and nothing comes from there.
_NOTHING_TO_SEND = r"""
  RTCPeerConnection.prototype.addTrack = function ({ kind }) {
    return this.addTransceiver(kind).sender;
  };
"""

# Somebody between us has changed the fingerprint, or the page tells another one than it has.
_OTHER_FINGERPRINT = r"""(() => {
  const { get } = Object.getOwnPropertyDescriptor(RTCPeerConnection.prototype, "localDescription");
  Object.defineProperty(RTCPeerConnection.prototype, "localDescription", {
    get() {
      const { type, sdp } = get.call(this);
      const other = (line, before) => `${before} ${Array(32).fill("AB").join(":")}`;
      return { type, sdp: sdp.replace(/^(a=fingerprint:sha-256) \S+/gm, other) };
    },
  });
})()"""


@pytest.fixture(scope="module")
def platform(web_platform: Platform) -> Platform:
    web_platform.add_domain(DOMAIN, "media_policy=always", tenant="verdicts")
    return web_platform


@pytest.mark.parametrize(
    ("name", "script", "level", "word", "sentence"),
    [
        ("shut", _NO_WAY_OUT, "fair", "no_check_caller",
         "ICE: no check of shut's browser arrived; is UDP"),
        ("forged", _OTHER_FINGERPRINT, "bad", "dtls_failed_caller",
         "DTLS with forged's browser never finished: fingerprint mismatch"),
        ("silent", _NOTHING_TO_SEND, "bad", "no_media_caller", "silent's browser never sent RTP"),
    ],
)  # fmt: skip
def test_the_record_says_why(
    softphone: Softphones,
    platform: Platform,
    administrator: Administrator,
    baresip: Callable[..., Baresip],
    name: str,
    script: str,
    level: str,
    word: str,
    sentence: str,
) -> None:
    page, desk = softphone(name, script=script), baresip(platform.add_user(f"d-{name}", DOMAIN))
    page.dials(desk.account.aor)
    desk.accepts()
    page.is_in("talking")
    page.page.wait_for_selector(f".phone-quality[data-level={level}]")  # the page says so, too
    desk.command("hangup")
    page.has_no_call()

    def record() -> list[tuple[list[str], list[str]]]:
        return administrator.ask(
            "SELECT verdict, verdict_text FROM calls_callrecord WHERE caller = %s",
            f"sip:{name}@{DOMAIN}",
        )

    wait_until(lambda: bool(record()), "the call's record is written")
    [(words, sentences)] = record()
    assert words[0] == word
    assert sentences[0].startswith(sentence)
