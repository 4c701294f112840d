"""One call of each pair of RTP, SDES and DTLS phones, recorded and read by tshark.

No packet is malformed, and on the wire of a phone that encrypts nothing passes as it was said.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import combinations_with_replacement
from pathlib import Path

import pytest

from media.ng import Answer, Offer, Options
from media.rtp import DTLS, RTCP, RTP, STUN, kind_of
from media.sdp import Session, parse
from media.srtp.suite import AEAD_AES_128_GCM
from tests.harness.capture import Packet, captured, malformed, packets_of
from tests.harness.ng import NgClient, RtpPhone, call_id, our_relay
from tests.harness.processes import free_port
from tests.harness.webrtc import Browser, PlainPhone, both_hear

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]

PORTS = (22800, 22899)
PLAIN_SIZE = 12 + 160
TAGS = {10, 16}  # of SHA1_80 and of GCM
LEAST = 20  # packets of sound on each wire
REPLACE = (b"origin", b"session-connection")
TO_BROWSER = Options(
    ice=b"force",
    transport_protocol=b"UDP/TLS/RTP/SAVPF",
    rtcp_mux=(b"offer", b"require"),
    replace=REPLACE,
)
TOWARDS = {
    "RTP": Options(
        ice=b"remove", transport_protocol=b"RTP/AVP", rtcp_mux=(b"demux",), replace=REPLACE
    ),
    "SDES": Options(
        ice=b"remove",
        dtls=b"off",
        transport_protocol=b"RTP/SAVP",
        sdes=(b"only-AEAD_AES_128_GCM",),
        rtcp_mux=(b"demux",),
        replace=REPLACE,
    ),
    "DTLS": TO_BROWSER,
}


class Side:
    """A phone of one kind with what it says, and the relay's ports towards it."""

    def __init__(self, kind: str, seed: int) -> None:
        self.kind = kind
        self.ports: set[int] = set()
        self.sockets = RtpPhone(ssrc=seed)
        self.plain = PlainPhone(self.sockets, seed=seed)
        self.browser = Browser(seed=seed) if kind == "DTLS" else None
        if kind == "SDES":
            self.sockets.encrypts(AEAD_AES_128_GCM)

    @property
    def peer(self) -> Browser | PlainPhone:
        return self.browser or self.plain

    async def offer(self) -> bytes:
        return await self.browser.offer() if self.browser else self.sockets.description()

    async def answer(self, offer: bytes) -> bytes:
        if self.browser:
            self._note(parse(offer))
            return await self.browser.answer(offer)
        self._hears_of(parse(offer))
        return self.sockets.description()

    async def take(self, answer: bytes) -> None:
        if self.browser:
            self._note(parse(answer))
            await self.browser.hear_of("answer", answer)
        else:
            self._hears_of(parse(answer))

    def begin(self) -> None:
        if self.browser is None:
            self.plain.begin()

    async def close(self) -> None:
        if self.browser:
            await self.browser.close()
        self.plain.close()
        self.sockets.close()

    def _hears_of(self, session: Session) -> None:
        self._note(session)
        self.sockets.hears_of(session)
        if self.kind == "SDES":
            self.sockets.takes_key(session)

    def _note(self, session: Session) -> None:
        self.ports = {session.media[0].port, session.media[0].port + 1}


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NgClient]:
    port = free_port()
    folder = tmp_path_factory.mktemp("relay")
    with our_relay(folder, ng_port=port, ports=PORTS), NgClient(port) as client:
        yield client


@pytest.mark.parametrize(("one", "other"), list(combinations_with_replacement(TOWARDS, 2)))
async def test_pair(relay: NgClient, tmp_path: Path, one: str, other: str) -> None:
    file, name = tmp_path / "call.pcap", call_id()
    alice, bob = Side(one, 1), Side(other, 2)
    async with AsyncExitStack() as stack:
        for side in (alice, bob):
            stack.push_async_callback(side.close)
        with captured(file, PORTS):
            offer = Offer(name, b"a", await alice.offer(), options=TOWARDS[other])
            answer = await bob.answer(_body(relay, offer))
            command = Answer(name, b"a", b"b", answer, options=TOWARDS[one])
            await alice.take(_body(relay, command))
            alice.begin()
            bob.begin()
            await both_hear(alice.peer, bob.peer)
    plain = [(port, "rtp") for side in (alice, bob) if side.kind == "RTP"
             for port in side.ports if port % 2 == 0]  # fmt: skip
    packets = packets_of(file, plain)
    sealed = {port for side in (alice, bob) if side.kind != "RTP" for port in side.ports}
    assert not malformed(packets, sealed)
    said = _payloads_in_clear(packets, alice, bob)
    for side in (alice, bob):
        wire = [one for one in packets if one.ports & side.ports]
        sound = [one for one in wire if kind_of(one.payload) == RTP]
        assert len(sound) >= LEAST
        if side.kind == "RTP":
            assert {one.protocol for one in sound} == {"RTP"}
            assert {kind_of(one.payload) for one in wire} <= {RTP, RTCP}
            continue
        assert not said & {one.payload[12:172] for one in sound}
        if (one, other) != ("DTLS", "DTLS"):  # they speak Opus, the others PCMU
            assert {len(one.payload) - PLAIN_SIZE for one in sound} <= TAGS
        if side.kind == "DTLS":
            protocols = {kind_of(one.payload) for one in wire}
            assert {STUN, DTLS} <= protocols
            assert {"DTLSv1.2", "STUN"} <= {one.protocol for one in wire}


def _payloads_in_clear(packets: list[Packet], *sides: Side) -> set[bytes]:
    """What the plain wires of the call carried, and what phones said before they encrypted it."""
    found = {side.plain.payload_at(number) for side in sides for number in range(1000)}
    for side in sides:
        if side.kind == "RTP":
            found |= {one.payload[12:] for one in packets if one.ports & side.ports}
    return found


def _body(relay: NgClient, command: Offer | Answer) -> bytes:
    body = relay.accepted(command)[b"sdp"]
    assert isinstance(body, bytes)
    return body
