"""The process itself: `python -m media` with phones and a proxy on loopback."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from media.ng import Answer, Delete, Document, ListCalls, Offer, Options, Ping, Query
from media.ng.bencode import Value
from media.sdp import parse
from media.server import StartError, find_interfaces
from media.settings import Interface, MediaSettings
from proxy.relay.profile import SideFacts, options_towards
from tests.harness.ng import REPLACE, NgClient, RtpPhone, call_id, our_relay, talk
from tests.harness.processes import free_port
from tests.harness.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PORTS = (24000, 24199)


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its control port. Silent calls end after two seconds."""
    port = free_port()
    folder = tmp_path_factory.mktemp("relay")
    with our_relay(folder, ng_port=port, ports=PORTS, SILENCE_SECONDS="2"):
        yield port


@pytest.fixture
def proxy(relay: int) -> Iterator[NgClient]:
    with NgClient(relay) as client:
        yield client


@pytest.fixture
def alice() -> Iterator[RtpPhone]:
    with RtpPhone(ssrc=1) as phone:
        yield phone


@pytest.fixture
def bob() -> Iterator[RtpPhone]:
    with RtpPhone(ssrc=2) as phone:
        yield phone


def connected(
    proxy: NgClient, alice: RtpPhone, bob: RtpPhone, options: Options = REPLACE, *extra: str
) -> bytes:
    """A call between them; its Call-ID."""
    name = call_id()
    bob.hears_of(proxy.describes(Offer(name, b"a", alice.description(*extra), options=options)))
    alice.hears_of(
        proxy.describes(Answer(name, b"a", b"b", bob.description(*extra), options=REPLACE))
    )
    return name


def test_they_hear_each_other(proxy: NgClient, alice: RtpPhone, bob: RtpPhone) -> None:
    assert proxy.ask(Ping()) == {b"result": b"pong"}
    name = connected(proxy, alice, bob)
    talk(alice, bob, rounds=20)
    totals = _totals(proxy.accepted(Query(name)))
    assert totals[b"RTP"] == {b"packets": 40, b"bytes": 2 * 10 * (160 + 161), b"errors": 0}
    assert _totals(proxy.accepted(Delete(name, b"a")))[b"RTP"] == totals[b"RTP"]
    calls = proxy.accepted(ListCalls())[b"calls"]
    assert isinstance(calls, list)
    assert name not in calls


def test_between_the_families(proxy: NgClient, alice: RtpPhone) -> None:
    with RtpPhone("::1", ssrc=2) as bob:
        connected(proxy, alice, bob, Options(address_family=b"IP6", replace=(b"origin",)))
        talk(alice, bob, rounds=3)


@pytest.mark.parametrize("mux", [False, True])
def test_rtcp(proxy: NgClient, alice: RtpPhone, bob: RtpPhone, mux: bool) -> None:
    connected(proxy, alice, bob, REPLACE, *(["a=rtcp-mux"] if mux else []))
    talk(alice, bob)
    report = struct.pack("!BBHI", 0x80, 201, 1, alice.ssrc)
    alice.reports(report, mux=mux)
    assert bob.hears(rtcp=not mux) == report


def test_phone_behind_a_nat(proxy: NgClient, bob: RtpPhone) -> None:
    """It signals an address that is not its own, and is heard where its packets come from."""
    with RtpPhone(ssrc=1) as alice, RtpPhone(ssrc=9) as elsewhere:
        name = call_id()
        body = alice.description().replace(b"%d RTP" % alice.port, b"%d RTP" % elsewhere.port)
        options = Options(replace=(b"origin",), received_from=b"127.0.0.1")
        bob.hears_of(proxy.describes(Offer(name, b"a", body, options=options)))
        alice.hears_of(proxy.describes(Answer(name, b"a", b"b", bob.description())))
        bob.says(b"too early")
        assert elsewhere.hears()[12:] == b"too early"
        alice.says(b"here I am")
        assert bob.hears()[12:] == b"here I am"
        talk(alice, bob, rounds=3)
        # Somebody else is not let in, now that she is known.
        with RtpPhone(ssrc=66) as mallory:
            mallory._to = alice._to
            mallory.says(b"evil")
            talk(alice, bob)


def test_hold_and_resume(proxy: NgClient, alice: RtpPhone, bob: RtpPhone) -> None:
    name = connected(proxy, alice, bob)
    talk(alice, bob)
    held = alice.description().replace(b"IP4 127.0.0.1", b"IP4 0.0.0.0")
    told = proxy.describes(Offer(name, b"a", held, b"b", options=REPLACE))
    assert told.connection is not None
    assert told.connection.is_zero
    proxy.describes(Answer(name, b"a", b"b", bob.description(direction="recvonly")))
    bob.says(b"into the void")
    alice.says(b"music")  # what the holding side sends still goes through
    assert bob.hears()[12:] == b"music"
    proxy.describes(Offer(name, b"a", alice.description(), b"b", options=REPLACE))
    proxy.describes(Answer(name, b"a", b"b", bob.description()))
    talk(alice, bob)


@pytest.mark.e2e
def test_silent_call_ends_by_itself(proxy: NgClient, alice: RtpPhone, bob: RtpPhone) -> None:
    name = connected(proxy, alice, bob)
    talk(alice, bob)
    wait_until(lambda: proxy.ask(Query(name))[b"result"] == b"error", "the silent call is gone")


@pytest.mark.e2e
def test_call_goes_on_while_its_sockets_are_connected(
    proxy: NgClient, alice: RtpPhone, bob: RtpPhone
) -> None:
    """Across several sweeps: learned, exclusive, and free again for a phone that moved."""
    name = connected(proxy, alice, bob)
    talk(alice, bob)
    started = _last_packet(proxy, name)

    def later() -> bool:
        talk(alice, bob)
        return _last_packet(proxy, name) >= started + 3

    wait_until(later, "three seconds of talking have passed")
    with RtpPhone(ssrc=1) as moved:  # the same host, another port, as a NAT does it
        moved._to = alice._to

        def is_learned() -> bool:
            moved.says(b"moved")
            bob.says(b"are you there")
            return not moved.is_deaf()

        wait_until(is_learned, "the phone is followed to its new port")


def test_rubbish_on_the_control_port_is_survived(relay: int, proxy: NgClient) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect(("127.0.0.1", relay))
        for datagram in (b"", b"x", b"x y", b"c d", b"\xff" * 60_000):
            stranger.send(datagram)
    assert proxy.ask(Ping()) == {b"result": b"pong"}


# -- start and stop


def run(**settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name[:7] != "FEDSIP_"}
    return subprocess.run(
        [sys.executable, "-m", "media"],
        env=kept | {f"FEDSIP_MEDIA_{name}": value for name, value in settings.items()},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_when_told_to(tmp_path: Path, number: int) -> None:
    with our_relay(tmp_path, ng_port=free_port(), ports=(24200, 24299)) as relay:
        assert "ip4=127.0.0.1 ip6=::1 ports=24200-24299" in relay.text()
        os.kill(relay.process.pid, number)
        assert relay.wait(within=60) == 0
        assert "Traceback" not in relay.text()


def test_stops_in_the_middle_of_a_call(tmp_path: Path, alice: RtpPhone, bob: RtpPhone) -> None:
    port = free_port()
    with our_relay(tmp_path, ng_port=port, ports=(24200, 24299)) as relay, NgClient(port) as proxy:
        connected(proxy, alice, bob)
        talk(alice, bob)
        assert relay.stop() == 0
        assert "why=the relay stops" in relay.text()


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"PORT": "1"}, "FEDSIP_MEDIA_PORT is not a setting of the relay."),
        (
            {"PORTS": "x"},
            "FEDSIP_MEDIA_PORTS cannot be 'x': it must be FIRST-LAST.",
        ),
        (
            {"NG": "127.0.0.1:22999", "IPV4": "192.0.2.1"},
            "Media address 192.0.2.1 cannot be used: Cannot assign requested address.",
        ),
    ],
)
def test_one_line_when_it_cannot_start(settings: dict[str, str], line: str) -> None:
    done = run(**settings)
    assert (done.returncode, done.stderr, done.stdout) == (2, line + "\n", "")


def test_control_port_in_use() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        done = run(NG=f"127.0.0.1:{port}", IPV4="127.0.0.1")
    assert done.returncode == 2
    assert done.stderr == (
        f"FEDSIP_MEDIA_NG 127.0.0.1:{port} cannot be listened on: Address already in use.\n"
    )


def test_interfaces() -> None:
    given = MediaSettings.from_env(
        {"FEDSIP_MEDIA_IPV4": "10.0.0.1!192.0.2.1", "FEDSIP_MEDIA_IPV6": "off"}
    )
    assert find_interfaces(given) == {(b"", b"IP4"): Interface("10.0.0.1", "192.0.2.1")}
    found = find_interfaces(MediaSettings.from_env({}))
    assert {(b"", b"IP4"), (b"", b"IP6")} & set(found)
    only6 = MediaSettings.from_env({"FEDSIP_MEDIA_IPV4": "off"})
    if (b"", b"IP6") in found:
        assert find_interfaces(only6) == {(b"", b"IP6"): found[b"", b"IP6"]}
    else:
        with pytest.raises(StartError):
            find_interfaces(only6)


def test_interfaces_by_name(tmp_path: Path) -> None:
    """Alice is inside, Bob outside, and each hears of the address that is for him."""
    port = free_port()
    with (
        our_relay(
            tmp_path, ng_port=port, ports=(24200, 24299), INTERFACES="inside=127.0.0.2 out=::1"
        ),
        NgClient(port) as proxy,
        RtpPhone("127.0.0.2", ssrc=1) as alice,
        RtpPhone(ssrc=2) as bob,
    ):
        options = replace(REPLACE, direction=(b"inside", b"nowhere"))
        name = connected(proxy, alice, bob, options)
        talk(alice, bob, rounds=3)
        locals_ = _local_addresses(proxy.accepted(Query(name)))
        assert locals_ == {b"a": b"127.0.0.2", b"b": b"127.0.0.1"}


@pytest.mark.parametrize("browser_port", ["0", "24298"])
def test_behind_a_nat_that_maps_one_to_one(tmp_path: Path, browser_port: str) -> None:
    """Both sides are told the address outside, and what comes by the one inside is carried."""
    port, outside = free_port(), b"192.0.2.1"
    with (
        our_relay(
            tmp_path,
            ng_port=port,
            ports=(24200, 24297),
            ipv4=f"127.0.0.1!{outside.decode()}",
            BROWSER_PORT=browser_port,
        ),
        NgClient(port) as proxy,
        RtpPhone(ssrc=1) as alice,
        RtpPhone(ssrc=2) as bob,
    ):
        name = call_id()
        told = [
            sdp_of(proxy, Offer(name, b"a", alice.description(), options=REPLACE)),
            sdp_of(proxy, Answer(name, b"a", b"b", bob.description(), options=REPLACE)),
        ]
        for phone, sdp in zip((bob, alice), told, strict=True):
            assert b"c=IN IP4 %b\r\n" % outside in sdp
            assert b"127.0.0.1" not in sdp
            phone.hears_of(parse(sdp.replace(outside, b"127.0.0.1")))
        talk(alice, bob, rounds=3)
        options = options_towards(SideFacts(4, is_websocket=True), SideFacts(4))
        sdp = sdp_of(proxy, Offer(call_id(), b"a", alice.description(), options=options))
        assert b"127.0.0.1" not in sdp
        (candidate,) = re.findall(rb"a=candidate:(.*)\r\n", sdp)
        *_, address, number, _, _ = candidate.split()
        assert address == outside
        assert (number == browser_port.encode()) is (browser_port != "0")


def sdp_of(proxy: NgClient, command: Offer | Answer) -> bytes:
    sdp = proxy.accepted(command)[b"sdp"]
    assert isinstance(sdp, bytes)
    return sdp


def _local_addresses(found: Document) -> dict[bytes, Value]:
    """Of each side, by its tag."""
    tags = found[b"tags"]
    assert isinstance(tags, dict)
    addresses: dict[bytes, Value] = {}
    for tag in tags:
        at: Value = tags
        for step in (tag, b"medias", 0, b"streams", 0, b"local address"):
            assert isinstance(at, dict | list)
            at = at[step]  # type: ignore[call-overload, index]
        addresses[tag] = at
    return addresses


def _totals(found: Document) -> dict[bytes, Value]:
    totals = found[b"totals"]
    assert isinstance(totals, dict)
    return totals


def _last_packet(proxy: NgClient, name: bytes) -> int:
    found: Value = proxy.accepted(Query(name))[b"tags"]
    for step in (b"a", b"medias", 0, b"streams", 0, b"last packet"):
        assert isinstance(found, dict | list)
        found = found[step]  # type: ignore[call-overload, index]
    assert isinstance(found, int)
    return found
