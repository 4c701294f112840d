"""Responses on their way up: forking, CANCEL races, 6xx, Timer C, order, strays."""

import asyncio
import logging

import pytest

from proxy.core.request_context import Branch, Reject, RequestContext
from proxy.core.target_set import Outcome, Stage
from proxy.sip.errors import ParseError
from proxy.sip.message import Response
from tests.harness.builders import ack_of, cancel_of, request, respond
from tests.harness.network import Network, Node, Phone
from tests.harness.routing_users import target, to_targets


class Call:
    """An INVITE from alice, forked to bobs; alice has her 100 already."""

    def __init__(self, *qs: int, **settings) -> None:
        hosts = [f"192.0.2.{20 + at}" for at in range(len(qs))]
        self.ended: list[bytes] = []
        targets = [
            target(f"sip:bob@{host}".encode(), q=q) for host, q in zip(hosts, qs, strict=True)
        ]
        self.node = Node(to_targets(*targets, on_end=self.on_end), **settings)
        self.alice = self.node.phone("udp", "192.0.2.10")
        self.bobs = [self.node.phone("udp", host) for host in hosts]
        self.invite = request(b"INVITE", b"sip:bob@example.com", via=self.alice.via)
        self.alice.send(self.invite)
        self.alice.take_response(100)

    async def on_end(self, call: RequestContext) -> None:
        self.ended.append(call.original.call_id)

    def take_invites(self, *bobs: int):
        return [self.bobs[at].take_request(b"INVITE") for at in bobs]

    def take_cancel(self, bob: int, forwarded) -> None:
        """The CANCEL of a branch: same hop, same branch, same number; answered with 200 and 487."""
        phone = self.bobs[bob]
        cancel = phone.take_request(b"CANCEL")
        assert cancel.uri_raw == forwarded.uri_raw
        assert [via.branch for via in cancel.vias] == [forwarded.via.branch]
        assert cancel.cseq.number == forwarded.cseq.number
        phone.send(respond(cancel, 200))
        phone.send(respond(forwarded, 487))
        ack = phone.take_request(b"ACK")
        assert ack.via.branch == forwarded.via.branch
        self.last_cancel = cancel

    def silence(self, *phones: Phone) -> None:
        for phone in phones or (self.alice, *self.bobs):
            phone.take_nothing()


def test_parallel_fork_one_answers_the_other_is_cancelled():
    call = Call(1000, 1000)
    one, two = call.take_invites(0, 1)
    call.bobs[0].send(respond(one, 180, to_tag=b"one"))
    call.bobs[1].send(respond(two, 183, to_tag=b"two"))
    assert call.alice.take_response(180).to_tag == b"one"
    assert call.alice.take_response(183).to_tag == b"two"
    call.bobs[1].send(respond(two, 200, to_tag=b"two"))
    assert call.alice.take_response(200).to_tag == b"two"
    call.take_cancel(0, one)
    reason = call.last_cancel.headers.first(b"reason")
    assert reason == b'SIP;cause=200;text="Call completed elsewhere"'
    call.silence()
    assert call.ended == []
    call.node.clock.advance(40)
    assert call.node.layer.transactions == (0, 0)


def test_loser_without_provisional_is_cancelled_when_it_rings():
    call = Call(1000, 1000)
    one, two = call.take_invites(0, 1)
    call.bobs[1].send(respond(two, 200))
    call.alice.take_response(200)
    call.silence()  # s9.1: no CANCEL before a provisional response
    call.bobs[0].send(respond(one, 180))
    call.take_cancel(0, one)
    call.silence()


def test_both_answer_and_both_go_up():
    call = Call(1000, 1000)
    one, two = call.take_invites(0, 1)
    call.bobs[0].send(respond(one, 200, to_tag=b"one"))
    call.bobs[1].send(respond(two, 200, to_tag=b"two"))
    assert [call.alice.take_response(200).to_tag for _ in range(2)] == [b"one", b"two"]


def test_retransmitted_200_goes_up_each_time():
    call = Call(1000)
    (one,) = call.take_invites(0)
    for _ in range(3):
        call.bobs[0].send(respond(one, 200))
        call.alice.take_response(200)
    call.silence()


def test_serial_fork_in_order_of_q():
    call = Call(500, 1000, 500)
    (first,) = call.take_invites(1)
    call.silence()
    call.bobs[1].send(respond(first, 486))
    call.bobs[1].take_request(b"ACK")
    one, two = call.take_invites(0, 2)
    call.bobs[0].send(respond(one, 404))
    call.bobs[2].send(respond(two, 480))
    call.alice.take_response(486)
    assert call.ended == [b"call-1@test"]


def test_ring_timeout_goes_on_to_the_next_group():
    call = Call(1000, 500, ring_seconds=20.0)
    (one,) = call.take_invites(0)
    call.bobs[0].send(respond(one, 180))
    call.alice.take_response(180)
    call.node.clock.advance(20)
    call.take_cancel(0, one)
    (two,) = call.take_invites(1)
    call.bobs[1].send(respond(two, 200))
    call.alice.take_response(200)
    call.silence()


def test_ring_timeout_does_not_disturb_what_a_later_group_turns_out_to_be():
    """A member of a group who has another place after the first leaves as many to try as before."""
    phones = [f"192.0.2.{20 + at}" for at in range(3)]
    one, two, three = [target(f"sip:bob@{host}".encode()) for host in phones]

    async def member(_how: Outcome) -> list[Stage]:
        return [Stage([two]), Stage([three])]

    async def user(call: RequestContext) -> None:
        call.targets.add(one)
        call.targets.add_later(Stage(expand=member))
        await call.relay()

    node = Node(user, ring_seconds=20.0)
    alice = node.phone("udp", "192.0.2.10")
    bobs = [node.phone("udp", host) for host in phones]
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    first = bobs[0].take_request(b"INVITE")
    node.clock.advance(19)
    bobs[0].send(respond(first, 486))
    second = bobs[1].take_request(b"INVITE")
    bobs[1].send(respond(second, 180))
    node.clock.advance(10)  # the first one's time is over, the second's is not
    bobs[1].take_nothing()
    node.clock.advance(10.1)
    bobs[1].take_request(b"CANCEL")
    bobs[2].take_request(b"INVITE")


def test_ring_timeout_does_not_disturb_a_later_group():
    call = Call(1000, 500, 100, ring_seconds=20.0)
    (one,) = call.take_invites(0)
    call.node.clock.advance(19)
    call.bobs[0].send(respond(one, 486))
    call.bobs[0].inbox.clear()
    (two,) = call.take_invites(1)
    call.bobs[1].send(respond(two, 180))
    call.alice.take_response(180)
    call.node.clock.advance(10)  # the first group's time is over, the second's is not
    call.silence()
    call.node.clock.advance(10.1)
    call.take_cancel(1, two)
    call.take_invites(2)


def test_200_that_crosses_the_cancel_of_a_ring_timeout_wins():
    call = Call(1000, 500, ring_seconds=20.0)
    (one,) = call.take_invites(0)
    call.bobs[0].send(respond(one, 180))
    call.alice.take_response(180)
    call.node.clock.advance(20)
    call.bobs[0].take_request(b"CANCEL")
    (two,) = call.take_invites(1)
    call.bobs[1].send(respond(two, 180))
    call.alice.take_response(180)
    call.bobs[0].send(respond(one, 200))
    call.alice.take_response(200)
    call.take_cancel(1, two)


def test_6xx_ends_all_branches():
    call = Call(1000, 1000, 500)
    one, two = call.take_invites(0, 1)
    call.bobs[0].send(respond(one, 180))
    call.alice.take_response(180)
    call.bobs[1].send(respond(two, 603))
    call.bobs[1].take_request(b"ACK")
    call.silence(call.alice)
    call.take_cancel(0, one)
    assert call.alice.take_response(603)
    call.silence()
    assert call.ended == [b"call-1@test"]


def test_cancel_while_ringing():
    call = Call(1000)
    (one,) = call.take_invites(0)
    call.bobs[0].send(respond(one, 180))
    call.alice.take_response(180)
    call.alice.send(cancel_of(call.invite, ((b"reason", b"SIP;cause=487"),)))
    ok = call.alice.take_response(200)
    assert ok.cseq.method == b"CANCEL"
    call.take_cancel(0, one)
    assert call.last_cancel.headers.all(b"reason") == [b"SIP;cause=487"]
    ended = call.alice.take_response(487)
    assert ended.cseq.method == b"INVITE"
    call.alice.send(ack_of(call.invite, ended))
    call.silence()
    assert call.ended == [b"call-1@test"]


def test_cancel_before_any_provisional():
    call = Call(1000)
    (one,) = call.take_invites(0)
    call.alice.send(cancel_of(call.invite))
    call.alice.take_response(200)
    call.silence()
    call.bobs[0].send(respond(one, 100))
    call.take_cancel(0, one)
    call.alice.take_response(487)
    call.silence()


def test_cancel_and_no_answer_at_all():
    call = Call(1000)
    call.alice.send(cancel_of(call.invite))
    call.alice.take_response(200)
    call.node.clock.advance(33)
    assert call.alice.take_response(487)
    assert call.ended == [b"call-1@test"]


def test_cancel_crossing_200():
    call = Call(1000)
    (one,) = call.take_invites(0)
    call.bobs[0].send(respond(one, 180))
    call.alice.take_response(180)
    call.alice.send(cancel_of(call.invite))
    call.alice.take_response(200)
    cancel = call.bobs[0].take_request(b"CANCEL")
    call.bobs[0].send(respond(one, 200))  # was on its way already
    call.bobs[0].send(respond(cancel, 481))
    assert call.alice.take_response(200).cseq.method == b"INVITE"
    call.silence()
    assert call.ended == []


def test_cancel_after_200_changes_nothing():
    call = Call(1000)
    (one,) = call.take_invites(0)
    call.bobs[0].send(respond(one, 200))
    call.alice.take_response(200)
    call.alice.send(cancel_of(call.invite))
    assert call.alice.take_response(200).cseq.method == b"CANCEL"
    call.silence()


def test_lost_cancel_is_repeated_and_an_unanswered_one_ends_the_branch():
    call = Call(1000)
    (one,) = call.take_invites(0)
    call.bobs[0].send(respond(one, 180))
    call.alice.take_response(180)
    call.alice.send(cancel_of(call.invite))
    call.alice.take_response(200)
    call.node.clock.advance(1.6)
    assert [call.bobs[0].take_request(b"CANCEL").method for _ in range(3)]
    call.node.clock.advance(32)
    call.alice.take_response(487)
    call.alice.send(ack_of(call.invite, respond(call.invite, 487)))


def test_timer_c_cancels_and_says_408():
    call = Call(1000, timer_c=181.0)
    (one,) = call.take_invites(0)
    call.bobs[0].send(respond(one, 180))
    call.alice.take_response(180)
    call.node.clock.advance(180)
    call.silence()
    call.node.clock.advance(1)
    call.take_cancel(0, one)
    call.alice.take_response(408)
    assert call.ended == [b"call-1@test"]


def test_timer_c_is_reset_by_provisionals_but_100():
    call = Call(1000, timer_c=181.0)
    (one,) = call.take_invites(0)
    for _ in range(4):
        call.bobs[0].send(respond(one, 183))
        call.alice.take_response(183)
        call.node.clock.advance(100)
        call.silence()
    call.bobs[0].send(respond(one, 100))
    call.node.clock.advance(81)
    call.bobs[0].take_request(b"CANCEL")


def test_timer_c_and_no_answer_to_the_cancel():
    call = Call(1000, timer_c=181.0)
    (one,) = call.take_invites(0)
    call.bobs[0].send(respond(one, 180))
    call.alice.take_response(180)
    call.node.clock.advance(181 + 33)
    call.alice.take_response(408)


def test_no_answer_is_408():
    call = Call(1000)
    call.node.clock.advance(33)
    call.alice.take_response(408)
    assert len(call.bobs[0].inbox) == 7
    assert call.ended == [b"call-1@test"]


def test_no_answer_to_another_method_is_silence():
    node = Node(to_targets(target(b"sip:bob@192.0.2.20")))
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    alice.send(request(b"MESSAGE", b"sip:bob@example.com", via=alice.via))
    node.clock.advance(33)
    assert len(bob.inbox) == 11
    assert [message.status for message in alice.inbox] == [100]
    assert node.layer.transactions == (0, 0)


def test_ack_for_a_refusal_is_made_here():
    call = Call(1000)
    (one,) = call.take_invites(0)
    refusal = respond(one, 486)
    for _ in range(2):
        call.bobs[0].send(refusal)
        ack = call.bobs[0].take_request(b"ACK")
        assert [via.branch for via in ack.vias] == [one.via.branch]
        assert ack.to_tag == refusal.to_tag
        assert ack.uri_raw == one.uri_raw
    call.alice.take_response(486)
    call.silence()


def test_503_goes_up_as_500():
    call = Call(1000)
    (one,) = call.take_invites(0)
    call.bobs[0].send(respond(one, 503))
    call.alice.take_response(500)


def test_challenges_of_two_branches_go_up_in_one():
    call = Call(1000, 1000)
    one, two = call.take_invites(0, 1)
    for bob, forwarded, realm in ((0, one, b"one"), (1, two, b"two")):
        challenge = b'Digest realm="%b"' % realm
        call.bobs[bob].send(respond(forwarded, 407, extra=((b"proxy-authenticate", challenge),)))
    response = call.alice.take_response(407)
    assert response.headers.all(b"proxy-authenticate") == [
        b'Digest realm="one"',
        b'Digest realm="two"',
    ]


@pytest.mark.parametrize("status", [180, 200, 404])
def test_response_without_a_via_below_ours_goes_nowhere(status):
    call = Call(1000)
    (one,) = call.take_invites(0)
    response = respond(one, status)
    response.headers.set(b"via", response.headers.values(b"via")[0])
    call.bobs[0].send(response)
    if status >= 200:
        call.alice.take_response(502)
    call.silence(call.alice)


# on_reply


def waiting_reply_node(futures: list[asyncio.Future]):
    seen: list[int] = []

    async def on_reply(call: RequestContext, branch: Branch | None, response: Response) -> None:
        await futures.pop(0)
        seen.append(response.status)
        response.headers.append(b"x-seen", b"yes")

    node = Node(to_targets(target(b"sip:bob@192.0.2.20"), on_reply=on_reply))
    return node, node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20"), seen


async def test_responses_pass_in_order_while_a_step_waits():
    loop = asyncio.get_running_loop()
    slow, fast = loop.create_future(), loop.create_future()
    fast.set_result(None)
    node, alice, bob, seen = waiting_reply_node([slow, fast])
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    alice.take_response(100)
    forwarded = bob.take_request(b"INVITE")
    bob.send(respond(forwarded, 183))
    bob.send(respond(forwarded, 200))
    alice.take_nothing()
    slow.set_result(None)
    await node.layer.settled()
    assert alice.take_response(183).headers.first(b"x-seen") == b"yes"
    assert alice.take_response(200).headers.first(b"x-seen") == b"yes"
    assert seen == [183, 200]


async def test_our_own_final_response_waits_its_turn():
    slow = asyncio.get_running_loop().create_future()
    node, alice, bob, seen = waiting_reply_node([slow])
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    alice.take_response(100)
    forwarded = bob.take_request(b"INVITE")
    bob.send(respond(forwarded, 183))
    bob.send(respond(forwarded, 503))
    alice.take_nothing()
    slow.set_result(None)
    await node.layer.settled()
    alice.take_response(183)
    alice.take_response(500)
    assert seen == [183]


@pytest.mark.parametrize(
    ("error", "levels"), [(LookupError("relay is gone"), ["ERROR"]), (ParseError("a contact"), [])]
)
def test_failing_reply_step_passes_the_response(caplog, error, levels):
    caplog.set_level(logging.WARNING)

    async def on_reply(call: RequestContext, branch: Branch | None, response: Response) -> None:
        raise error

    node = Node(to_targets(target(b"sip:bob@192.0.2.20"), on_reply=on_reply))
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    alice.take_response(100)
    bob.send(respond(bob.take_request(b"INVITE"), 200))
    alice.take_response(200)
    assert [record.levelname for record in caplog.records] == levels


def test_100_is_not_shown_to_routing():
    seen = []

    async def on_reply(call: RequestContext, branch: Branch | None, response: Response) -> None:
        seen.append(response.status)

    node = Node(to_targets(target(b"sip:bob@192.0.2.20"), on_reply=on_reply))
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    forwarded = bob.take_request(b"INVITE")
    for status in (100, 180, 486):
        bob.send(respond(forwarded, status))
    assert seen == [180, 486]


def test_failing_end_step_is_logged(caplog):
    async def on_end(call: RequestContext) -> None:
        raise Reject(500)

    node = Node(to_targets(target(b"sip:bob@192.0.2.20"), on_end=on_end))
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    bob.send(respond(bob.take_request(b"INVITE"), 486))
    alice.take_response(100)
    alice.take_response(486)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


# strays


def restarted(node: Node) -> Node:
    """The same node after a crash: new core, same name, keys and network address."""
    again = Node(to_targets())
    again.network.phones = node.network.phones
    for phone in node.network.phones.values():
        phone._network = again.network
    return again


def test_200_after_a_restart_is_forwarded_by_its_via():
    call = Call(1000)
    (one,) = call.take_invites(0)
    restarted(call.node)
    call.bobs[0].send(respond(one, 200))
    response = call.alice.take_response(200)
    assert [via.branch for via in response.vias] == [call.invite.via.branch]


@pytest.mark.parametrize("status", [180, 404])
def test_other_strays_are_dropped(status):
    call = Call(1000)
    (one,) = call.take_invites(0)
    restarted(call.node)
    call.bobs[0].send(respond(one, status))
    call.silence()


def test_200_for_an_invite_that_we_never_forwarded_is_dropped():
    call = Call(1000)
    (one,) = call.take_invites(0)
    forged = respond(one, 200)
    forged.headers.set(b"via", one.headers.values(b"via")[0])
    forged.headers.append(b"via", b"SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKvictim")
    again = restarted(call.node)
    call.bobs[0].send(forged)
    call.silence()
    assert again.network.sent == []


@pytest.mark.parametrize(
    "via",
    [
        b"SIP/2.0/SCTP 192.0.2.10:5060;branch=z9hG4bKx",
        b"SIP/2.0/UDP host.example.com;branch=z9hG4bKx",
        b"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKx;rport=" + b"9" * 5000,
    ],
)
def test_stray_to_where_we_cannot_send_is_dropped(via):
    call = Call(1000)
    (one,) = call.take_invites(0)
    stray = respond(one, 200)
    stray.headers.set(b"via", one.headers.values(b"via")[0])
    stray.headers.append(b"via", via)
    restarted(call.node)
    call.bobs[0].send(stray)
    call.silence()


# losses


@pytest.mark.parametrize("seed", range(12))
def test_call_gets_through_a_lossy_network(seed):
    """Each fourth packet or so is lost, in a pattern that the seed decides."""
    call = Call(1000)
    network: Network = call.node.network
    state = [seed * 7919 + 1]

    def loses(data: bytes, flow: object) -> bool:
        state[0] = state[0] * 1103515245 + 12345 & 0x7FFFFFFF
        return state[0] >> 16 & 3 == 0

    network.loses = loses
    call.bobs[0].inbox.clear()
    network.phones["udp", ("192.0.2.20", 5060)].inbox.clear()
    answered = False
    for _ in range(40):
        call.alice.send(call.invite) if not call.alice.inbox else None
        for message in list(call.bobs[0].inbox):
            if getattr(message, "method", b"") == b"INVITE":
                call.bobs[0].send(respond(message, 200))
        call.node.clock.advance(0.5)
        answered = any(getattr(message, "status", 0) == 200 for message in call.alice.inbox)
        if answered:
            break
    assert answered
