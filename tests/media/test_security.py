"""Every kind of side to every other: what each is told, which keys follow, what is refused."""

from __future__ import annotations

import pytest

from media.call import Call
from media.dtls import fingerprint_of
from media.ng import Options
from media.sdp import Media, parse
from media.security import DTLS, OPAQUE, PLAIN, SDES, Means
from media.srtp import SUITES, Crypto, parse_crypto
from media.stream import Refused
from tests.harness.media import IDENTITY, Pairs, answer, offer, sdp

SHA80 = next(suite for suite in SUITES if suite.sdes == b"AES_CM_128_HMAC_SHA1_80")
GCM = SUITES[0]
THEIRS = Crypto(7, SHA80, bytes(range(30)))
THEIR_GCM = Crypto(8, GCM, bytes(range(28)))
FINGERPRINT = "a=" + fingerprint_of(b"their certificate").serialise().decode()
ICE = ("a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuv")


def line(crypto: Crypto) -> str:
    return "a=" + crypto.serialise().decode()


KINDS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "RTP/AVP": ("RTP/AVP", (), PLAIN),
    "RTP/AVPF": ("RTP/AVPF", ("a=rtcp-fb:* nack",), PLAIN),
    "RTP/SAVP": ("RTP/SAVP", (line(THEIRS),), SDES),
    "RTP/SAVPF": ("RTP/SAVPF", (line(THEIRS), "a=rtcp-fb:* nack"), SDES),
    "UDP/TLS/RTP/SAVP": ("UDP/TLS/RTP/SAVP", (FINGERPRINT, "a=setup:actpass"), DTLS),
    "UDP/TLS/RTP/SAVPF": ("UDP/TLS/RTP/SAVPF", (FINGERPRINT, "a=setup:actpass", *ICE), DTLS),
}


@pytest.fixture
def call() -> Call:
    numbers = iter(range(1, 200))
    return Call(b"c", Means(IDENTITY.fingerprint, lambda n: bytes([next(numbers)]) * n), wall=5.0)


@pytest.fixture
def ports() -> Pairs:
    return Pairs()


def told(call: Call, ports: Pairs, message: object) -> Media:
    handle = call.offer if type(message).__name__ == "Offer" else call.answer
    outcome = handle(message, ports, wall=5.0, now=0.0)  # type: ignore[arg-type]
    return parse(outcome.sdp).media[0]


def keys_in(media: Media) -> list[Crypto]:
    values = [one.value.partition(b":")[2] for one in media.lines if one.attribute == b"crypto"]
    return [crypto for value in values if (crypto := parse_crypto(value)) is not None]


def answer_to(media: Media) -> tuple[str, ...]:
    """The keys of a phone that answers this offer."""
    if media.attribute(b"fingerprint") is not None and b"TLS" in media.protocol:
        return (FINGERPRINT, "a=setup:active")
    return tuple(
        line(Crypto(one.tag, SHA80, THEIRS.master)) for one in keys_in(media) if one.suite is SHA80
    )


@pytest.mark.parametrize("towards", KINDS)
@pytest.mark.parametrize("offered", KINDS)
def test_each_to_each(call: Call, ports: Pairs, offered: str, towards: str) -> None:
    protocol, lines, kind = KINDS[offered]
    options = Options(transport_protocol=towards.encode())
    to_callee = told(call, ports, offer(sdp(5004, *lines, protocol=protocol), options=options))
    assert to_callee.protocol == towards.encode()
    assert THEIRS.master not in [one.master for one in keys_in(to_callee)]
    assert bool(keys_in(to_callee)) is towards.startswith("RTP/SAVP")
    assert (to_callee.attribute(b"fingerprint") is not None) is ("SAVP" in towards)
    assert (to_callee.attribute(b"rtcp-fb") is not None) is (
        "a=rtcp-fb:* nack" in lines and towards.endswith("F")
    )
    body = sdp(6004, *answer_to(to_callee), protocol=towards)
    to_caller = told(call, ports, answer(body))
    assert to_caller.protocol == offered.encode()
    caller, callee = (leg.streams[0].security for leg in (
        call.dialogues[0].caller, call.dialogues[0].callee))  # fmt: skip
    assert (caller.kind, callee.kind) == (kind, KINDS[towards][2])
    if kind == SDES:
        [ours] = keys_in(to_caller)
        assert (ours.tag, ours.suite) == (THEIRS.tag, THEIRS.suite)
        assert (caller.crypto_in, caller.crypto_out) == (THEIRS, ours)
    if kind == DTLS:
        assert to_caller.attribute(b"setup") == b"active"
        assert caller.role == b"active"
        assert to_caller.attribute(b"fingerprint") is not None
    if callee.kind == DTLS:
        assert callee.role == b"passive"
    assert (to_caller.attribute(b"ice-ufrag") is not None) is (ICE[0] in lines)


@pytest.mark.parametrize(
    ("setup", "wish", "role"),
    [
        ("actpass", b"", b"active"),
        ("actpass", b"passive", b"passive"),
        ("active", b"", b"passive"),
        ("passive", b"passive", b"active"),
    ],
)
def test_role_towards_the_offerer(
    call: Call, ports: Pairs, setup: str, wish: bytes, role: bytes
) -> None:
    body = sdp(5004, FINGERPRINT, f"a=setup:{setup}", protocol="UDP/TLS/RTP/SAVP")
    told(call, ports, offer(body, options=Options(transport_protocol=b"RTP/AVP")))
    media = told(call, ports, answer(sdp(6004), options=Options(dtls=wish)))
    assert media.attribute(b"setup") == role


def test_role_stays_in_a_later_offer_and_a_new_certificate_begins_anew(
    call: Call, ports: Pairs
) -> None:
    plain = Options(transport_protocol=b"RTP/AVP")
    for fingerprint, wish, role in (
        (FINGERPRINT, b"passive", b"passive"),
        (FINGERPRINT, b"", b"passive"),
        ("a=" + fingerprint_of(b"another").serialise().decode(), b"", b"active"),
    ):
        body = sdp(5004, fingerprint, "a=setup:actpass", protocol="UDP/TLS/RTP/SAVP")
        told(call, ports, offer(body, options=plain))
        media = told(call, ports, answer(sdp(6004), options=Options(dtls=wish)))
        assert media.attribute(b"setup") == role


def test_our_keys_stay_and_theirs_may_change(call: Call, ports: Pairs) -> None:
    plain = Options(transport_protocol=b"RTP/AVP")
    told(call, ports, offer(sdp(5004, line(THEIRS), protocol="RTP/SAVP"), options=plain))
    first = keys_in(told(call, ports, answer(sdp(6004))))
    again = Crypto(7, SHA80, bytes(30))
    told(call, ports, offer(sdp(5004, line(again), protocol="RTP/SAVP"), options=plain))
    assert keys_in(told(call, ports, answer(sdp(6004)))) == first
    assert call.dialogues[0].caller.streams[0].security.crypto_in == again


@pytest.mark.parametrize(
    ("sdes", "suites"),
    [
        ((), [suite.sdes for suite in SUITES]),
        ((b"only-AES_CM_128_HMAC_SHA1_80",), [SHA80.sdes]),
        (
            (b"no-AEAD_AES_128_GCM", b"no-AEAD_AES_256_GCM"),
            [b"AES_CM_128_HMAC_SHA1_80", b"AES_CM_128_HMAC_SHA1_32"],
        ),
        (
            (b"order:AES_CM_128_HMAC_SHA1_32;AEAD_AES_256_GCM",),
            [
                b"AES_CM_128_HMAC_SHA1_32",
                b"AEAD_AES_256_GCM",
                b"AEAD_AES_128_GCM",
                b"AES_CM_128_HMAC_SHA1_80",
            ],
        ),
        ((b"off",), []),
    ],
)
def test_suites_as_the_proxy_wants_them(
    call: Call, ports: Pairs, sdes: tuple[bytes, ...], suites: list[bytes]
) -> None:
    options = Options(transport_protocol=b"RTP/SAVP", sdes=sdes)
    media = told(call, ports, offer(sdp(5004), options=options))
    assert [one.suite.sdes for one in keys_in(media)] == suites
    assert [one.tag for one in keys_in(media)] == list(range(1, len(suites) + 1))


def test_dtls_may_be_left_out_of_savp(call: Call, ports: Pairs) -> None:
    options = Options(transport_protocol=b"RTP/SAVP", dtls=b"off")
    media = told(call, ports, offer(sdp(5004), options=options))
    assert media.attribute(b"fingerprint") is None


def test_savp_may_be_answered_with_a_fingerprint(call: Call, ports: Pairs) -> None:
    told(call, ports, offer(sdp(5004), options=Options(transport_protocol=b"RTP/SAVP")))
    told(call, ports, answer(sdp(6004, FINGERPRINT, "a=setup:active", protocol="RTP/SAVP")))
    assert call.dialogues[0].callee.streams[0].security.kind == DTLS


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((line(THEIRS),), "its a=crypto is none that was offered"),
        (("a=fingerprint:sha-1 AB:CD", "a=setup:active"), "SHA-256"),
        ((), "no key in the description"),
    ],
)
def test_answers_that_cannot_be(call: Call, ports: Pairs, lines: tuple[str, ...], why: str) -> None:
    told(call, ports, offer(sdp(5004), options=Options(transport_protocol=b"RTP/SAVP")))
    with pytest.raises(Refused, match=why):
        told(call, ports, answer(sdp(6004, *lines, protocol="RTP/SAVP")))


def test_keys_that_nobody_here_can_read_pass_untouched(call: Call, ports: Pairs) -> None:
    strange = "a=crypto:1 F8_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
    media = told(call, ports, offer(sdp(5004, strange, protocol="RTP/SAVP")))
    assert b"F8_128" in (media.attribute(b"crypto") or b"")
    told(call, ports, answer(sdp(6004, strange, protocol="RTP/SAVP")))
    assert call.dialogues[0].callee.streams[0].security.kind == OPAQUE


# -- opportunistic, required, kept


def test_opportunistic_key_is_taken_or_passed_over(call: Call, ports: Pairs) -> None:
    options = Options(transport_protocol=b"RTP/AVP", osrtp=(b"offer",))
    media = told(call, ports, offer(sdp(5004), options=options))
    assert media.protocol == b"RTP/AVP"
    [ours] = [one for one in keys_in(media) if one.suite is SHA80]
    told(call, ports, answer(sdp(6004)))
    callee = call.dialogues[0].callee.streams[0].security
    assert callee.kind == PLAIN
    told(call, ports, answer(sdp(6004, line(Crypto(ours.tag, SHA80, THEIRS.master)))))
    assert callee.kind == SDES
    assert callee.crypto_out == ours


@pytest.mark.parametrize(("osrtp", "kind"), [((b"accept",), SDES), ((), PLAIN)])
def test_opportunistic_offer_is_taken_where_it_is_welcome(
    call: Call, ports: Pairs, osrtp: tuple[bytes, ...], kind: str
) -> None:
    told(call, ports, offer(sdp(5004, line(THEIRS)), options=Options(osrtp=osrtp)))
    media = told(call, ports, answer(sdp(6004)))
    assert call.dialogues[0].caller.streams[0].security.kind == kind
    assert bool(keys_in(media)) is (kind == SDES)
    assert media.protocol == b"RTP/AVP"


def test_plain_offer_where_encryption_is_required(call: Call, ports: Pairs) -> None:
    options = Options(flags=(b"srtp-required",))
    with pytest.raises(Refused, match="Encryption is required of this side"):
        told(call, ports, offer(sdp(5004), options=options))
    assert not call.dialogues


@pytest.mark.parametrize("flags", [(), (b"srtp-required",)], ids=["kept", "said again"])
def test_plain_answer_where_encryption_is_required(
    call: Call, ports: Pairs, flags: tuple[bytes, ...]
) -> None:
    towards = Options(transport_protocol=b"RTP/SAVP", flags=(b"srtp-required-towards",))
    told(call, ports, offer(sdp(5004), options=towards))
    with pytest.raises(Refused, match="Encryption is required of this side"):
        told(call, ports, answer(sdp(6004), options=Options(flags=flags)))
    assert not call.dialogues[0].is_answered
    ours = keys_in(told(call, ports, offer(sdp(5004), options=towards)))[0]
    keyed = sdp(6004, line(Crypto(ours.tag, ours.suite, ours.master)), protocol="RTP/SAVP")
    told(call, ports, answer(keyed))  # of another fork of the branch
    assert call.dialogues[0].is_answered


def test_what_a_side_speaks_is_kept(call: Call, ports: Pairs) -> None:
    """The caller speaks SDES; the callee's later offer says RTP/AVP to it, which is not heeded."""
    keep = Options(transport_protocol=b"RTP/AVP", flags=(b"keep-profile",))
    told(call, ports, offer(sdp(5004, line(THEIRS), protocol="RTP/SAVP"), options=keep))
    told(call, ports, answer(sdp(6004), options=keep))
    media = told(call, ports, offer(sdp(6004), tag=b"b", to_tag=b"a", options=keep))
    assert media.protocol == b"RTP/SAVP"
    [ours] = [one for one in keys_in(media) if one.suite is SHA80]
    reply = sdp(5004, line(Crypto(ours.tag, SHA80, THEIRS.master)), protocol="RTP/SAVP")
    assert told(call, ports, answer(reply, tag=b"b", to_tag=b"a")).protocol == b"RTP/AVP"


def test_the_key_of_our_answer_stands_first_in_our_later_offer(call: Call, ports: Pairs) -> None:
    """The caller's own key, tag 7, has been answered by one of ours; then the callee holds."""
    keep = Options(transport_protocol=b"RTP/AVP", flags=(b"keep-profile",))
    told(call, ports, offer(sdp(5004, line(THEIRS), protocol="RTP/SAVP"), options=keep))
    answered = keys_in(told(call, ports, answer(sdp(6004), options=keep)))
    for _ in range(2):
        media = told(call, ports, offer(sdp(6004), tag=b"b", to_tag=b"a", options=keep))
        offered = keys_in(media)
        assert offered[:1] == answered
        assert len({one.tag for one in offered}) == len(offered) == len(SUITES)
        reply = sdp(5004, line(Crypto(7, SHA80, THEIRS.master)), protocol="RTP/SAVP")
        told(call, ports, answer(reply, tag=b"b", to_tag=b"a"))
    other = Crypto(2, SHA80, THEIRS.master)  # the caller renumbers: the key stays
    told(call, ports, offer(sdp(5004, line(other), protocol="RTP/SAVP"), options=keep))
    [ours] = keys_in(told(call, ports, answer(sdp(6004), options=keep)))
    assert (ours.tag, ours.master) == (2, answered[0].master)


def test_ice_restart_is_followed_and_the_other_side_unmoved(call: Call, ports: Pairs) -> None:
    plain = Options(ice=b"remove", transport_protocol=b"RTP/AVP")
    seen = []
    for password in ("a" * 22, "a" * 22, "b" * 22):
        lines = (FINGERPRINT, "a=setup:actpass", "a=ice-ufrag:x", f"a=ice-pwd:{password}")
        body = sdp(5004, *lines, protocol="UDP/TLS/RTP/SAVPF")
        to_callee = told(call, ports, offer(body, options=plain))
        assert to_callee.attribute(b"ice-ufrag") is None
        media = told(call, ports, answer(sdp(6004), options=Options(ice=b"force")))
        seen.append(media.attribute(b"ice-pwd"))
        assert media.port == 24000
    assert seen[0] == seen[1] != seen[2]


def test_mid_comes_back_and_what_only_browsers_know_stays_away(call: Call, ports: Pairs) -> None:
    lines = (FINGERPRINT, "a=setup:actpass", *ICE, "a=mid:0", "a=ssrc:1 cname:x", "a=msid:- t",
             "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level", "a=ptime:20")  # fmt: skip
    body = sdp(5004, *lines, protocol="UDP/TLS/RTP/SAVPF")
    plain = Options(ice=b"remove", transport_protocol=b"RTP/AVP")
    to_callee = told(call, ports, offer(body, options=plain))
    names = {one.attribute for one in to_callee.lines}
    assert not names & {b"ssrc", b"msid", b"extmap", b"fingerprint", b"setup", b"ice-pwd"}
    assert b"ptime" in names
    media = told(call, ports, answer(sdp(6004)))
    assert media.attribute(b"mid") == b"0"
