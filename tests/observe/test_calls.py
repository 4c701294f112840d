"""What becomes of a call in the records, whatever its end."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from media.ng import Answer, Query
from proxy.directory.model import Translation
from proxy.observe.sweep import MediaSweep
from proxy.sip.uri import parse_uri
from tests.harness.builders import Dialog, cancel_of
from tests.routing.world import EXAMPLE, SDP, UserAgent, World, via_relay

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
ALWAYS = replace(EXAMPLE, media_policy="always")


async def answered() -> tuple[World, UserAgent, UserAgent, Dialog]:
    """A call that goes on."""
    world = World(ALWAYS)
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    invite = alice.invites(b"sip:bob@example.com", body=SDP)
    bob.answers(bob.take_request(b"INVITE"), 200, body=SDP)
    ok = alice.take_response(200)
    return world, alice, bob, Dialog(invite, ok, is_caller=True)


async def test_a_call_from_begin_to_end() -> None:
    world, alice, bob, dialog = await answered()
    assert len(world.node.calls) == 1
    world.clock.advance(20)
    alice.send(dialog.request(b"BYE", via=alice.via))
    bob.take_request(b"BYE")
    await world.settled()
    (record,) = world.records
    assert record.call_id == dialog.call_id
    assert (record.tenant_id, record.domain_id) == (1, 1)
    assert (record.caller, record.callee) == (b"sip:" + ALICE, b"sip:" + BOB)
    assert record.request_uri == b"sip:bob@example.com"
    assert record.answered_at is not None
    assert record.ended_at - record.answered_at == pytest.approx(20)
    assert (record.status, record.reason, record.ended_by) == (200, b"BYE", "caller")
    assert record.relay_id == b"r1"
    assert not len(world.node.calls)


def test_what_was_dialled_and_what_a_rule_made_of_it() -> None:
    world = World()
    world.add_rules(
        EXAMPLE, Translation(7, 1, b"example.com", match_regex="^1000$", tran_user=b"x")
    )
    alice = world.phone(ALICE, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:1000@example.com"))
    alice.take_response(404)
    (record,) = world.records
    assert (record.request_uri, record.target) == (b"sip:1000@example.com", b"sip:x@example.com")
    assert record.rule_id == 7


async def test_a_retransmitted_bye_ends_it_once() -> None:
    world, alice, bob, dialog = await answered()
    for _ in range(2):
        alice.send(dialog.request(b"BYE", via=alice.via))
    assert len(bob.inbox) == 2
    await world.settled()
    assert len(world.records) == 1


async def test_lines_about_calls_name_the_call_and_the_tenant(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "proxy.observe.calls")
    world, alice, _, dialog = await answered()
    alice.send(dialog.request(b"BYE", via=alice.via))
    await world.settled()
    begun, ended = (
        record.getMessage().split()
        for record in caplog.records
        if record.name == "proxy.observe.calls"
    )
    for line in (begun, ended):
        assert f"call_id={dialog.call_id.decode()}" in line
        assert "tenant=acme" in line
    assert ended[:2] == ["call", "ended"]
    assert {"status=200", "reason='BYE'", "by=caller"} <= set(ended)


@pytest.mark.parametrize(
    ("callee", "status"), [(b"bob@example.com", 480), (b"nobody@example.com", 404)]
)
def test_a_call_that_we_refuse_is_recorded_for_its_tenant(callee: bytes, status: int) -> None:
    world = World()
    alice = world.phone(ALICE, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:" + callee))
    alice.take_response(status)
    assert [(one.status, one.ended_by) for one in world.records] == [(status, "proxy")]


def test_challenges_and_strangers_business_are_not() -> None:
    world = World()
    alice = world.phone(ALICE, "192.0.2.10")
    alice.sends(b"INVITE", b"sip:bob@example.com")
    alice.take_response(407)
    stranger = world.phone(b"x@elsewhere.org", "203.0.113.5")
    stranger.sends(b"INVITE", b"sip:y@elsewhere.org")
    stranger.take_response(403)
    assert not world.records
    assert not len(world.node.calls)


def test_a_call_whose_host_cannot_be_found_does_not_stay_open() -> None:
    world = World()
    alice = world.phone(ALICE, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:x@nowhere.example"))
    alice.take_response(404)
    assert not len(world.node.calls)
    assert [one.status for one in world.records] == [404]


async def test_a_cancelled_call_was_ended_by_its_caller() -> None:
    world = World()
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    invite = alice.invites(b"sip:bob@example.com")
    came = bob.take_request(b"INVITE")
    bob.answers(came, 180)
    alice.send(cancel_of(invite))
    bob.answers(came, 487)
    await world.settled()
    assert [(one.status, one.ended_by) for one in world.records] == [(487, "caller")]


async def test_a_call_that_the_far_side_refuses_and_one_that_nobody_answers() -> None:
    world = World()
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    alice.invites(b"sip:bob@example.com")
    came = bob.take_request(b"INVITE")
    bob.answers(came, 180)
    bob.answers(came, 603)
    alice.take_response(180)
    alice.take_response(603)
    alice.invites(b"sip:bob@example.com")
    bob.take_request(b"ACK")
    bob.take_request(b"INVITE")
    world.clock.advance(40)
    await world.settled()
    refused, silent = world.records
    assert (refused.status, refused.ended_by) == (603, "callee")
    assert refused.ringing_at is not None
    assert (silent.status, silent.ended_by, silent.ringing_at) == (408, "proxy", None)
    assert (refused.caller_address, refused.hop) == ("udp 192.0.2.10:5060", "udp 192.0.2.20:5060")


async def test_the_relays_last_words_are_in_the_record() -> None:
    world, alice, _, dialog = await answered()
    stats = {b"packets": 500, b"bytes": 80000, b"expected": 510, b"lost": 10, b"jitter us": 2500}
    stream = {b"flags": [b"RTP", b"filled"], b"stats": stats, b"SSRC": 77}
    media = {b"type": b"audio", b"codec": b"opus/48000/2", b"streams": [stream]}
    world.relays[0].report = {
        b"tags": {dialog.local_tag: {b"medias": [media]}},
        b"SSRC": {
            b"77": {
                b"average MOS": {b"MOS": 41, b"round-trip time": 12_500},
                b"MOS progression": {
                    b"interval": 5,
                    b"entries": [
                        {b"timestamp": 1_700_000_005, b"MOS": 43, b"packet loss": 1, b"jitter": 2},
                        {b"timestamp": 1_700_000_010, b"MOS": 39},
                        b"rubbish",
                    ],
                },
            }
        },
        b"verdict": [b"no_media_callee", b"loss_caller", b"no_media_callee"],
        b"verdict text": [
            b"bob's phone never sent RTP",
            b"bob's phone never sent RTP",
            b"\0" * 500,
        ],
    }
    alice.send(dialog.request(b"BYE", via=alice.via))
    await world.settled()
    (record,) = world.records
    assert record.media == [
        {
            "sender": "caller", "kind": "audio", "codec": "opus", "packets": 500, "octets": 80000,
            "expected": 510, "lost": 10, "jitter_ms": 2.5,
            "round_trip_ms": 12.5, "mos": 4.1,
            "series": [[1_700_000_005, 4.3, 1, 2], [1_700_000_010, 3.9, 0, 0]],
        }
    ]  # fmt: skip
    assert record.verdict == ["no_media_callee", "loss_caller"]
    assert record.verdict_text == ["bob's phone never sent RTP", ""]


async def test_a_relay_that_says_nothing_holds_no_record_up() -> None:
    world, alice, _, dialog = await answered()
    world.relays[0].is_silent = True
    alice.send(dialog.request(b"BYE", via=alice.via))
    await world.settled()
    world.node.calls.give_up_reports()
    assert not world.records
    world.clock.advance(4)
    world.node.calls.give_up_reports()
    assert [(one.reason, one.media) for one in world.records] == [(b"BYE", [])]


async def test_a_bye_for_a_call_of_another_node() -> None:
    _, _, _, dialog = await answered()
    other = World(ALWAYS)
    stranger = other.phone(ALICE, "192.0.2.10")
    other.registered(BOB, "192.0.2.20")
    stranger.send(dialog.request(b"BYE", via=stranger.via))
    await other.settled()
    assert other.elsewhere == [(dialog.call_id.decode(), "caller")]


async def test_a_node_that_comes_back_goes_on_with_what_was_answered() -> None:
    world, _, bob, dialog = await answered()
    ringing = world.phone(b"carol@example.com", "192.0.2.11").invites(b"sip:bob@example.com")
    bob.answers(bob.take_request(b"INVITE"), 180)
    before = list(world.node.calls._calls.values())
    again = World(ALWAYS)
    again.node.calls.adopt(before)
    assert [(one.call_id, one.status, one.reason) for one in again.records] == [
        (ringing.call_id, 503, b"Proxy restarted")
    ]
    phone = again.phone(ALICE, "192.0.2.10")
    phone.send(dialog.request(b"BYE", via=phone.via))
    await again.settled()
    assert [one.reason for one in again.records[1:]] == [b"BYE"]


async def test_after_a_day_nobody_believes_in_a_call() -> None:
    world, _, _, _ = await answered()
    world.clock.advance(86_401)
    assert world.node.calls.due(most=10) == []
    assert [(one.status, one.reason) for one in world.records] == [(200, b"Lost sight of")]


async def test_a_call_that_comes_back_to_us_is_one_call() -> None:
    """A spiral: what the far side forwards comes here again under the same Call-ID."""
    world = World()
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    carol = world.registered(b"carol@example.com", "192.0.2.30")
    far = world.phone(b"far@elsewhere.org", "192.0.2.40")
    alice.invites(b"sip:bob@example.com")
    came = bob.take_request(b"INVITE")
    far.sends(b"INVITE", b"sip:carol@example.com", call_id=came.call_id, from_tag=came.from_tag)
    far.take_response(100)
    carol.answers(carol.take_request(b"INVITE"), 486)
    far.take_response(486)
    assert len(world.node.calls) == 1
    bob.answers(came, 603)
    assert [(one.status, one.callee) for one in world.records] == [(603, b"sip:bob@example.com")]


@pytest.mark.parametrize("ends_first", [0, 1])
@pytest.mark.parametrize("is_same_tag", [False, True])
async def test_a_call_under_the_call_id_of_another_is_counted_and_recorded(
    ends_first: int, is_same_tag: bool
) -> None:
    """Who signs an INVITE makes a call on his account, also under a Call-ID that he has used."""
    world = World(ALWAYS)
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    carol = world.registered(b"carol@example.com", "192.0.2.30")
    first = alice.invites(b"sip:bob@example.com", body=SDP)
    names = {"call_id": first.call_id, **({"from_tag": first.from_tag} if is_same_tag else {})}
    bob.answers(bob.take_request(b"INVITE"), 200, body=SDP)
    dialogs = [Dialog(first, alice.take_response(200), is_caller=True)]
    second = alice.invites(b"sip:carol@example.com", body=SDP, **names)
    assert (len(world.node.calls), world.node.calls.of_user(ALICE)) == (2, 2)
    carol.answers(carol.take_request(b"INVITE"), 200, body=SDP)
    dialogs.append(Dialog(second, alice.take_response(200), is_caller=True))
    callees = [b"sip:bob@example.com", b"sip:carol@example.com"]
    for number in (ends_first, 1 - ends_first):
        alice.send(dialogs[number].request(b"BYE", via=alice.via))
        await world.settled()
        assert world.records[-1].callee == callees[number]
    assert [one.answered_at is not None for one in world.records] == [True, True]
    assert (len(world.node.calls), world.node.calls.of_user(ALICE)) == (0, 0)


class Namesakes:
    """Two calls of alice under one Call-ID, to bob and to carol, both answered."""

    def __init__(self) -> None:
        self.world = world = World(ALWAYS)
        self.alice = world.phone(ALICE, "192.0.2.10")
        self.dialogs: list[Dialog] = []
        names: dict[str, bytes] = {}
        for user, host in ((b"bob", "192.0.2.20"), (b"carol", "192.0.2.30")):
            callee = world.registered(user + b"@example.com", host)
            how = {"body": SDP, **names}
            invite = self.alice.invites(b"sip:%b@example.com" % user, **how)
            names = {"call_id": invite.call_id}
            callee.answers(callee.take_request(b"INVITE"), 200, body=SDP)
            self.dialogs.append(Dialog(invite, self.alice.take_response(200), is_caller=True))

    def says_bye(self, number: int) -> None:
        self.alice.send(self.dialogs[number].request(b"BYE", via=self.alice.via))


async def test_another_bye_of_a_call_that_is_over_does_not_end_its_namesake() -> None:
    both = Namesakes()
    for _ in range(2):
        both.says_bye(1)
        await both.world.settled()
    assert [one.callee for one in both.world.records] == [b"sip:carol@example.com"]
    assert both.world.call().callee == b"sip:bob@example.com"
    assert both.world.elsewhere == []


async def test_each_of_two_namesakes_has_its_own_last_words() -> None:
    both = Namesakes()
    for number in (0, 1):
        both.says_bye(number)  # the relay has answered neither yet
    assert both.world.records == []
    both.world.relays[0].report = {b"verdict": [b"no_media_callee"]}
    await both.world.settled()
    assert [(one.callee, one.verdict) for one in both.world.records] == [
        (b"sip:bob@example.com", ["no_media_callee"]),
        (b"sip:carol@example.com", ["no_media_callee"]),
    ]


@pytest.mark.parametrize("gone", [0, 1])
async def test_namesakes_are_swept_each_by_its_tags(gone: int) -> None:
    both = Namesakes()
    world, relay = both.world, both.world.relays[0]
    silent = {both.dialogs[gone].local_tag, both.dialogs[gone].remote_tag}
    relay.unknown_tags = silent
    world.clock.advance(301)
    await MediaSweep(world.node.calls, world.relays).sweep()  # type: ignore[arg-type]
    asked = [{query.from_tag, query.to_tag} for query in relay.taken(Query)]
    assert silent in asked
    assert len(asked) == 2
    callees = [b"sip:bob@example.com", b"sip:carol@example.com"]
    assert [(one.callee, one.reason) for one in world.records] == [(callees[gone], b"Media silent")]
    assert world.call().callee == callees[1 - gone]


async def test_a_spiral_of_a_namesake_is_known_too() -> None:
    """While the first call under the Call-ID goes on, the second comes back to us."""
    world = World()
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    carol = world.registered(b"carol@example.com", "192.0.2.30")
    first = alice.invites(b"sip:bob@example.com")
    bob.answers(bob.take_request(b"INVITE"), 200)
    alice.take_response(200)
    alice.invites(b"sip:bob@example.com", call_id=first.call_id)
    came = bob.take_request(b"INVITE")
    onward = came.copy()
    onward.uri = parse_uri(b"sip:carol@example.com")
    onward.headers.prepend(b"via", bob.via)
    bob.send(onward)
    assert carol.take_request(b"INVITE").call_id == first.call_id
    assert len(world.node.calls) == 2


async def test_an_answer_in_prack_belongs_to_the_call_that_waits_for_one() -> None:
    """Not to another of that Call-ID, whose offer is in its INVITE."""
    world = World(ALWAYS)
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    carol = world.registered(b"carol@example.com", "192.0.2.30")
    first = alice.invites(b"sip:bob@example.com")
    bob.answers(bob.take_request(b"INVITE"), 183, body=SDP)
    await world.settled()
    waiting = Dialog(first, alice.take_response(183), is_caller=True)
    alice.invites(b"sip:carol@example.com", call_id=first.call_id, body=SDP)
    came = carol.take_request(b"INVITE")
    carol.answers(came, 486)
    await world.settled()
    alice.send(waiting.request(b"PRACK", via=alice.via, body=SDP))
    await world.settled()
    assert bob.take_request(b"PRACK").body == via_relay(SDP)
    (answer,) = world.relays[0].taken(Answer)
    assert {answer.from_tag, answer.to_tag} == {waiting.local_tag, waiting.remote_tag}


async def test_silence_ends_a_call_that_no_bye_did() -> None:
    world, _, _, dialog = await answered()
    sweep = MediaSweep(world.node.calls, world.relays)  # type: ignore[arg-type]
    await sweep.sweep()
    assert not world.relays[0].taken(Query)
    world.clock.advance(301)
    await sweep.sweep()
    assert [query.call_id for query in world.relays[0].taken(Query)] == [dialog.call_id]
    assert not world.records
    world.relays[0].refuses = "relay r1 refused: Unknown call-id"
    await sweep.sweep()
    assert not world.records  # it was looked at a moment ago
    world.clock.advance(301)
    await sweep.sweep()
    assert [(one.reason, one.ended_by) for one in world.records] == [(b"Media silent", "proxy")]


async def test_a_silent_relay_ends_nothing() -> None:
    world, _, _, _ = await answered()
    world.relays[0].is_silent = True
    world.clock.advance(301)
    await MediaSweep(world.node.calls, world.relays).sweep()  # type: ignore[arg-type]
    assert len(world.node.calls) == 1
