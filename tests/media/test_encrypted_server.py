"""`python -m media` between an SDES phone and a plain one: keys anew, wrap-around, SRTCP, video."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from media.ng import Answer, Offer, Options
from media.srtp import SUITES, Suite
from media.srtp.context import protecting
from tests.harness.ng import NgClient, RtpPhone, call_id, our_relay, talk
from tests.harness.processes import free_port

REPORT = bytes.fromhex("80c80006 00000007 0000aaaa bbbb0000 00000000 00000000 00000000")
VIDEO = 1400  # octets of payload, as pictures are cut into packets
PLAIN = Options(
    ice=b"remove",
    dtls=b"off",
    transport_protocol=b"RTP/AVP",
    replace=(b"origin", b"session-connection"),
    flags=(b"keep-profile",),
)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NgClient]:
    port = free_port()
    folder = tmp_path_factory.mktemp("relay")
    with our_relay(folder, ng_port=port, ports=(22400, 22499)), NgClient(port) as client:
        yield client


@pytest.fixture
def alice() -> Iterator[RtpPhone]:
    with RtpPhone(ssrc=7) as phone:
        yield phone


@pytest.fixture
def bob() -> Iterator[RtpPhone]:
    with RtpPhone(ssrc=8) as phone:
        yield phone


def call(
    proxy: NgClient, alice: RtpPhone, bob: RtpPhone, *, name: bytes = b"", to_tag: bytes = b""
) -> bytes:
    """Alice, who encrypts, offers (again); Bob answers. The Call-ID."""
    name = name or call_id()
    offer = Offer(name, b"a", alice.description(), to_tag, options=PLAIN)
    bob.hears_of(proxy.describes(offer))
    told = proxy.describes(Answer(name, b"a", b"b", bob.description(), options=PLAIN))
    alice.hears_of(told)
    alice.takes_key(told)
    return name


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.sdes.decode())
def test_every_suite_and_keys_anew(
    proxy: NgClient, alice: RtpPhone, bob: RtpPhone, suite: Suite
) -> None:
    alice.encrypts(suite)
    name = call(proxy, alice, bob)
    talk(alice, bob, rounds=5)
    before = alice.crypto
    assert before is not None
    alice.encrypts(suite)
    call(proxy, alice, bob, name=name, to_tag=b"b")
    talk(alice, bob, rounds=5)
    alice.says(b"by the old key", seal=protecting(suite, before.master))
    alice.says(b"by the new one")
    assert bob.hears().endswith(b"by the new one")
    assert bob.is_deaf()


def test_sequence_numbers_wrap_around_in_both_directions(
    proxy: NgClient, alice: RtpPhone, bob: RtpPhone
) -> None:
    alice.encrypts(SUITES[0])
    call(proxy, alice, bob)
    for start in range(65_530, 4 * 65_536, 65_536):
        for jump, rounds in ((0, 12), (24_000, 1), (48_000, 1)):
            alice.sequence_number = bob.sequence_number = start + jump
            talk(alice, bob, rounds=rounds)


def test_srtcp_and_packets_of_video(proxy: NgClient, alice: RtpPhone, bob: RtpPhone) -> None:
    alice.encrypts(SUITES[0])
    call(proxy, alice, bob)
    talk(alice, bob)
    alice.reports(REPORT)
    assert bob.hears(rtcp=True) == REPORT
    bob.reports(REPORT)
    assert alice.hears(rtcp=True) == REPORT
    for speaker, listener in ((alice, bob), (bob, alice)):
        sent = speaker.says(bytes(VIDEO))
        assert listener.hears() == sent
