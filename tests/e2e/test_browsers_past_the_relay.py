"""Two pages whose users say `auto`, or one of whom says `never`: they speak with each other
directly, and by the relay where that does not work or a desk phone is called as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media.ng import ListCalls
from tests.harness.baresip import Baresip
from tests.harness.browser import BrowserPhone, settled
from tests.harness.capture import ANY_PORT, captured
from tests.harness.ng import NgClient
from tests.harness.platform import Platform
from tests.harness.softphones import Softphones, hear_each_other, pages_hear, talk
from tests.harness.waiting import wait_until
from tests.harness.wires import WEBRTC, check_direct, check_wires

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN = "direct.test"
_CALL_ID = "fedsipPhone.line.calls[0].session.request.callId"

# As behind a firewall: what the page tells of its addresses leads nowhere, and it reaches no
# address that it is told. Only what needs neither, the relay, is reached.
_UNREACHABLE = r"""(() => {
  const real = Object.getOwnPropertyDescriptor(RTCPeerConnection.prototype, "localDescription").get;
  Object.defineProperty(RTCPeerConnection.prototype, "localDescription", {
    get() {
      const { type, sdp } = real.call(this);
      const nobody = (line, kind) => `${kind} 127.0.0.1 9`;
      return { type, sdp: sdp.replace(/^(a=candidate:\S+ \d+ \S+ \d+) \S+ \d+/gm, nobody) };
    },
  });
})()"""

# What a browser finds when it asks the page's STUN servers, which are told in the pass.
_ASK_STUN = """async (urls) => {
  const connection = new RTCPeerConnection({ iceServers: [{ urls }], iceCandidatePoolSize: 1 });
  const errors = [];
  connection.addEventListener("icecandidateerror", ({ errorText }) => errors.push(errorText));
  connection.addTransceiver("audio");
  const done = new Promise((resolve) => connection.addEventListener("icegatheringstatechange",
    () => connection.iceGatheringState === "complete" && resolve()));
  await connection.setLocalDescription();
  await done;
  return errors;
}"""


@pytest.fixture(scope="module")
def platform(web_platform: Platform) -> Platform:
    web_platform.add_domain(DOMAIN, "media_policy=auto", "nat_keepalive=off", tenant="direct")
    return web_platform


def relayed_calls(platform: Platform) -> Any:
    with NgClient(platform.ng_port) as relay:
        return relay.accepted(ListCalls())[b"calls"]


def is_relayed(platform: Platform, phone: BrowserPhone) -> bool:
    """Whether the relay carries the page's call."""
    return phone.page.evaluate(_CALL_ID).encode() in relayed_calls(platform)


def test_directly_and_by_the_relay_after_a_hold(
    softphone: Softphones, platform: Platform, tmp_path: Path
) -> None:
    alice, bob, file = softphone("alice1"), softphone("bob1"), tmp_path / "call.pcap"
    with captured(file, ANY_PORT):
        talk(alice, bob, "bob1")
        pages_hear(alice, bob)
        assert not is_relayed(platform, alice)
        direct = alice.own_ports()
        alice.holds()
        alice.resumes()
        pages_hear(alice, bob)
        assert is_relayed(platform, alice)
        relayed = alice.far_ports() + bob.far_ports()
        bob.clicks("end")
        alice.has_no_call()
    check_direct(file, direct)
    check_wires(file, dict.fromkeys(relayed, WEBRTC))
    wait_until(lambda: not relayed_calls(platform), "the relay has forgotten it")


def test_by_the_relay_when_they_do_not_find_each_other(
    softphone: Softphones, platform: Platform
) -> None:
    alice, bob = (softphone(name, script=_UNREACHABLE) for name in ("alice2", "bob2"))
    talk(alice, bob, "bob2")
    pages_hear(alice, bob)
    assert is_relayed(platform, alice)
    alice.clicks("end")
    bob.has_no_call()


def test_by_the_relay_when_a_desk_phone_is_called_as_well(
    softphone: Softphones,
    platform: Platform,
    baresip: Callable[..., Baresip],
) -> None:
    alice, bob = softphone("alice3"), softphone("bob3")
    desk = baresip(platform.add_user("desk3", DOMAIN))
    platform.cli("group", "add", f"both3@{DOMAIN}", "members=bob3,desk3")
    alice.dials("both3")
    bob.is_in("ringing")
    desk.accepts()
    alice.is_in("talking")
    bob.has_no_call()
    hear_each_other(alice, desk)
    assert is_relayed(platform, alice)
    alice.clicks("end")
    desk.closed()
    alice.dials("both3")
    bob.answers()
    alice.is_in("talking")
    pages_hear(alice, bob)
    assert is_relayed(platform, alice)
    alice.clicks("end")
    bob.has_no_call()


def test_a_direct_call_outlives_its_socket(softphone: Softphones, platform: Platform) -> None:
    alice, bob = softphone("alice4"), softphone("bob4")
    talk(alice, bob, "bob4")
    alice.changes_its_socket()
    pages_hear(alice, bob)
    bob.clicks("end")
    alice.has_no_call()


@pytest.mark.parametrize("is_calling", [True, False], ids=["never calls", "auto calls"])
def test_who_says_never_goes_over_to_the_relay_with_who_says_auto(
    softphone: Softphones, platform: Platform, is_calling: bool
) -> None:
    """Whoever sends the next description."""
    names = [f"{name}{5 + is_calling}" for name in ("alice", "bob")]
    never, auto = (softphone(name) for name in names)
    says_never(platform, never, names[0])
    caller, callee = (never, auto) if is_calling else (auto, never)
    talk(caller, callee, names[is_calling])
    pages_hear(never, auto)
    assert not is_relayed(platform, never)
    never.holds()
    never.resumes()
    pages_hear(never, auto)
    assert is_relayed(platform, never)
    never.clicks("end")
    auto.has_no_call()
    talk(caller, callee, names[is_calling])
    auto.holds()
    auto.resumes()
    pages_hear(never, auto)
    assert is_relayed(platform, never)
    auto.clicks("end")
    never.has_no_call()


def test_a_page_that_is_loaded_again_is_met_anew_where_there_is_no_relay(
    softphone: Softphones, platform: Platform
) -> None:
    alice, bob = softphone("alice7"), softphone("bob7")
    says_never(platform, alice, "alice7")
    says_never(platform, bob, "bob7")
    talk(alice, bob, "bob7")
    pages_hear(alice, bob)
    alice.page.reload()
    alice.is_in("talking")
    pages_hear(alice, bob)
    assert not relayed_calls(platform)
    alice.clicks("end")
    bob.has_no_call()


def says_never(platform: Platform, phone: BrowserPhone, name: str) -> None:
    """The policy of the page's user from now on."""
    platform.cli("user", "set", f"{name}@{DOMAIN}", "media_policy=never")
    phone.page.reload()
    phone.is_ready()


def test_our_sip_port_is_their_stun_server(softphone: Softphones, platform: Platform) -> None:
    phone = softphone("stun")
    servers = phone.new_pass()["ice_servers"]
    assert servers == [f"stun:127.0.0.1:{platform.port}"]
    assert settled(phone.page, _ASK_STUN, servers) == []
    assert settled(phone.page, _ASK_STUN, ["stun:127.0.0.1:9"]) != []
