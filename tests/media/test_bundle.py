"""Groups: what browsers put on one port, what phones see of it, and who gets which packets."""

from __future__ import annotations

import pytest

from media.call import Call
from media.dtls import fingerprint_of
from media.forward.rule import ForwardRule
from media.ng import Answer, Offer
from media.rtp import extension
from media.sdp import Session, parse
from media.security import Means
from proxy.relay.profile import SideFacts, options_towards
from tests.harness.media import IDENTITY, Pairs, answer, offer, sdp

PAGE, DESK = SideFacts(4, is_websocket=True, srtp="offered"), SideFacts(4, srtp="offered")
TO_PAGE, TO_DESK = options_towards(PAGE, DESK), options_towards(DESK, PAGE)
WEBRTC = (
    "a=" + fingerprint_of(b"their certificate").serialise().decode(),
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuv",
    "a=rtcp-mux",
)


@pytest.fixture
def call() -> Call:
    return Call(b"c", Means(IDENTITY.fingerprint, lambda count: b"x" * count), wall=5.0)


@pytest.fixture
def ports() -> Pairs:
    return Pairs()


def told(call: Call, ports: Pairs, message: Offer | Answer) -> Session:
    if isinstance(message, Offer):
        return parse(call.offer(message, ports, wall=5.0, now=0.0).sdp)
    return parse(call.answer(message, ports, wall=5.0, now=0.0).sdp)


def groups(session: Session) -> list[bytes]:
    return [line.value for line in session.lines if line.attribute == b"group"]


def page(port: int, mid: str, group: str, setup: str = "actpass") -> bytes:
    lines = (*WEBRTC, f"a=setup:{setup}", f"a=mid:{mid}")
    return sdp(port, *lines, protocol="UDP/TLS/RTP/SAVPF", head=(group,) if group else ())


@pytest.mark.parametrize(
    ("group", "answered"),
    [
        ("a=group:BUNDLE audio", [b"group:BUNDLE audio"]),
        ("a=group:BUNDLE other", []),
        ("a=group:BUNDLE", []),
        ("a=group:", []),
        ("a=group:LS audio", []),
        ("", []),
    ],
)
def test_an_answer_stays_in_the_group_that_was_offered(
    call: Call, ports: Pairs, group: str, answered: list[bytes]
) -> None:
    to_desk = told(call, ports, offer(page(5004, "audio", group), options=TO_DESK))
    assert to_desk.bundled == frozenset()
    to_page = told(call, ports, answer(sdp(6004), options=TO_PAGE))
    assert groups(to_page) == answered
    assert to_page.media[0].attribute(b"mid") == b"audio"


def test_an_offer_to_a_browser_has_a_group_and_a_name_and_the_phone_no_group(
    call: Call, ports: Pairs
) -> None:
    to_page = told(call, ports, offer(sdp(6004), options=TO_PAGE))
    assert groups(to_page) == [b"group:BUNDLE 0"]
    assert to_page.media[0].attribute(b"mid") == b"0"
    reply = page(5004, "0", "a=group:BUNDLE 0", "active")
    assert groups(told(call, ports, answer(reply, options=TO_DESK))) == []


def test_a_later_offer_of_the_phone_keeps_the_name_that_the_browser_gave(
    call: Call, ports: Pairs
) -> None:
    told(call, ports, offer(page(5004, "voice", "a=group:BUNDLE voice"), options=TO_DESK))
    told(call, ports, answer(sdp(6004), options=TO_PAGE))
    to_page = told(call, ports, offer(sdp(6004), tag=b"b", to_tag=b"a", options=TO_PAGE))
    assert groups(to_page) == [b"group:BUNDLE voice"]
    assert to_page.media[0].attribute(b"mid") == b"voice"


def test_a_refused_section_is_in_no_group(call: Call, ports: Pairs) -> None:
    told(call, ports, offer(page(5004, "0", "a=group:BUNDLE 0"), options=TO_DESK))
    assert groups(told(call, ports, answer(sdp(0), options=TO_PAGE))) == []


def test_phones_are_offered_no_group(call: Call, ports: Pairs) -> None:
    to_desk = told(call, ports, offer(sdp(6004), options=TO_DESK))
    assert groups(to_desk) == []
    assert to_desk.media[0].attribute(b"mid") is None


# -- sound and picture on one port

OPUS, VP8 = (111, 126), (96, 97)


def both(
    ports: tuple[int, int],
    *lines: str,
    names: tuple[str, str] = ("0", "1"),
    group: str = "0 1",
    setup: str = "actpass",
    pictures: tuple[int, ...] = VP8,
    extra: str = "",
) -> bytes:
    """What a browser with sound and picture says."""
    keys = (*WEBRTC, f"a=setup:{setup}")
    body = sdp(
        ports[0],
        *keys,
        f"a=mid:{names[0]}",
        f"m=video {ports[1]} UDP/TLS/RTP/SAVPF {' '.join(map(str, pictures))}",
        *keys,
        f"a=mid:{names[1]}",
        *([extra] if extra else []),
        *lines,
        protocol="UDP/TLS/RTP/SAVPF",
        head=(f"a=group:BUNDLE {group}",),
    )
    return body.replace(b"SAVPF 0\r", b"SAVPF 111 126\r")


def phone(audio: int, video: int, pictures: str = "96") -> bytes:
    """What a phone with a camera says."""
    body = sdp(audio, f"m=video {video} RTP/AVP {pictures}")
    return body.replace(b"AVP 0\r", b"AVP 111 126\r")


def rule_of(call: Call, port: int) -> ForwardRule:
    [dialogue] = call.dialogues
    [rule] = [one for one in dialogue.rules() if one.local[1] == port]
    return rule


@pytest.mark.parametrize(
    "body",
    [both((5004, 5004)), both((9, 9)), both((9, 0), extra="a=bundle-only")],
    ids=["one port", "nine", "bundle-only"],
)
def test_a_browser_that_offers_one_port_is_answered_with_one(
    call: Call, ports: Pairs, body: bytes
) -> None:
    to_desk = told(call, ports, offer(body, options=TO_DESK))
    sound, picture = (one.port for one in to_desk.media)
    assert sound != picture
    assert not groups(to_desk)
    assert all(one.attribute(b"bundle-only") is None for one in to_desk.media)
    to_page = told(call, ports, answer(phone(6004, 6006), options=TO_PAGE))
    assert groups(to_page) == [b"group:BUNDLE 0 1"]
    head, rider = to_page.media
    assert head.port == rider.port
    assert head.attribute(b"ice-ufrag") == rider.attribute(b"ice-ufrag") is not None
    rule = rule_of(call, head.port)
    assert rule.out[1] == sound
    [other] = rule.others
    assert (other.out[1], other.destination) == (picture, ("192.0.2.1", 6006))
    assert set(other.payload_types) == set(VP8)
    assert rule_of(call, picture).out[1] == head.port
    assert len(ports.out) == 3  # two for the phone
    [dialogue] = call.dialogues
    assert sorted(pair.port for pair in call.remove(dialogue)) == [24000, 24002, 24004]


def test_an_offer_to_a_browser_lets_it_have_one_port(call: Call, ports: Pairs) -> None:
    to_page = told(call, ports, offer(phone(6004, 6006), options=TO_PAGE))
    assert groups(to_page) == [b"group:BUNDLE 0 1"]
    first, second = (one.port for one in to_page.media)
    assert first != second  # it may also want two
    reply = both((5004, 5004), setup="active")
    to_desk = told(call, ports, answer(reply, options=TO_DESK))
    assert len({one.port for one in to_desk.media}) == 2
    assert not groups(to_desk)
    assert len(rule_of(call, first).others) == 1
    assert second not in {rule.local[1] for rule in call.dialogues[0].rules()}
    again = told(call, ports, offer(phone(6004, 6006), tag=b"a", to_tag=b"b", options=TO_PAGE))
    assert [one.port for one in again.media] == [first, first]
    assert groups(again) == [b"group:BUNDLE 0 1"]


def test_a_browser_may_answer_for_two_ports(call: Call, ports: Pairs) -> None:
    to_page = told(call, ports, offer(phone(6004, 6006), options=TO_PAGE))
    told(call, ports, answer(both((5004, 5006), group="0", setup="active"), options=TO_DESK))
    first, second = (one.port for one in to_page.media)
    assert rule_of(call, first).others == ()
    assert rule_of(call, second).out != rule_of(call, first).out


def test_payload_types_that_clash_are_not_put_on_one_port(call: Call, ports: Pairs) -> None:
    """Unless the sections are named; which this browser does not know."""
    told(call, ports, offer(phone(6004, 6006, "111"), options=TO_PAGE))
    told(call, ports, answer(both((5004, 5004), setup="active", pictures=(111,)), options=TO_DESK))
    assert all(rule.others == () for rule in call.dialogues[0].rules())


# -- two pictures, told apart by their names

MID = extension.MID.decode()
NAMES = f"a=extmap:4 {MID}"


def three(
    port: int, *lines: str, setup: str = "actpass", sources: tuple[int, int] = (1, 2)
) -> bytes:
    """What a browser with sound and two pictures says, `lines` in each section."""
    keys = (*WEBRTC, f"a=setup:{setup}", *lines)
    pictures = [
        (f"m=video {port} UDP/TLS/RTP/SAVPF 96 97", *keys, f"a=mid:{mid}", f"a=ssrc:{ssrc} cname:c")
        for mid, ssrc in zip((1, 2), sources, strict=True)
    ]
    body = sdp(
        port,
        *keys,
        "a=mid:0",
        *(line for one in pictures for line in one),
        protocol="UDP/TLS/RTP/SAVPF",
        head=("a=group:BUNDLE 0 1 2",),
    )
    return body.replace(b"SAVPF 0\r", b"SAVPF 111\r")


def cameras(first: int, second: int) -> bytes:
    """What a phone with two cameras says."""
    body = sdp(6004, f"m=video {first} RTP/AVP 96", f"m=video {second} RTP/AVP 96")
    return body.replace(b"AVP 0\r", b"AVP 111\r")


def test_two_pictures_of_a_browser_share_its_port_and_a_phone_has_one_for_each(
    call: Call, ports: Pairs
) -> None:
    to_desk = told(call, ports, offer(three(9, NAMES), options=TO_DESK))
    assert len({one.port for one in to_desk.media}) == 3
    assert all(not one.extension(extension.MID) for one in to_desk.media)
    to_page = told(call, ports, answer(cameras(6006, 6008), options=TO_PAGE))
    assert groups(to_page) == [b"group:BUNDLE 0 1 2"]
    assert len({one.port for one in to_page.media}) == 1
    assert [one.extension(extension.MID) for one in to_page.media] == [0, 4, 4]
    rule = rule_of(call, to_page.media[0].port)
    found = [(one.mid, one.sources, one.destination) for one in rule.others]
    assert found == [(b"1", (1,), ("192.0.2.1", 6006)), (b"2", (2,), ("192.0.2.1", 6008))]
    assert rule.mid_extension == 4
    for media, name in zip(to_desk.media, (None, (4, b"1"), (4, b"2")), strict=True):
        assert rule_of(call, media.port).names == name


def test_two_pictures_of_a_phone_are_offered_for_one_port(call: Call, ports: Pairs) -> None:
    to_page = told(call, ports, offer(cameras(6006, 6008), options=TO_PAGE))
    assert groups(to_page) == [b"group:BUNDLE 0 1 2"]
    assert [one.extension(extension.MID) for one in to_page.media] == [0, 1, 1]
    reply = three(5004, f"a=extmap:1 {MID}", setup="active")
    to_desk = told(call, ports, answer(reply, options=TO_DESK))
    assert len({one.port for one in to_desk.media}) == 3
    rule = rule_of(call, to_page.media[0].port)
    assert [one.mid for one in rule.others] == [b"1", b"2"]
    assert [rule_of(call, one.port).names for one in to_desk.media[1:]] == [(1, b"1"), (1, b"2")]


def test_a_name_that_has_no_room_in_a_header_extension_is_put_into_none(
    call: Call, ports: Pairs
) -> None:
    """Which a later offer gives to what the browser has named in its own."""
    told(call, ports, offer(three(9, NAMES), options=TO_DESK))
    told(call, ports, answer(cameras(6006, 6008), options=TO_PAGE))
    long = b"a=mid:" + b"x" * (extension.MOST_OCTETS + 1) + b"\r\n"
    again = (cameras(6006, 6008) + long).replace(b"m=video 6008", long + b"m=video 6008")
    to_page = told(call, ports, offer(again, tag=b"b", to_tag=b"a", options=TO_PAGE))
    assert [one.attribute(b"mid") for one in to_page.media] == [b"0", long[6:-2], long[6:-2]]
    rules = [each for rule in call.dialogues[0].rules() for each in (rule, *rule.others)]
    assert {one.names for one in rules} == {None}
    assert {one.mid for one in rules} == {b"0", b""}


def test_between_browsers_names_pass_as_they_are(call: Call, ports: Pairs) -> None:
    to_callee = told(call, ports, offer(three(9, NAMES), options=TO_PAGE))
    assert groups(to_callee) == [b"group:BUNDLE 0 1 2"]
    assert [one.extension(extension.MID) for one in to_callee.media] == [4, 4, 4]
    reply = three(5004, NAMES, setup="active", sources=(3, 4))
    to_caller = told(call, ports, answer(reply, options=TO_PAGE))
    assert groups(to_caller) == [b"group:BUNDLE 0 1 2"]
    rules = call.dialogues[0].rules()
    assert [len(rule.others) for rule in rules] == [2, 2, 2, 2]  # RTP and RTCP of each side
    assert all(one.names is None for rule in rules for one in (rule, *rule.others))


@pytest.mark.parametrize(
    "line",
    ["a=sendrecv", f"a=extmap:15 {MID}", "a=extmap:4 urn:other", "a=extmap:", f"a=extmap:x {MID}"],
)
def test_two_pictures_without_names_do_not_share_a_port(
    call: Call, ports: Pairs, line: str
) -> None:
    told(call, ports, offer(three(9, line), options=TO_DESK))
    to_page = told(call, ports, answer(cameras(6006, 6008), options=TO_PAGE))
    assert groups(to_page) == [b"group:BUNDLE 0 1"]
    assert len({one.port for one in to_page.media}) == 2


def test_a_phone_that_refuses_the_picture(call: Call, ports: Pairs) -> None:
    told(call, ports, offer(both((9, 9)), options=TO_DESK))
    to_page = told(call, ports, answer(phone(6004, 0), options=TO_PAGE))
    assert groups(to_page) == [b"group:BUNDLE 0"]
    assert to_page.media[1].port == 0
    assert all(rule.accepts is None for rule in rule_of(call, to_page.media[0].port).others)


def test_a_browser_that_takes_its_picture_out_of_the_group(call: Call, ports: Pairs) -> None:
    told(call, ports, offer(both((9, 9)), options=TO_DESK))
    told(call, ports, answer(phone(6004, 6006), options=TO_PAGE))
    told(call, ports, offer(both((5004, 5006), group="0"), to_tag=b"b", options=TO_DESK))
    to_page = told(call, ports, answer(phone(6004, 6006), options=TO_PAGE))
    assert len({one.port for one in to_page.media}) == 2
    assert groups(to_page) == [b"group:BUNDLE 0"]
    assert all(rule.others == () for rule in call.dialogues[0].rules())


def test_a_phone_that_bundles_without_dtls_has_two_ports(call: Call, ports: Pairs) -> None:
    body = sdp(5004, "a=mid:0", "a=rtcp-mux", "m=video 5004 RTP/AVP 96", "a=mid:1", "a=rtcp-mux",
               head=("a=group:BUNDLE 0 1",))  # fmt: skip
    told(call, ports, offer(body, options=TO_PAGE))
    assert all(rule.others == () for rule in call.dialogues[0].rules())
    assert len(ports.out) == 4


def test_a_phone_that_refuses_the_sound_and_takes_the_picture(call: Call, ports: Pairs) -> None:
    told(call, ports, offer(both((9, 9)), options=TO_DESK))
    to_page = told(call, ports, answer(phone(0, 6006), options=TO_PAGE))
    assert groups(to_page) == [b"group:BUNDLE 1"]
    sound, picture = to_page.media
    assert sound.port == 0
    assert picture.attribute(b"ice-ufrag") is not None
    rule = rule_of(call, picture.port)
    assert rule.others == ()
    assert rule.destination == ("192.0.2.1", 6006)
    assert rule.ufrag == picture.attribute(b"ice-ufrag")
    [dialogue] = call.dialogues
    assert sorted(pair.port for pair in call.remove(dialogue)) == [24000, 24002, 24004]
