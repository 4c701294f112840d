"""Offers and answers of one call: ports, mux, profiles, hold, forks, both directions."""

from __future__ import annotations

import pytest

from media.call import Call, Outcome
from media.ng import Answer, CodecChoice, Delete, Offer, Options
from media.sdp import Connection, Media, ParseError, parse
from media.security import Means
from media.stream import Refused
from tests.harness.media import IDENTITY, IP4, IP6, Pairs, answer, offer, sdp


@pytest.fixture
def ports() -> Pairs:
    return Pairs()


@pytest.fixture
def call() -> Call:
    return Call(b"c", Means(IDENTITY.fingerprint, bytes), wall=5.0)


def tell(call: Call, ports: Pairs, message: Offer | Answer) -> Outcome:
    if isinstance(message, Offer):
        return call.offer(message, ports, wall=6.0, now=1.0)
    return call.answer(message, ports, wall=6.0, now=1.0)


def told(call: Call, ports: Pairs, message: Offer | Answer) -> Media:
    """The first media section that the other side sees."""
    return parse(tell(call, ports, message).sdp).media[0]


def test_offer_and_answer(call: Call, ports: Pairs) -> None:
    assert told(call, ports, offer(sdp(5004))).port == 24002  # the caller's own pair comes first
    assert told(call, ports, answer(sdp(6004, host="192.0.2.2"))).port == 24000
    [dialogue] = call.dialogues
    assert dialogue.tags == (b"a", b"b")
    by_local = {rule.local[1]: rule for rule in dialogue.rules()}
    assert sorted(by_local) == [24000, 24001, 24002, 24003]
    to_callee, to_caller = by_local[24000], by_local[24002]
    assert (to_callee.out[1], to_callee.destination) == (24002, ("192.0.2.2", 6004))
    assert (to_caller.out[1], to_caller.destination) == (24000, ("192.0.2.1", 5004))
    assert by_local[24001].destination == ("192.0.2.2", 6005)
    assert by_local[24003].destination == ("192.0.2.1", 5005)
    assert (to_callee.rtcp_out[1], to_callee.rtcp_destination) == (24003, ("192.0.2.2", 6005))


def test_no_rtcp_goes_beyond_the_last_port(call: Call, ports: Pairs) -> None:
    told(call, ports, offer(sdp(65535)))
    told(call, ports, answer(sdp(6004, host="192.0.2.2")))
    by_local = {rule.local[1]: rule for rule in call.dialogues[0].rules()}
    assert by_local[24002].destination == ("192.0.2.1", 65535)
    assert by_local[24003].destination is None
    assert by_local[24002].rtcp_destination is None
    told(call, ports, offer(sdp(65535, "a=rtcp:5005")))  # it may lie elsewhere (RFC 3605)
    by_local = {rule.local[1]: rule for rule in call.dialogues[0].rules()}
    assert by_local[24003].destination == ("192.0.2.1", 5005)


def test_early_media_flows_before_the_answer(call: Call, ports: Pairs) -> None:
    outcome = tell(call, ports, offer(sdp(5004)))
    by_local = {rule.local[1]: rule for rule in outcome.dialogue.rules()}
    assert by_local[24002].destination == ("192.0.2.1", 5004)
    assert by_local[24000].destination is None


def test_codecs_are_chosen_and_the_choice_is_kept(call: Call, ports: Pairs) -> None:
    body = sdp(5004).replace(b"RTP/AVP 0", b"RTP/AVP 0 8 9")
    choice = CodecChoice(strip=(b"all",), offer=(b"g722", b"pcma"))
    keep = Options(flags=(b"keep-profile",))
    assert told(call, ports, offer(body, options=Options(codec=choice))).formats == (b"9", b"8")
    told(call, ports, answer(sdp(6004).replace(b"RTP/AVP 0", b"RTP/AVP 8")))
    again = offer(body, tag=b"b", to_tag=b"a", options=keep)
    assert told(call, ports, again).formats == (b"9", b"8")
    without = offer(body, tag=b"b", to_tag=b"a")
    assert told(call, ports, without).formats == (b"0", b"8", b"9")


def test_no_codec_that_is_allowed(call: Call, ports: Pairs) -> None:
    options = Options(codec=CodecChoice(strip=(b"all",), offer=(b"opus",)))
    with pytest.raises(Refused, match="No codec of the offer is allowed"):
        told(call, ports, offer(sdp(5004), options=options))
    assert not call.dialogues
    assert not ports.out


def test_everything_again_changes_nothing(call: Call, ports: Pairs) -> None:
    """183 and 200 with one SDP, a retransmission, a session refresh by either side."""
    first = [tell(call, ports, offer(sdp(5004))).sdp, tell(call, ports, answer(sdp(6004))).sdp]
    for _ in range(2):
        assert tell(call, ports, offer(sdp(5004), to_tag=b"b")).sdp == first[0]
        assert tell(call, ports, answer(sdp(6004))).sdp == first[1]
    back = offer(sdp(6004), tag=b"b", to_tag=b"a")
    assert told(call, ports, back).port == 24000
    assert told(call, ports, answer(sdp(5004), tag=b"b", to_tag=b"a")).port == 24002
    assert len(call.dialogues) == 1
    assert len(ports.out) == 2


def test_late_offer(call: Call, ports: Pairs) -> None:
    """The callee offers in its 200, the caller answers in its ACK."""
    assert told(call, ports, offer(sdp(6004), tag=b"b", to_tag=b"a")).port == 24002
    assert told(call, ports, answer(sdp(5004), tag=b"b", to_tag=b"a")).port == 24000
    assert call.dialogues[0].tags == (b"b", b"a")


def test_forks_have_ports_of_their_own(call: Call, ports: Pairs) -> None:
    for branch in (b"1", b"2"):
        told(call, ports, offer(sdp(5004), branch=branch))
    assert told(call, ports, answer(sdp(6004), to_tag=b"x", branch=b"1")).port == 24000
    assert told(call, ports, answer(sdp(6008), to_tag=b"y", branch=b"2")).port == 24004
    assert [one.tags for one in call.dialogues] == [(b"a", b"x"), (b"a", b"y")]
    again = offer(sdp(5004), to_tag=b"x", branch=b"other")
    assert told(call, ports, again).port == 24002


def test_branch_that_forked_on_answers_with_several_tags(call: Call, ports: Pairs) -> None:
    tell(call, ports, offer(sdp(5004), branch=b"1"))
    for tag in (b"x", b"y", b"x"):
        outcome = tell(call, ports, answer(sdp(6004), to_tag=tag, branch=b"1"))
        assert outcome.dialogue.callee.tag == tag
    assert len(call.dialogues) == 1


def test_forks_of_a_proxy_that_names_no_branch(call: Call, ports: Pairs) -> None:
    for _ in range(2):
        tell(call, ports, offer(sdp(5004)))
    for tag in (b"x", b"y"):
        tell(call, ports, answer(sdp(6004), to_tag=tag))
    assert [one.tags for one in call.dialogues] == [(b"a", b"y")]


def test_answer_by_an_unknown_branch_goes_to_the_open_one(call: Call, ports: Pairs) -> None:
    tell(call, ports, offer(sdp(5004), branch=b"1"))
    assert tell(call, ports, answer(sdp(6004), branch=b"?")).dialogue.callee.tag == b"b"


def test_update_before_any_answer_finds_its_branch(call: Call, ports: Pairs) -> None:
    for branch in (b"1", b"2"):
        tell(call, ports, offer(sdp(5004), branch=branch))
    outcome = tell(call, ports, offer(sdp(5004), to_tag=b"x", branch=b"1"))
    assert (outcome.dialogue.via_branch, outcome.dialogue.tags) == (b"1", (b"a", b"x"))
    outcome = tell(call, ports, offer(sdp(6004), tag=b"y", to_tag=b"a"))
    assert (outcome.dialogue.via_branch, outcome.dialogue.tags) == (b"2", (b"a", b"y"))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (answer(sdp(), tag=b"?"), "Unknown from-tag"),
        (answer(sdp(), to_tag=b"?", branch=b"?"), "Unknown to-tag"),
    ],
)
def test_answer_to_nothing(call: Call, ports: Pairs, message: Answer, reason: str) -> None:
    tell(call, ports, offer(sdp(5004), branch=b"1"))
    tell(call, ports, answer(sdp(6004), branch=b"1"))
    with pytest.raises(Refused, match=reason):
        tell(call, ports, message)


def test_bodies_that_are_none_change_nothing(call: Call, ports: Pairs) -> None:
    with pytest.raises(ParseError):
        tell(call, ports, offer(b"hello"))
    assert not call.dialogues
    tell(call, ports, offer(sdp(5004)))
    with pytest.raises(ParseError):
        tell(call, ports, answer(b"hello"))
    assert call.dialogues[0].is_open


# -- ports and families


def test_no_ports_left_gives_back_what_was_drawn(call: Call) -> None:
    ports = Pairs(limit=3)
    tell(call, ports, offer(sdp(5004)))
    two = sdp(5004, "m=video 5006 RTP/AVP 31")
    with pytest.raises(Refused, match="Ran out of ports"):
        tell(call, ports, offer(two))
    assert ports.back == ports.out[2:]
    assert told(call, ports, offer(sdp(5004))).port == 24002
    assert call.dialogues[0].caller.streams[1].pair is None


def test_bridges_to_the_family_that_is_asked_for(call: Call, ports: Pairs) -> None:
    options = Options(address_family=IP6, replace=(b"origin",))
    session = parse(tell(call, ports, offer(sdp(5004), options=options)).sdp)
    assert session.connection == session.origin.connection == Connection(IP6, b"2001:db8::9")
    session = parse(tell(call, ports, answer(sdp(6004, host="2001:db8::2"))).sdp)
    assert session.connection == Connection(IP4, b"203.0.113.9")
    # A re-INVITE from the other side finds both families by itself.
    back = offer(sdp(6004, host="2001:db8::2"), tag=b"b", to_tag=b"a")
    assert parse(tell(call, ports, back).sdp).connection == Connection(IP4, b"203.0.113.9")
    assert len(ports.out) == 2


def test_side_that_changes_its_family_gets_another_pair(call: Call, ports: Pairs) -> None:
    tell(call, ports, offer(sdp(5004)))
    tell(call, ports, answer(sdp(6004)))
    outcome = tell(call, ports, offer(sdp(5004, host="2001:db8::1"), to_tag=b"b"))
    assert outcome.released == (ports.out[0],)
    assert outcome.dialogue.caller.streams[0].rtp.local == ("2001:db8::9", 24004)
    assert outcome.dialogue.callee.streams[0].rtp.local == ("203.0.113.9", 24002)


def test_interfaces_by_name_are_kept(call: Call, ports: Pairs) -> None:
    """The caller is inside, the callee at the first interface; a later offer says nothing."""
    options = Options(direction=(b"inside", b"unknown"))
    tell(call, ports, offer(sdp(5004), options=options))
    told_caller = parse(tell(call, ports, answer(sdp(6004))).sdp)
    assert [pair.interface for pair in ports.out] == [b"inside", b""]
    assert told_caller.connection == Connection(IP4, b"10.0.0.9")
    again = parse(tell(call, ports, offer(sdp(6004), tag=b"b", to_tag=b"a")).sdp)
    assert again.connection == Connection(IP4, b"10.0.0.9")
    assert len(ports.out) == 2
    moved = Options(direction=(b"inside", b"inside"))
    told(call, ports, offer(sdp(5004), to_tag=b"b", options=moved))
    assert [pair.interface for pair in ports.out] == [b"inside", b"", b"inside"]


def test_family_that_is_not_served(call: Call) -> None:
    ports = Pairs(families=(IP4,))
    with pytest.raises(Refused, match="No such address"):
        tell(call, ports, offer(sdp(host="2001:db8::1")))
    with pytest.raises(Refused, match="No such address"):
        tell(call, ports, offer(sdp(), options=Options(address_family=IP6)))
    assert ports.back == ports.out
    # Hold by zero address says nothing about families.
    assert told(call, ports, offer(sdp(host="::"))).port == 24000 + 2 * len(ports.back) + 2


def test_media_address_that_the_proxy_insists_on(call: Call, ports: Pairs) -> None:
    for forced, shown in (
        (b"198.51.100.1", Connection(IP4, b"198.51.100.1")),
        (b"2001:db8::7", Connection(IP6, b"2001:db8::7")),
        (b"198.51.100.1\r\na=x", Connection(IP4, b"203.0.113.9")),  # no address: not written
    ):
        options = Options(media_address=forced)
        session = parse(tell(call, ports, offer(sdp(), options=options)).sdp)
        assert session.connection == shown


def test_profile_that_nobody_knows_is_not_written(call: Call, ports: Pairs) -> None:
    options = Options(transport_protocol=b"RTP/AVP 0\r\na=x")
    assert told(call, ports, offer(sdp(), options=options)).protocol == b"RTP/AVP"


# -- sections


def test_section_that_is_refused_and_one_that_is_added(call: Call, ports: Pairs) -> None:
    both = sdp(5004, "m=video 5006 RTP/AVP 31")
    session = parse(tell(call, ports, offer(both)).sdp)
    assert [media.port for media in session.media] == [24004, 24006]
    session = parse(tell(call, ports, answer(sdp(6004, "m=video 0 RTP/AVP 31"))).sdp)
    assert [media.port for media in session.media] == [24000, 0]
    video = [rule for rule in call.dialogues[0].rules() if rule.local[1] in (24002, 24006)]
    assert [(rule.accepts, rule.destination) for rule in video] == [(None, None)] * 2
    # Offered again and accepted now: on the ports it had.
    session = parse(tell(call, ports, offer(both, to_tag=b"b")).sdp)
    assert [media.port for media in session.media] == [24004, 24006]
    tell(call, ports, answer(sdp(6004, "m=video 6006 RTP/AVP 31")))
    rule = next(rule for rule in call.dialogues[0].rules() if rule.local[1] == 24002)
    assert rule.destination == ("192.0.2.1", 6006)


def test_section_that_is_no_longer_there_is_silent(call: Call, ports: Pairs) -> None:
    tell(call, ports, offer(sdp(5004, "m=video 5006 RTP/AVP 31")))
    tell(call, ports, answer(sdp(6004, "m=video 6006 RTP/AVP 31")))
    tell(call, ports, offer(sdp(5004), to_tag=b"b"))
    assert [stream.is_active for stream in call.dialogues[0].callee.streams] == [True, False]


def test_answer_cannot_enable_what_was_not_offered(call: Call, ports: Pairs) -> None:
    tell(call, ports, offer(sdp(5004, "m=video 0 RTP/AVP 31")))
    body = sdp(6004, "m=video 6006 RTP/AVP 31", "m=text 6008 RTP/AVP 98")
    session = parse(tell(call, ports, answer(body)).sdp)
    assert [media.port for media in session.media] == [24000, 6006, 6008]
    assert len(ports.out) == 2


def test_only_what_is_no_datagram(call: Call, ports: Pairs) -> None:
    body = sdp(0).replace(b"m=audio 0 RTP/AVP 0", b"m=message 2855 TCP/MSRP *")
    assert tell(call, ports, offer(body)).sdp == body
    assert not ports.out


def test_fax_has_no_rtcp(call: Call, ports: Pairs) -> None:
    body = sdp(5004, protocol="udptl").replace(b"audio", b"image")
    media = told(call, ports, offer(body))
    assert (media.protocol, media.port, media.rtcp) == (b"udptl", 24002, None)
    assert {rule.is_rtp for rule in call.dialogues[0].rules()} == {False}


# -- profiles


@pytest.mark.parametrize(
    ("offered", "asked", "towards_callee", "answered", "towards_caller"),
    [
        ("RTP/AVP", b"", b"RTP/AVP", "RTP/AVP", b"RTP/AVP"),
        ("RTP/AVPF", b"RTP/AVP", b"RTP/AVP", "RTP/AVP", b"RTP/AVPF"),
        ("RTP/AVP", b"RTP/AVPF", b"RTP/AVPF", "RTP/AVPF", b"RTP/AVP"),
        ("RTP/SAVP", b"", b"RTP/SAVP", "RTP/SAVP", b"RTP/SAVP"),
        ("RTP/SAVP", b"RTP/SAVPF", b"RTP/SAVPF", "RTP/SAVPF", b"RTP/SAVP"),
        ("UDP/TLS/RTP/SAVP", b"", b"UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVP", b"UDP/TLS/RTP/SAVP"),
        ("RTP/AVPF", b"", b"RTP/AVPF", "RTP/AVP", b"RTP/AVPF"),
        ("RTP/SAVP", b"", b"RTP/SAVP", "RTP/AVP", b"RTP/AVP"),  # a fallback that the phone made
    ],
)
def test_profiles(
    call: Call,
    ports: Pairs,
    offered: str,
    asked: bytes,
    towards_callee: bytes,
    answered: str,
    towards_caller: bytes,
) -> None:
    options = Options(transport_protocol=asked)
    assert told(call, ports, offer(sdp(protocol=offered), options=options)).protocol == (
        towards_callee
    )
    assert told(call, ports, answer(sdp(protocol=answered))).protocol == towards_caller


@pytest.mark.parametrize(
    ("offered", "asked"),
    [
        ("RTP/SAVP", b"RTP/AVP"),
        ("RTP/SAVP", b"UDP/TLS/RTP/SAVPF"),
        ("UDP/TLS/RTP/SAVPF", b"RTP/SAVPF"),
    ],
)
def test_encryption_without_keys_is_not_bridged_and_says_so(
    call: Call, ports: Pairs, offered: str, asked: bytes
) -> None:
    with pytest.raises(Refused, match=f"Cannot bridge {offered} to {asked.decode()}"):
        tell(call, ports, offer(sdp(protocol=offered), options=Options(transport_protocol=asked)))
    assert not ports.out


def test_profile_of_the_answer_by_wish(call: Call, ports: Pairs) -> None:
    tell(call, ports, offer(sdp(protocol="RTP/AVPF")))
    for wish, told_as in ((b"accept", b"RTP/AVP"), (b"RTP/AVPF", b"RTP/AVPF")):
        message = answer(sdp(protocol="RTP/AVP"), options=Options(transport_protocol=wish))
        assert told(call, ports, message).protocol == told_as


def test_disabled_section_is_not_bridged_and_so_not_refused(call: Call, ports: Pairs) -> None:
    options = Options(transport_protocol=b"RTP/AVP")
    body = sdp(5004, "m=video 0 UDP/TLS/RTP/SAVPF 31")
    assert len(parse(tell(call, ports, offer(body, options=options)).sdp).media) == 2


# -- rtcp-mux: flags, offered by the caller, offered on, accepted by the callee, answered back

MUX = "a=rtcp-mux"


@pytest.mark.parametrize(
    ("flags", "offered", "offered_on", "accepted", "back"),
    [
        ((), False, False, False, False),
        ((), False, False, True, False),
        ((), True, True, True, True),
        ((), True, True, False, False),
        ((b"demux",), True, False, False, True),
        ((b"demux",), False, False, False, False),
        ((b"accept",), True, True, False, True),
        ((b"accept",), True, True, True, True),
        ((b"reject",), True, True, True, False),
        ((b"offer",), False, True, True, False),
        ((b"offer",), True, True, False, False),
        ((b"offer", b"reject"), True, True, True, False),
        ((b"offer", b"accept"), True, True, False, True),
        ((b"require",), False, True, True, False),
    ],
)
def test_rtcp_mux(
    call: Call,
    ports: Pairs,
    flags: tuple[bytes, ...],
    offered: bool,
    offered_on: bool,
    accepted: bool,
    back: bool,
) -> None:
    body = sdp(5004, *([MUX] if offered else []))
    media = told(call, ports, offer(body, options=Options(rtcp_mux=flags)))
    assert media.offers_mux is offered_on
    media = told(call, ports, answer(sdp(6004, *([MUX] if accepted else []))))
    assert media.offers_mux is back
    [dialogue] = call.dialogues
    caller, callee = dialogue.caller.streams[0], dialogue.callee.streams[0]
    assert (caller.mux, callee.mux) == (back, offered_on and accepted)
    by_local = {rule.local[1]: rule for rule in dialogue.rules()}
    # RTCP of the caller, wherever it comes in, goes to where the callee wants it.
    way = (24002, ("192.0.2.1", 6004)) if callee.mux else (24003, ("192.0.2.1", 6005))
    for port in (24000, 24001):
        rule = by_local[port]
        assert (rule.rtcp_out[1], rule.rtcp_destination) == way
    assert (by_local[24001].out[1], by_local[24001].destination) == way


def test_mux_that_is_required_advertises_one_port(call: Call, ports: Pairs) -> None:
    body = sdp(5004, "a=rtcp:5005")
    media = told(call, ports, offer(body, options=Options(rtcp_mux=(b"require",))))
    assert media.rtcp == (media.port, None)


def test_mux_refused_in_the_answer_by_wish(call: Call, ports: Pairs) -> None:
    tell(call, ports, offer(sdp(5004, MUX)))
    message = answer(sdp(6004, MUX), options=Options(rtcp_mux=(b"reject",)))
    assert not told(call, ports, message).offers_mux


# -- where to send


@pytest.mark.parametrize(
    ("body", "options", "rtp", "rtcp"),
    [
        (sdp(5004), Options(), ("192.0.2.1", 5004), ("192.0.2.1", 5005)),
        (sdp(5004, "a=rtcp:9"), Options(), ("192.0.2.1", 5004), ("192.0.2.1", 9)),
        (sdp(5004, "a=rtcp:0"), Options(), ("192.0.2.1", 5004), ("192.0.2.1", 5005)),
        (
            sdp(5004, "a=rtcp:9 IN IP4 192.0.2.8"),
            Options(),
            ("192.0.2.1", 5004),
            ("192.0.2.8", 9),
        ),
        (
            sdp(5004, "a=rtcp:9 IN IP4 192.0.2.8"),
            Options(flags=(b"SIP-source-address",), received_from=b"198.51.100.5"),
            ("198.51.100.5", 5004),
            ("198.51.100.5", 9),
        ),
        (
            sdp(5004),
            Options(flags=(b"SIP-source-address",)),
            ("192.0.2.1", 5004),
            ("192.0.2.1", 5005),
        ),
        (
            sdp(5004),
            Options(flags=(b"trust-address",), received_from=b"198.51.100.5"),
            ("192.0.2.1", 5004),
            ("192.0.2.1", 5005),
        ),
        (sdp(host="phone.example"), Options(), None, None),
        (sdp(host="0.0.0.0"), Options(), None, None),
        (sdp(host="127.0.0.1"), Options(), None, None),  # no way to this machine's own services
    ],
)
def test_where_to_send(
    call: Call,
    ports: Pairs,
    body: bytes,
    options: Options,
    rtp: tuple[str, int] | None,
    rtcp: tuple[str, int] | None,
) -> None:
    dialogue = tell(call, ports, offer(body, options=options)).dialogue
    [stream] = dialogue.caller.streams
    assert (stream.rtp.destination, stream.rtcp.destination) == (rtp, rtcp)


def test_zero_address_of_a_source_that_is_known_is_still_hold(call: Call, ports: Pairs) -> None:
    options = Options(flags=(b"SIP-source-address",), received_from=b"198.51.100.5")
    dialogue = tell(call, ports, offer(sdp(host="0.0.0.0"), options=options)).dialogue
    assert dialogue.caller.streams[0].rtp.destination is None


def test_flags_of_learning(call: Call, ports: Pairs) -> None:
    options = Options(flags=(b"asymmetric", b"media-handover", b"strict-source"), label=b"desk")
    dialogue = tell(call, ports, offer(sdp(), options=options)).dialogue
    end = dialogue.caller.streams[0].rtp
    assert (end.asymmetric, end.handover, end.strict) == (True, True, True)
    assert dialogue.caller.label == b"desk"


def test_hold_and_resume(call: Call, ports: Pairs) -> None:
    tell(call, ports, offer(sdp(5004)))
    tell(call, ports, answer(sdp(6004)))
    [dialogue] = call.dialogues
    assert not dialogue.is_held
    for held in (sdp(5004, "a=sendonly"), sdp(5004, "a=inactive"), sdp(5004, host="0.0.0.0")):
        tell(call, ports, offer(held, to_tag=b"b"))
        assert dialogue.is_held
        tell(call, ports, offer(sdp(5004), to_tag=b"b"))
        assert not dialogue.is_held


@pytest.mark.parametrize(
    ("wish", "offered", "is_told"),
    [
        (b"remove", True, False),
        (b"", True, True),
        (b"", False, False),
        (b"force", True, True),
        (b"force", False, True),
    ],
)
def test_who_is_offered_ice(
    call: Call, ports: Pairs, wish: bytes, offered: bool, is_told: bool
) -> None:
    theirs = "a=candidate:1 1 UDP 1 192.0.2.1 5004 typ host"
    body = sdp(5004, *(("a=ice-ufrag:x", "a=ice-pwd:y", theirs) if offered else ()))
    media = told(call, ports, offer(body, options=Options(ice=wish)))
    assert (media.attribute(b"ice-ufrag") is not None) is is_told
    assert media.attribute(b"candidate") == (
        b"1 1 UDP 2130706431 203.0.113.9 24002 typ host" if is_told else None
    )


# -- deletes


@pytest.mark.parametrize(
    ("delete", "meant"),
    [
        (Delete(b"c"), [b"1", b"2", b"3"]),
        (Delete(b"c", b"a"), [b"1", b"2", b"3"]),
        (Delete(b"c", b"x"), [b"1"]),
        (Delete(b"c", b"a", b"y"), [b"2"]),
        (Delete(b"c", b"y", b"a"), [b"2"]),
        (Delete(b"c", b"a", b"w"), [b"3"]),
        (Delete(b"c", b"a", via_branch=b"3"), [b"3"]),
        (Delete(b"c", b"a", b"x", via_branch=b"2"), []),
        (Delete(b"c", b"a", b"w", via_branch=b"3"), [b"3"]),
        (Delete(b"c", b"w"), []),
        (Delete(b"c", b"a", b"x", via_branch=b"bye"), [b"1"]),
        (Delete(b"c", b"y", via_branch=b"bye"), [b"2"]),
        (Delete(b"c", b"a", via_branch=b"bye"), [b"1", b"2"]),
        (Delete(b"c", b"a", b"w", via_branch=b"bye"), []),
    ],
)
def test_what_a_delete_means(call: Call, ports: Pairs, delete: Delete, meant: list[bytes]) -> None:
    """Branches 1 and 2 have answered as x and y; 3 rings, and may have said any tag."""
    for branch in (b"1", b"2", b"3"):
        tell(call, ports, offer(sdp(5004), branch=branch))
    tell(call, ports, answer(sdp(6004), to_tag=b"x", branch=b"1"))
    tell(call, ports, answer(sdp(6004), to_tag=b"y", branch=b"2"))
    assert [one.via_branch for one in call.meant_by(delete)] == meant


def test_removed_dialogue_gives_its_pairs_back(call: Call, ports: Pairs) -> None:
    for branch in (b"1", b"2"):
        tell(call, ports, offer(sdp(5004), branch=branch))
    assert call.remove(call.dialogues[0]) == ports.out[:2]
    assert [one.via_branch for one in call.dialogues] == [b"2"]
