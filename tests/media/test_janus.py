"""Janus as a WebRTC peer at the relay: a plain phone calls its echo test and hears itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from media.ng import Answer, Offer, Options
from media.sdp import parse
from media.srtp.suite import AEAD_AES_128_GCM
from tests.harness.capture import captured
from tests.harness.janus import EchoTest, janus
from tests.harness.namespaces import PLATFORM_ADDRESS, Street, inside
from tests.harness.ng import REPLACE, NgClient, RtpPhone, call_id, our_relay
from tests.harness.waiting import wait_until
from tests.harness.wires import LEAST, WEBRTC, check_wires

pytestmark = pytest.mark.e2e

TO_JANUS = Options(
    ice=b"force",
    transport_protocol=b"UDP/TLS/RTP/SAVPF",
    rtcp_mux=(b"offer", b"require"),
    replace=(b"origin", b"session-connection"),
)
NG_PORT = 22223
PORTS = (22600, 22699)
SAYINGS = 200
LEAST_BYTES = 16_000  # of a recording, which lags behind
SOURCE = "a=ssrc:7 cname:phone"  # Janus drops what no a=ssrc and no MID extension names


@dataclass(frozen=True, slots=True)
class Place:
    """Where relay, Janus and phone are, and the relay's control port."""

    namespace: str
    folder: Path
    relay: NgClient


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("janus")
    with ExitStack() as stack:
        name = stack.enter_context(Street()).platform
        relay = our_relay(
            folder / "relay",
            ng_port=NG_PORT,
            ports=PORTS,
            ipv4=PLATFORM_ADDRESS,
            ipv6="off",
            namespace=name,
        )
        stack.enter_context(relay)
        stack.enter_context(
            janus(folder, address=PLATFORM_ADDRESS, ports=(22700, 22799), namespace=name)
        )
        client = stack.enter_context(inside(name, lambda: NgClient(NG_PORT)))
        yield Place(name, folder, client)


@pytest.mark.parametrize("is_encrypting", [False, True], ids=["RTP", "SDES"])
def test_a_phone_hears_its_echo(place: Place, is_encrypting: bool, tmp_path: Path) -> None:
    relay, name, file = place.relay, call_id(), tmp_path / "call.pcap"
    with (
        captured(file, PORTS, namespace=place.namespace),
        inside(place.namespace, lambda: RtpPhone(PLATFORM_ADDRESS, ssrc=7)) as phone,
        EchoTest(place.folder) as echo,
    ):
        if is_encrypting:
            phone.encrypts(AEAD_AES_128_GCM)
        body = relay.accepted(Offer(name, b"a", phone.description(SOURCE), options=TO_JANUS))[
            b"sdp"
        ]
        assert isinstance(body, bytes)
        answered = Answer(name, b"a", b"b", echo.answer(body), options=REPLACE)
        told = relay.describes(answered)
        phone.hears_of(told)
        if is_encrypting:
            phone.takes_key(told)
        echo.comes_up()
        assert _hears_itself(phone, b"hello")
        again = Offer(name, b"a", phone.description(SOURCE), to_tag=b"b", options=TO_JANUS)
        body = relay.accepted(again)[b"sdp"]
        assert isinstance(body, bytes)
        phone.hears_of(
            relay.describes(Answer(name, b"a", b"b", echo.answer(body), options=REPLACE))
        )
        assert _hears_itself(phone, b"after the re-INVITE")
        assert parse(body).media[0].protocol == WEBRTC
        legs = {told.media[0].port: phone.protocol.encode(), parse(body).media[0].port: WEBRTC}
        lines = [line.value for line in told.media[0].lines]
        keys = phone.description() + b"".join(b"\na=" + one for one in lines)
        assert _is_heard_often(phone)
        wait_until(lambda: file.stat().st_size > LEAST_BYTES, "it is recorded")
    check_wires(file, legs, signalling=keys.decode())


def _hears_itself(phone: RtpPhone, word: bytes) -> bool:
    """Say it until it comes back; Janus' first packets may be those from before."""
    payload = word + bytes(160 - len(word))
    for _ in range(SAYINGS):
        phone.says(payload)
        if not phone.is_deaf(within=0.1) and phone.hears()[12:] == payload:
            return True
    return False


def _is_heard_often(phone: RtpPhone) -> bool:
    """Often enough to judge the wire by."""
    return all(_hears_itself(phone, b"%d" % number) for number in range(LEAST))
