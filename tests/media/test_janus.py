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
from tests.harness.janus import EchoTest, janus
from tests.harness.namespaces import PLATFORM_ADDRESS, Street, inside
from tests.harness.ng import REPLACE, NgClient, RtpPhone, call_id, our_relay

pytestmark = pytest.mark.e2e

TO_JANUS = Options(
    ice=b"force",
    transport_protocol=b"UDP/TLS/RTP/SAVPF",
    rtcp_mux=(b"offer", b"require"),
    replace=(b"origin", b"session-connection"),
)
NG_PORT = 22223
SAYINGS = 200
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
            ports=(22600, 22699),
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
def test_a_phone_hears_its_echo(place: Place, is_encrypting: bool) -> None:
    relay, name = place.relay, call_id()
    with (
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
        assert parse(body).media[0].protocol == b"UDP/TLS/RTP/SAVPF"


def _hears_itself(phone: RtpPhone, word: bytes) -> bool:
    """Say it until it comes back; Janus' first packets may be those from before."""
    payload = word + bytes(160 - len(word))
    for _ in range(SAYINGS):
        phone.says(payload)
        if not phone.is_deaf(within=0.1) and phone.hears()[12:] == payload:
            return True
    return False
