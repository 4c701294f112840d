"""A page that is loaded again takes its call up: new candidates and certificate, one dialogue. And
one that has several ways to the relay may change between them."""

from __future__ import annotations

import pytest

from media.driver import Driver
from media.dtls.handshake import Handshake
from media.dtls.identity import Identity
from media.ice import stun
from media.ng import Options
from media.rtp import packet
from media.sdp import parse
from tests.harness.media import IdleEngine, Time, answer, driver_of, offer, sdp

PORT = ("203.0.113.9", 24000)
OLD, NEW = ("198.51.100.5", 40000), ("198.51.100.5", 41000)
WEBRTC = "UDP/TLS/RTP/SAVPF"


class Page:
    """What of a browser lives as long as its page does."""

    def __init__(self, name: str, address: tuple[str, int]) -> None:
        self.identity = Identity()
        self.address = address
        self.name = name

    def description(self, setup: str) -> bytes:
        fingerprint = self.identity.fingerprint.serialise().decode()
        ice = (f"a=ice-ufrag:{self.name}", f"a=ice-pwd:{self.name * 8}")
        lines = (f"a={fingerprint}", f"a=setup:{setup}", "a=rtcp-mux", *ice)
        return sdp(9, *lines, protocol=WEBRTC)


class Call:
    """A page that calls a plain phone."""

    def __init__(self) -> None:
        self.engine = IdleEngine()
        self.driver: Driver = driver_of(self.engine, Time())

    def offers(self, page: Page, to_tag: bytes = b"") -> bytes:
        """The page's offer, in the dialogue with `to_tag`, and what it gets for an answer."""
        towards = Options(ice=b"remove", transport_protocol=b"RTP/AVP")
        self.driver.offer(offer(page.description("actpass"), to_tag=to_tag, options=towards))
        back = Options(ice=b"force", transport_protocol=WEBRTC.encode())
        return self.driver.answer(answer(sdp(6004), options=back)).sdp

    def is_connected(self, page: Page, answered: bytes) -> Handshake:
        """Checks, then DTLS with the relay as the client; the finished handshake."""
        assert parse(answered).media[0].attribute(b"setup") == b"active"
        self.checks(page, answered, page.address, stun.USE_CANDIDATE)
        handshake = Handshake(page.identity, is_client=False)
        while handshake.keys is None:
            to_page = self.taken(page.address)
            assert to_page, "the relay says nothing"
            for datagram in to_page:
                for reply in handshake.receive(datagram):
                    self.driver.stranger(PORT, reply, page.address)
        return handshake

    def checks(self, page: Page, answered: bytes, address: tuple[str, int], *flags: int) -> None:
        media = parse(answered).media[0]
        user = (media.attribute(b"ice-ufrag") or b"") + b":" + page.name.encode()
        attributes = ((stun.USERNAME, user), *((flag, b"") for flag in flags))
        message = stun.Message(stun.BINDING_REQUEST, b"0123456789ab", attributes)
        check = stun.serialise(message, key=media.attribute(b"ice-pwd") or b"")
        self.driver.stranger(PORT, check, address)

    def taken(self, address: tuple[str, int]) -> list[bytes]:
        """DTLS that was sent there since the last look."""
        found = [data for _, data, to in self.engine.sent if to == address and data[0] >= 20]
        self.engine.sent.clear()
        return found


@pytest.mark.parametrize("address", [NEW, OLD])
def test_new_keys_with_the_new_page(address: tuple[str, int]) -> None:
    """Also from the port that the page before had."""
    call = Call()
    before, after = Page("first", OLD), Page("later", address)
    call.is_connected(before, call.offers(before))
    old_keys = call.engine.rules[PORT].unprotect
    answered = call.offers(after, b"b")
    assert call.taken(OLD) == []  # nobody is there any more who has that certificate
    assert call.engine.rules[PORT].unprotect is None
    call.is_connected(after, answered)
    rule = call.engine.rules[PORT]
    assert rule.accepts == address
    assert rule.unprotect not in (None, old_keys)


def test_the_old_certificate_opens_nothing_any_more() -> None:
    call = Call()
    before, after = Page("first", OLD), Page("later", NEW)
    call.is_connected(before, call.offers(before))
    answered = call.offers(after, b"b")
    after.identity = before.identity
    call.is_connected(after, answered)
    assert call.engine.rules[PORT].unprotect is None


def test_what_is_still_on_its_way_over_another_checked_pair_is_taken() -> None:
    """And what was not checked is not."""
    call, page = Call(), Page("first", OLD)
    answered = call.offers(page)
    call.is_connected(page, answered)
    said = packet.build(
        payload_type=0, sequence_number=1, rtp_timestamp=0, ssrc=7, payload=b"x" * 160
    )
    assert not call.driver.stranger(PORT, said, NEW)
    call.checks(page, answered, NEW)
    assert call.driver.stranger(PORT, said, NEW)
    assert call.engine.rules[PORT].accepts == OLD
    call.checks(page, answered, NEW, stun.USE_CANDIDATE)
    assert call.engine.rules[PORT].accepts == NEW
    assert call.driver.stranger(PORT, said, OLD)
