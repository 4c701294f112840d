"""What was wrong with a call, in words: each row of the table, and calls that were well."""

from __future__ import annotations

import pytest

from media.driver import Driver
from media.dtls import fingerprint_of
from media.dtls.handshake import Handshake
from media.dtls.identity import Identity
from media.forward.engine import Counters
from media.ice import stun
from media.ng import Delete, Options
from media.sdp import parse
from tests.harness.media import IdleEngine, Time, answer, driver_of, offer, sdp

CALLER, CALLEE = ("203.0.113.9", 24000), ("203.0.113.9", 24002)
PHONE, BROWSER = ("192.0.2.1", 5004), ("198.51.100.5", 40000)
RTP = b"\x80\x00" + bytes(20)
TO_BROWSER = Options(ice=b"force", transport_protocol=b"UDP/TLS/RTP/SAVPF")
FINGERPRINT = "a=" + fingerprint_of(b"somebody's").serialise().decode()
ICE = ("a=ice-ufrag:theirs", "a=ice-pwd:theirs-theirs-theirs-thei")
HEARD = Counters(packets=100, octets=17200, expected=100, ssrc=1)


class Bench:
    """A driver whose caller talks; the callee is what the test makes of it."""

    def __init__(self) -> None:
        self.engine = IdleEngine()
        self.driver: Driver = driver_of(self.engine, Time())
        self.password = b""

    def plain(self, **options: Options) -> None:
        self.driver.offer(offer(sdp(5004), options=options.get("towards", Options())))
        self.driver.answer(answer(sdp(6004), options=options.get("back", Options())))
        self.talks(CALLER, PHONE)

    def browser(self, fingerprint: str = FINGERPRINT) -> None:
        """A browser answers; its checks are still to come."""
        outcome = self.driver.offer(offer(sdp(5004), options=TO_BROWSER))
        media = parse(outcome.sdp).media[0]
        self.password = media.attribute(b"ice-pwd") or b""
        self.ufrag = media.attribute(b"ice-ufrag") or b""
        lines = (fingerprint, "a=setup:active", "a=rtcp-mux", *ICE)
        self.driver.answer(answer(sdp(9, *lines, protocol="UDP/TLS/RTP/SAVPF")))
        self.talks(CALLER, PHONE)

    def checks(self, *attributes: tuple[int, bytes], password: bytes = b"") -> None:
        user = (stun.USERNAME, self.ufrag + b":theirs")
        message = stun.Message(stun.BINDING_REQUEST, b"0123456789ab", (user, *attributes))
        datagram = stun.serialise(message, key=password or self.password)
        self.driver.stranger(CALLEE, datagram, BROWSER)

    def talks(self, local: tuple[str, int], source: tuple[str, int], **more: int) -> None:
        self.driver.stranger(local, RTP, source)
        self.engine.counts[local] = HEARD if not more else Counters(**more)

    def verdict(self) -> list[tuple[bytes, bytes]]:
        found = self.driver.delete(Delete(b"c"))
        assert found is not None
        words, sentences = found[b"verdict"], found[b"verdict text"]
        assert isinstance(words, list)
        assert isinstance(sentences, list)
        return list(zip(words, sentences, strict=True))  # type: ignore[arg-type]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_all_is_well(bench: Bench) -> None:
    bench.plain()
    bench.talks(CALLEE, ("192.0.2.1", 6004))
    assert bench.verdict() == []


def test_nobody_answered(bench: Bench) -> None:
    bench.driver.offer(offer(sdp(5004)))
    assert bench.verdict() == []


def test_one_side_never_sent(bench: Bench) -> None:
    bench.plain()
    assert bench.verdict() == [(b"no_media_callee", b"the callee never sent RTP")]


def test_one_side_sent_nothing_but_reports(bench: Bench) -> None:
    bench.plain()
    bench.talks(CALLEE, ("192.0.2.1", 6004), packets=3, octets=96)
    assert bench.verdict() == [(b"no_media_callee", b"the callee never sent RTP")]


@pytest.mark.parametrize("direction", ["a=recvonly", "a=sendonly", "a=inactive"])
def test_who_need_not_talk_is_not_blamed(bench: Bench, direction: str) -> None:
    """Nor whom such a side does not listen to."""
    bench.driver.offer(offer(sdp(5004)))
    bench.driver.answer(answer(sdp(6004, direction)))
    if direction == "a=recvonly":
        bench.talks(CALLER, PHONE)
    assert bench.verdict() == []


def test_a_side_is_called_by_its_label(bench: Bench) -> None:
    bench.plain(back=Options(label=b"bob"))
    assert bench.verdict() == [(b"no_media_callee", b"bob never sent RTP")]


def test_a_held_side_is_not_blamed(bench: Bench) -> None:
    bench.plain()
    bench.driver.offer(offer(sdp(6004, "a=sendonly"), tag=b"b", to_tag=b"a"))
    bench.driver.answer(answer(sdp(5004, "a=recvonly"), tag=b"b", to_tag=b"a"))
    assert bench.verdict() == []


def test_from_elsewhere(bench: Bench) -> None:
    bench.plain()
    bench.talks(CALLEE, ("10.1.2.3", 6004))
    sentence = b"packets arrived from 10.1.2.3 but the callee had named 192.0.2.1"
    assert bench.verdict() == [(b"other_address_callee", sentence)]


def test_loss(bench: Bench) -> None:
    bench.plain()
    bench.talks(CALLEE, ("192.0.2.1", 6004), packets=93, expected=100, lost=7)
    assert bench.verdict() == [(b"loss_callee", b"7 % of the packets of the callee never arrived")]


def test_no_check(bench: Bench) -> None:
    bench.browser()
    sentence = b"ICE: no check of the callee arrived; is UDP to port 24002 open?"
    assert bench.verdict() == [(b"no_check_callee", sentence)]


def test_checks_with_a_wrong_password(bench: Bench) -> None:
    bench.browser()
    bench.checks(password=b"wrong")
    assert [word for word, _ in bench.verdict()] == [b"bad_checks_callee"]


def test_no_nomination(bench: Bench) -> None:
    bench.browser()
    bench.checks()
    assert [word for word, _ in bench.verdict()] == [b"no_nomination_callee"]


def test_no_handshake(bench: Bench) -> None:
    bench.browser()
    bench.checks((stun.USE_CANDIDATE, b""))
    assert [word for word, _ in bench.verdict()] == [b"no_dtls_callee"]


def test_wrong_fingerprint(bench: Bench) -> None:
    bench.browser()
    bench.checks((stun.USE_CANDIDATE, b""))
    browser = Handshake(Identity(), is_client=True)
    to_relay = browser.start()
    while to_relay:
        bench.engine.sent.clear()
        for datagram in to_relay:
            bench.driver.stranger(CALLEE, datagram, BROWSER)
        to_relay = [
            reply
            for _, datagram, _ in list(bench.engine.sent)
            for reply in browser.receive(datagram)
        ]
    assert browser.keys is not None
    assert bench.engine.rules[CALLEE].accepts is None
    assert bench.engine.rules[CALLER].destination is None
    assert bench.verdict() == [
        (b"dtls_failed_callee", b"DTLS with the callee never finished: fingerprint mismatch")
    ]


def test_right_fingerprint_opens_both_ways(bench: Bench) -> None:
    identity = Identity()
    bench.browser("a=" + identity.fingerprint.serialise().decode())
    bench.checks((stun.USE_CANDIDATE, b""))
    browser = Handshake(identity, is_client=True)
    to_relay = browser.start()
    while to_relay:
        bench.engine.sent.clear()
        for datagram in to_relay:
            bench.driver.stranger(CALLEE, datagram, BROWSER)
        to_relay = [
            reply
            for _, datagram, _ in list(bench.engine.sent)
            for reply in browser.receive(datagram)
        ]
    rule = bench.engine.rules[CALLEE]
    assert rule.accepts == BROWSER
    assert rule.unprotect is not None
    assert bench.engine.rules[CALLER].destination == BROWSER
    assert bench.engine.rules[CALLER].protect is not None
