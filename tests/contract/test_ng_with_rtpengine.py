"""The same NG dialogues with Debian's rtpengine and with ours: same shape, same way of the media.

Shape is compared where a proxy or a tool looks: results, reasons, which keys stand where, what the
body says. Ports, times and the spelling of what is only ours are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from media.dtls import parse_fingerprint
from media.ice import parse_candidate
from media.ng import (
    Answer,
    CodecChoice,
    Delete,
    Document,
    ListCalls,
    Offer,
    Options,
    Ping,
    Query,
    Value,
)
from media.ng.messages import Command
from media.sdp import Session
from media.srtp import BY_SDES_NAME, Suite
from tests.harness.ng import REPLACE, NgClient, RtpPhone, call_id, our_relay, talk
from tests.harness.processes import free_port
from tests.harness.rtpengine import rtpengine

pytestmark = pytest.mark.e2e

BESIDE = (b"telephone-event", b"cn")
V6 = Options(ice=b"remove", address_family=b"IP6", replace=(b"origin", b"session-connection"))


@dataclass(frozen=True, slots=True)
class Relays:
    """A client for each."""

    ours: NgClient
    theirs: NgClient

    def both(self) -> tuple[NgClient, NgClient]:
        return self.ours, self.theirs


@pytest.fixture(scope="module")
def relays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relays]:
    folder = tmp_path_factory.mktemp("relays")
    ours, theirs = free_port(), free_port(pair=True)
    with (
        our_relay(folder / "ours", ng_port=ours, ports=(24400, 24899)),
        rtpengine(
            folder / "theirs",
            ng_port=theirs,
            interfaces=("127.0.0.1", "::1"),
            ports=(24900, 25399),
        ),
        NgClient(ours) as one,
        NgClient(theirs) as other,
    ):
        yield Relays(one, other)


@pytest.fixture
def alice() -> Iterator[RtpPhone]:
    with RtpPhone(ssrc=1) as phone:
        yield phone


@pytest.fixture
def bob() -> Iterator[RtpPhone]:
    with RtpPhone(ssrc=2) as phone:
        yield phone


def connected(
    relay: NgClient,
    alice: RtpPhone,
    bob: RtpPhone,
    options: Options = REPLACE,
    *,
    name: bytes = b"",
    extra: tuple[str, ...] = (),
    back: Options = REPLACE,
) -> tuple[Session, Session]:
    """An offer of alice's and an answer of bob's: what each was told."""
    name = name or call_id()
    to_bob = relay.describes(Offer(name, b"a", alice.description(*extra), options=options))
    bob.hears_of(to_bob)
    to_alice = relay.describes(Answer(name, b"a", b"b", bob.description(*extra), options=back))
    alice.hears_of(to_alice)
    return to_bob, to_alice


def facts(session: Session) -> list[object]:
    """What a phone reads in a body, without the numbers that each relay chooses."""
    found: list[object] = [
        session.origin.connection,
        session.connection,
        [line.value for line in session.lines if line.kind not in b"oc"],
    ]
    for media in session.media:
        has_own_rtcp = media.rtcp is not None and media.rtcp[0] != media.port + 1
        found += [
            (media.kind, media.protocol, media.formats, media.is_disabled),
            session.connection_of(media),
            session.direction_of(media),
            media.offers_mux,
            has_own_rtcp and not media.offers_mux,
            sorted(
                line.value
                for line in media.lines
                if line.attribute not in (b"", b"rtcp", b"rtcp-mux", b"sendrecv")
            ),
        ]
    return found


# -- answers


@pytest.mark.parametrize(
    "command",
    [
        Ping(),
        Query(b"nobody"),
        Delete(b"nobody", b"a"),
        Delete(b"nobody", b"a", fatal=True),
        Answer(b"nobody", b"a", b"b", b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"),
        {b"command": b"dance"},
        {b"no": b"command"},
        {b"command": b"offer", b"call-id": b"c", b"from-tag": b"a"},
    ],
    ids=repr,
)
def test_same_words(relays: Relays, command: Command | Document) -> None:
    ours, theirs = (relay.ask(command) for relay in relays.both())
    assert ours == theirs


def test_rubbish_for_a_body_is_refused_by_both(relays: Relays) -> None:
    for relay in relays.both():
        answer = relay.ask(Offer(call_id(), b"a", b"hello"))
        assert answer[b"result"] == b"error"
        reason = answer[b"error-reason"]
        assert isinstance(reason, bytes)
        assert reason.startswith(b"Failed to parse SDP")


def test_list(relays: Relays, alice: RtpPhone, bob: RtpPhone) -> None:
    name = call_id()
    for relay in relays.both():
        connected(relay, alice, bob, name=name)
        answer = relay.accepted(ListCalls(1000))
        assert set(answer) == {b"result", b"calls"}
        calls = answer[b"calls"]
        assert isinstance(calls, list)
        assert name in calls


def test_shape_of_query_and_delete(relays: Relays, alice: RtpPhone, bob: RtpPhone) -> None:
    """Every key that rtpengine gives stands in ours at the same place, with the same kind."""
    found = []
    for relay in relays.both():
        name = call_id()
        connected(relay, alice, bob, name=name)
        talk(alice, bob, rounds=5)
        asked = relay.accepted(Query(name))
        deleted = relay.accepted(Delete(name, b"a", delay=0))
        found.append({b"query": asked, b"delete": deleted})
    ours, theirs = found
    _covers(ours, theirs, "")
    for what in (b"query", b"delete"):
        totals = [_at(one, what, b"totals") for one in found]
        assert totals[0] == totals[1]
        assert _at(totals[0], b"RTP", b"packets") == 10


def _covers(ours: Value, theirs: Value, path: str) -> None:
    assert type(ours) is type(theirs), path
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key, value in theirs.items():
            if key == b"codec":
                assert ours.get(key) == value, path  # what they heard is what was agreed
            elif key != b"SSRC":  # which of their RTCP streams has one: theirs alone
                assert key in ours, f"{path}/{key.decode()}"
                _covers(ours[key], value, f"{path}/{key.decode()}")
    elif isinstance(theirs, list) and isinstance(ours, list):
        if all(isinstance(one, bytes) for one in theirs):
            missing = {one for one in theirs if one != b"ICE controlling"} - {*map(_bytes, ours)}
            assert not missing, path
            return
        assert len(ours) == len(theirs), path
        for number, value in enumerate(theirs):
            _covers(ours[number], value, f"{path}/{number}")


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value


def _at(value: Value, *path: bytes) -> Value:
    for key in path:
        assert isinstance(value, dict)
        value = value[key]
    return value


# -- bodies and media

DIALOGUES: dict[str, tuple[Options, tuple[str, ...], Options]] = {
    "plain": (REPLACE, (), REPLACE),
    "no replacing": (Options(), (), Options()),
    "feedback profile asked for": (
        Options(transport_protocol=b"RTP/AVPF", replace=(b"origin",)),
        (),
        Options(replace=(b"origin",)),
    ),
    "candidates removed": (
        REPLACE,
        (
            "a=ice-ufrag:abcd",
            "a=ice-pwd:abcdefghijklmnopqrstuvwx",
            "a=ptime:20",
            "a=candidate:1 1 UDP 2130706431 127.0.0.1 9 typ host",
        ),
        REPLACE,
    ),
    "mux on both sides": (REPLACE, ("a=rtcp-mux",), REPLACE),
    "mux not offered on": (
        Options(ice=b"remove", rtcp_mux=(b"demux",), replace=(b"origin",)),
        ("a=rtcp-mux",),
        Options(replace=(b"origin",)),
    ),
    "mux always offered": (Options(rtcp_mux=(b"offer",)), (), Options()),
    "unknown flags": (Options(flags=(b"whatever", b"symmetric", b"trust-address")), (), Options()),
}


@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogues(relays: Relays, alice: RtpPhone, bob: RtpPhone, name: str) -> None:
    options, extra, back = DIALOGUES[name]
    told = []
    for relay in relays.both():
        told.append(
            [facts(one) for one in connected(relay, alice, bob, options, extra=extra, back=back)]
        )
        talk(alice, bob, rounds=3)
    assert told[0] == told[1]


def test_families_bridged(relays: Relays, alice: RtpPhone) -> None:
    with RtpPhone("::1", ssrc=2) as bob:
        told = []
        for relay in relays.both():
            told.append([facts(one) for one in connected(relay, alice, bob, V6)])
            talk(alice, bob, rounds=3)
    assert told[0] == told[1]


def test_hold_and_resume(relays: Relays, alice: RtpPhone, bob: RtpPhone) -> None:
    told: list[list[object]] = []
    for relay in relays.both():
        name = call_id()
        first = connected(relay, alice, bob, name=name)
        talk(alice, bob)
        told.append([])
        for direction, reply in (("sendonly", "recvonly"), ("inactive", "inactive")):
            body = alice.description(direction=direction)
            held = relay.describes(Offer(name, b"a", body, b"b", options=REPLACE))
            body = bob.description(direction=reply)
            answered = relay.describes(Answer(name, b"a", b"b", body, options=REPLACE))
            told[-1] += [facts(held), facts(answered)]
            assert (held.media[0].port, answered.media[0].port) == (
                first[0].media[0].port,
                first[1].media[0].port,
            )
        body = bob.description()
        resumed = relay.describes(Offer(name, b"b", body, b"a", options=REPLACE))
        answered = relay.describes(Answer(name, b"b", b"a", alice.description(), options=REPLACE))
        assert resumed.media[0].port == first[1].media[0].port
        assert answered.media[0].port == first[0].media[0].port
        talk(alice, bob, rounds=3)
    assert told[0] == told[1]


def test_zero_address_is_passed_on(relays: Relays, alice: RtpPhone) -> None:
    for relay in relays.both():
        body = alice.description().replace(b"IP4 127.0.0.1", b"IP4 0.0.0.0")
        told = relay.describes(Offer(call_id(), b"a", body, options=REPLACE))
        assert told.connection is not None
        assert told.connection.is_zero
        assert not told.media[0].is_disabled


def test_rtcp_apart_and_muxed_to_apart(relays: Relays, alice: RtpPhone, bob: RtpPhone) -> None:
    report = b"\x80\xc9\x00\x01\x00\x00\x00\x01"
    demux = Options(rtcp_mux=(b"demux",), replace=(b"origin",))
    for relay in relays.both():
        connected(relay, alice, bob)
        talk(alice, bob)
        alice.reports(report)
        assert bob.hears(rtcp=True) == report
        name = call_id()
        body = alice.description("a=rtcp-mux")
        bob.hears_of(relay.describes(Offer(name, b"a", body, options=demux)))
        told = relay.describes(Answer(name, b"a", b"b", bob.description(), options=REPLACE))
        assert told.media[0].offers_mux
        alice.hears_of(told)
        talk(alice, bob)
        alice.reports(report, mux=True)
        assert bob.hears(rtcp=True) == report


def test_phone_behind_a_nat_is_followed(relays: Relays, bob: RtpPhone) -> None:
    for relay in relays.both():
        with RtpPhone(ssrc=1) as alice:
            name = call_id()
            body = alice.description().replace(b"%d RTP" % alice.port, b"9 RTP")
            bob.hears_of(relay.describes(Offer(name, b"a", body, options=REPLACE)))
            alice.hears_of(relay.describes(Answer(name, b"a", b"b", bob.description())))
            alice.says(b"here I am")
            assert bob.hears()[12:] == b"here I am"
            # rtpengine learns for three seconds; talk() says it until it is heard.
            talk_until_heard(alice, bob)


def talk_until_heard(alice: RtpPhone, bob: RtpPhone) -> None:
    for _ in range(400):
        alice.says(b"a" * 160)
        bob.hears()
        bob.says(b"b" * 160)
        if not alice.is_deaf(within=0.05):
            assert alice.hears()[12:] == b"b" * 160
            return
    pytest.fail("alice never heard bob at the address that she speaks from")


def test_late_offer(relays: Relays, alice: RtpPhone, bob: RtpPhone) -> None:
    """Bob offers in his 200, alice answers in her ACK."""
    for relay in relays.both():
        name = call_id()
        offer = Offer(name, b"b", bob.description(), b"a", options=REPLACE)
        alice.hears_of(relay.describes(offer))
        answer = Answer(name, b"b", b"a", alice.description(), options=REPLACE)
        bob.hears_of(relay.describes(answer))
        talk(alice, bob, rounds=3)


def test_fork_of_which_one_answers(relays: Relays, alice: RtpPhone, bob: RtpPhone) -> None:
    for relay in relays.both():
        name = call_id()
        with RtpPhone(ssrc=3) as carol:
            for phone, branch in ((bob, b"z9hG4bK1"), (carol, b"z9hG4bK2")):
                offer = Offer(name, b"a", alice.description(), via_branch=branch, options=REPLACE)
                phone.hears_of(relay.describes(offer))
            answer = Answer(name, b"a", b"c", carol.description(), b"z9hG4bK2", REPLACE)
            alice.hears_of(relay.describes(answer))
            talk(alice, carol)
            relay.accepted(Delete(name, b"a", via_branch=b"z9hG4bK1", delay=0))
            talk(alice, carol, rounds=3)
            assert set(_dict(relay.accepted(Query(name)), b"tags")) >= {b"a", b"c"}


def _dict(value: Document, key: bytes) -> Document:
    found = value[key]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("tag", [b"a", b"b"])
def test_bye_with_a_branch_of_its_own(
    relays: Relays, alice: RtpPhone, bob: RtpPhone, tag: bytes
) -> None:
    for relay in relays.both():
        name = call_id()
        offer = Offer(name, b"a", alice.description(), via_branch=b"z9hG4bK1")
        relay.accepted(offer)
        relay.accepted(Answer(name, b"a", b"b", bob.description(), b"z9hG4bK1"))
        relay.accepted(Delete(name, tag, via_branch=b"z9hG4bKbye", delay=0))
        assert relay.ask(Query(name))[b"result"] == b"error"


def test_second_stream_and_one_that_is_refused(
    relays: Relays, alice: RtpPhone, bob: RtpPhone
) -> None:
    for relay in relays.both():
        with RtpPhone(ssrc=4) as camera, RtpPhone(ssrc=5) as screen:
            name = call_id()
            body = alice.description(f"m=video {camera.port} RTP/AVP 31", "m=text 6000 RTP/AVP 98")
            told = relay.describes(Offer(name, b"a", body, options=REPLACE))
            assert [media.kind for media in told.media] == [b"audio", b"video", b"text"]
            bob.hears_of(told)
            screen.hears_of(told, 1)
            body = bob.description(f"m=video {screen.port} RTP/AVP 31", "m=text 0 RTP/AVP 98")
            told = relay.describes(Answer(name, b"a", b"b", body, options=REPLACE))
            assert [media.is_disabled for media in told.media] == [False, False, True]
            alice.hears_of(told)
            camera.hears_of(told, 1)
            talk(alice, bob, rounds=3)
            talk(camera, screen, rounds=3)


# -- encryption

SHA80 = BY_SDES_NAME[b"AES_CM_128_HMAC_SHA1_80"]
SHA32 = BY_SDES_NAME[b"AES_CM_128_HMAC_SHA1_32"]
GCM = BY_SDES_NAME[b"AEAD_AES_128_GCM"]
REPORT = bytes.fromhex("80c80006 00000007 0000aaaa bbbb0000 00000000 00000000 00000000")


def towards(protocol: bytes, **more: Any) -> Options:
    replaces = (b"origin", b"session-connection")
    return Options(ice=b"remove", transport_protocol=protocol, replace=replaces, **more)


@pytest.mark.parametrize("suite", [SHA80, SHA32, GCM], ids=lambda suite: suite.sdes.decode())
def test_sdes_to_plain_and_back(
    relays: Relays, alice: RtpPhone, bob: RtpPhone, suite: Suite
) -> None:
    for relay in relays.both():
        name = call_id()
        alice.encrypts(suite)
        offer = Offer(name, b"a", alice.description(), options=towards(b"RTP/AVP"))
        to_bob = relay.describes(offer)
        assert to_bob.media[0].protocol == b"RTP/AVP"
        assert to_bob.media[0].attribute(b"crypto") is None
        bob.hears_of(to_bob)
        answer = Answer(name, b"a", b"b", bob.description(), options=REPLACE)
        to_alice = relay.describes(answer)
        assert to_alice.media[0].protocol == b"RTP/SAVP"
        alice.hears_of(to_alice)
        alice.takes_key(to_alice)
        talk(alice, bob, rounds=3)
        alice.reports(REPORT)
        assert bob.hears(rtcp=True) == REPORT


def test_plain_to_sdes(relays: Relays, alice: RtpPhone, bob: RtpPhone) -> None:
    for relay in relays.both():
        name = call_id()
        options = towards(b"RTP/SAVP", dtls=b"off")
        to_bob = relay.describes(Offer(name, b"a", alice.description(), options=options))
        assert to_bob.media[0].protocol == b"RTP/SAVP"
        assert to_bob.media[0].attribute(b"fingerprint") is None
        bob.hears_of(to_bob)
        bob.encrypts(SHA80)
        bob.takes_key(to_bob)
        to_alice = relay.describes(Answer(name, b"a", b"b", bob.description(), options=REPLACE))
        assert to_alice.media[0].protocol == b"RTP/AVP"
        assert to_alice.media[0].attribute(b"crypto") is None
        alice.hears_of(to_alice)
        talk(alice, bob, rounds=3)
        bob.encrypts_no_more()


def test_what_an_encrypted_offer_says(relays: Relays, alice: RtpPhone) -> None:
    """Without wishes RTP/SAVP comes with keys and a fingerprint, UDP/TLS with a fingerprint.

    rtpengine puts keys beside UDP/TLS as well, which RFC 5763 does not know.
    """
    for relay in relays.both():
        for protocol in (b"RTP/SAVP", b"UDP/TLS/RTP/SAVPF"):
            offer = Offer(call_id(), b"a", alice.description(), options=towards(protocol))
            [media] = relay.describes(offer).media
            assert media.protocol == protocol
            if protocol == b"RTP/SAVP" or relay is relays.ours:
                assert (media.attribute(b"crypto") is not None) is (protocol == b"RTP/SAVP")
            assert media.attribute(b"setup") == b"actpass"
            fingerprint = parse_fingerprint(media.attribute(b"fingerprint") or b"")
            assert fingerprint is not None
            assert fingerprint.is_strong


def test_suites_are_left_out_by_wish(relays: Relays, alice: RtpPhone) -> None:
    wish = (b"no-AEAD_AES_128_GCM", b"no-AES_CM_128_HMAC_SHA1_32")
    for relay in relays.both():
        options = towards(b"RTP/SAVP", sdes=wish)
        [media] = relay.describes(
            Offer(call_id(), b"a", alice.description(), options=options)
        ).media
        names = {line.value.split()[1] for line in media.lines if line.attribute == b"crypto"}
        assert SHA80.sdes in names
        assert not names & {GCM.sdes, SHA32.sdes}


@pytest.mark.parametrize(
    ("choice", "formats"),
    [
        (CodecChoice((b"all",), BESIDE, (b"pcma",)), (b"8", b"101")),
        (CodecChoice((b"all",), BESIDE, (b"g722", b"pcma")), (b"9", b"8", b"101")),
        (CodecChoice((b"pcmu",)), (b"8", b"9", b"101")),
    ],
)
def test_codecs_are_chosen(
    relays: Relays, alice: RtpPhone, choice: CodecChoice, formats: tuple[bytes, ...]
) -> None:
    """As our proxy asks for it. Where no codec is left, rtpengine offers a section without any."""
    lines = ("a=rtpmap:8 PCMA/8000", "a=rtpmap:9 G722/8000")
    body = alice.description(*lines).replace(b" 0 101", b" 0 8 9 101")
    for relay in relays.both():
        options = replace(REPLACE, codec=choice)
        [media] = relay.describes(Offer(call_id(), b"a", body, options=options)).media
        assert media.formats == formats


def test_ice_is_put_in_and_taken_out(relays: Relays, alice: RtpPhone) -> None:
    theirs = (
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=candidate:1 1 UDP 2130706431 127.0.0.1 9 typ host",
    )
    for relay in relays.both():
        for wish, lines in ((b"force", ()), (b"force", theirs), (b"", theirs)):
            options = Options(ice=wish, transport_protocol=b"UDP/TLS/RTP/SAVPF")
            offer = Offer(call_id(), b"a", alice.description(*lines), options=options)
            [media] = relay.describes(offer).media
            assert media.attribute(b"ice-ufrag") not in (None, b"abcd")
            assert len(media.attribute(b"ice-pwd") or b"") >= 22
            candidates = [
                found
                for line in media.lines
                if line.attribute == b"candidate"
                and (found := parse_candidate(line.value.partition(b":")[2])) is not None
            ]
            assert (media.port, 1) in [(one.port, one.component) for one in candidates]
        options = Options(ice=b"remove", transport_protocol=b"RTP/AVP")
        [media] = relay.describes(
            Offer(call_id(), b"a", alice.description(*theirs), options=options)
        ).media
        names = {line.attribute for line in media.lines}
        assert not names & {b"ice-ufrag", b"ice-pwd", b"candidate"}


@pytest.fixture(scope="module", autouse=True)
def _both_live(relays: Relays) -> Iterator[None]:
    """Whatever was asked, both are there at the end."""
    yield
    for relay in relays.both():
        assert relay.ask(Ping()) == {b"result": b"pong"}
