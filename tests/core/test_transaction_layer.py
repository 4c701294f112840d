"""The transaction layer: matching, retransmissions, who catches what, and the end of everything."""

import asyncio
import gc
import logging

import pytest

from proxy.core.request_context import Branch, Drop, Reject, RequestContext
from proxy.core.transactions import ClientTransaction, ServerTransaction
from proxy.locate.hop import Hop
from proxy.sip.message import Request, Response
from proxy.sip.timers import TimerSettings
from tests.harness.builders import Dialog, ack_of, cancel_of, request, respond
from tests.harness.network import Node
from tests.harness.routing_users import answering, target, to_targets

BOB = b"sip:bob@192.0.2.20:5060"


def node_with_phones(user, **settings):
    node = Node(user, **settings)
    return node, node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")


def raising(error: Exception):
    def step(call: RequestContext) -> None:
        raise error

    return answering(step)


def test_trying_at_once_and_the_rest_in_order():
    _node, alice, bob = node_with_phones(to_targets(target(BOB)))
    invite = request(b"INVITE", b"sip:bob@example.com", via=alice.via)
    alice.send(invite)
    trying = alice.take_response(100)
    assert trying.to_tag is None
    alice.take_nothing()
    forwarded = bob.take_request(b"INVITE")
    assert forwarded.uri_raw == BOB
    assert forwarded.max_forwards == 69
    assert len(forwarded.vias) == 2
    bob.send(respond(forwarded, 180))
    bob.send(respond(forwarded, 200))
    for status in (180, 200):
        response = alice.take_response(status)
        assert [via.branch for via in response.vias] == [invite.via.branch]


def test_no_trying_when_routing_answers_at_once():
    _node, alice, _bob = node_with_phones(raising(Reject(407, headers=((b"X-Test", b"1"),))))
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    response = alice.take_response(407)
    assert response.to_tag
    assert response.headers.first(b"x-test") == b"1"
    alice.take_nothing()


def test_no_trying_for_other_methods():
    _node, alice, bob = node_with_phones(to_targets(target(BOB)))
    alice.send(request(b"MESSAGE", b"sip:bob@example.com", via=alice.via))
    bob.take_request(b"MESSAGE")
    alice.take_nothing()


def test_trying_for_other_methods_after_t2():
    node, alice, bob = node_with_phones(to_targets(target(BOB)))
    alice.send(request(b"MESSAGE", b"sip:bob@example.com", via=alice.via))
    node.clock.advance(3.4)
    alice.take_nothing()
    node.clock.advance(0.2)
    alice.take_response(100)
    bob.send(respond(bob.take_request(b"MESSAGE"), 202))
    alice.take_response(202)


def test_retransmitted_invite_gets_the_last_response_again():
    node, alice, bob = node_with_phones(to_targets(target(BOB)))
    invite = request(b"INVITE", b"sip:bob@example.com", via=alice.via)
    alice.send(invite)
    alice.take_response(100)
    alice.send(invite)
    alice.take_response(100)
    forwarded = bob.take_request(b"INVITE")
    bob.take_nothing()
    bob.send(respond(forwarded, 180))
    alice.take_response(180)
    alice.send(invite)
    alice.take_response(180)
    bob.send(respond(forwarded, 200))
    alice.take_response(200)
    alice.send(invite)  # RFC 6026: absorbed in Accepted
    alice.take_nothing()
    bob.take_nothing()
    assert node.layer.counters["retransmissions"] == 2


def test_retransmitted_request_gets_its_final_response_again():
    node, alice, bob = node_with_phones(to_targets(target(BOB)))
    message = request(b"MESSAGE", b"sip:bob@example.com", via=alice.via)
    alice.send(message)
    alice.send(message)
    alice.take_nothing()
    bob.send(respond(bob.take_request(b"MESSAGE"), 200))
    alice.take_response(200)
    node.clock.advance(20)
    alice.send(message)
    alice.take_response(200)
    bob.take_nothing()
    node.clock.advance(20)
    assert node.layer.transactions == (0, 0)


def test_final_response_is_repeated_until_the_ack():
    node, alice, _bob = node_with_phones(raising(Reject(403)))
    invite = request(b"INVITE", b"sip:bob@example.com", via=alice.via)
    alice.send(invite)
    response = alice.take_response(403)
    node.clock.advance(1.6)
    assert [alice.take_response(403).to_tag for _ in range(2)] == [response.to_tag] * 2
    alice.send(ack_of(invite, response))
    node.clock.advance(60)
    alice.take_nothing()
    assert node.layer.transactions == (0, 0)


def test_final_response_without_ack_is_given_up():
    node, alice, _bob = node_with_phones(raising(Reject(403)))
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    node.clock.advance(33)
    assert len(alice.inbox) == 11
    assert node.layer.transactions == (0, 0)


def test_drop_says_nothing_and_forgets():
    node, alice, _bob = node_with_phones(raising(Drop("scanner")))
    for method in (b"INVITE", b"OPTIONS"):
        alice.send(request(method, b"sip:bob@example.com", via=alice.via))
    alice.take_nothing()
    assert node.layer.transactions == (0, 0)
    assert node.layer.counters["dropped"] == 2
    node.clock.advance(60)
    alice.take_nothing()


def test_a_fault_is_500_with_one_traceback(caplog):
    node, alice, _bob = node_with_phones(raising(LookupError("a fault")))
    with caplog.at_level(logging.ERROR):
        alice.send(request(b"OPTIONS", b"sip:bob@example.com", via=alice.via))
    alice.take_response(500)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [LookupError]
    assert node.layer.counters["failures"] == 1


def test_reject_of_an_ack_says_nothing():
    node, alice, _bob = node_with_phones(raising(Reject(403)))
    alice.send(request(b"ACK", b"sip:bob@example.com", via=alice.via, to_tag=b"x"))
    alice.take_nothing()
    assert node.layer.transactions == (0, 0)


def test_a_shared_reject_keeps_no_traceback():
    constant = Reject(404)
    _node, alice, _bob = node_with_phones(raising(constant))
    alice.send(request(b"OPTIONS", b"sip:bob@example.com", via=alice.via))
    assert constant.__traceback__ is None


def test_a_request_left_unanswered_by_routing_is_500():
    _node, alice, _bob = node_with_phones(answering(lambda call: None))
    alice.send(request(b"OPTIONS", b"sip:bob@example.com", via=alice.via))
    alice.take_response(500)


def test_reply_by_routing_and_only_once():
    def step(call: RequestContext) -> None:
        call.reply(180)
        call.reply(200, b"Fine", headers=((b"Contact", b"<sip:here>"),), body=b"text")
        call.reply(486)

    _node, alice, _bob = node_with_phones(answering(step))
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    alice.take_response(180)
    response = alice.take_response(200)
    assert (response.reason, response.body) == (b"Fine", b"text")
    assert response.headers.first(b"contact") == b"<sip:here>"
    alice.take_nothing()


async def test_trying_while_routing_waits():
    future = asyncio.get_running_loop().create_future()

    async def user(call: RequestContext) -> None:
        await future
        raise Reject(480)

    node, alice, _bob = node_with_phones(user)
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    alice.take_response(100)
    future.set_result(None)
    await node.layer.settled()
    alice.take_response(480)


async def test_cancel_while_routing_waits():
    future = asyncio.get_running_loop().create_future()

    async def user(call: RequestContext) -> None:
        await future
        call.targets.add(target(BOB))
        await call.relay()

    node, alice, bob = node_with_phones(user)
    invite = request(b"INVITE", b"sip:bob@example.com", via=alice.via)
    alice.send(invite)
    alice.take_response(100)
    alice.send(cancel_of(invite))
    assert alice.take_response(200).cseq.method == b"CANCEL"
    assert alice.take_response(487).cseq.method == b"INVITE"
    future.set_result(None)
    await node.layer.settled()
    bob.take_nothing()
    alice.take_nothing()


def test_cancel_without_a_transaction_is_481():
    _node, alice, _bob = node_with_phones(to_targets(target(BOB)))
    alice.send(cancel_of(request(b"INVITE", b"sip:bob@example.com", via=alice.via)))
    alice.take_response(481)


@pytest.mark.parametrize("is_answered", [False, True])
@pytest.mark.parametrize("method", [b"MESSAGE", b"OPTIONS", b"BYE", b"SUBSCRIBE"])
def test_cancel_of_anything_but_an_invite_changes_nothing(method: bytes, is_answered: bool) -> None:
    """s9.2: a CANCEL that matches a transaction is answered by 200, whatever its method."""
    _node, alice, bob = node_with_phones(to_targets(target(BOB)))
    meant = request(method, b"sip:bob@example.com", via=alice.via)
    alice.send(meant)
    taken = bob.take_request(method)
    if is_answered:
        bob.send(respond(taken, 200))
        alice.take_response(200)
    alice.send(cancel_of(meant))
    assert alice.take_response(200).cseq.method == b"CANCEL"
    bob.take_nothing()  # s9.1: it would come too late
    if not is_answered:
        bob.send(respond(taken, 200))
        assert alice.take_response(200).cseq.method == method


def test_retransmitted_cancel_gets_its_answer_again():
    _node, alice, bob = node_with_phones(to_targets(target(BOB)))
    invite = request(b"INVITE", b"sip:bob@example.com", via=alice.via)
    alice.send(invite)
    alice.take_response(100)
    bob.send(respond(bob.take_request(b"INVITE"), 180))
    alice.take_response(180)
    cancel = cancel_of(invite)
    alice.send(cancel)
    alice.send(cancel)
    alice.take_response(200)
    alice.take_response(200)
    bob.take_request(b"CANCEL")
    bob.take_nothing()


def test_branches_of_different_senders_are_different_transactions():
    node, alice, bob = node_with_phones(to_targets(target(BOB)))
    carol = node.phone("udp", "192.0.2.30")
    for phone in (alice, carol):
        phone.send(
            request(b"MESSAGE", b"sip:bob@example.com", via=phone.via, branch=b"z9hG4bKsame")
        )
    bob.take_request(b"MESSAGE")
    bob.take_request(b"MESSAGE")


def test_rfc2543_request_without_branch_cookie():
    node, alice, bob = node_with_phones(to_targets(target(BOB)))

    def old(method: bytes, to_tag: bytes | None = None) -> Request:
        return request(
            method,
            b"sip:bob@example.com",
            via=alice.via,
            branch=b"1",
            call_id=b"old",
            to_tag=to_tag,
        )

    alice.send(old(b"INVITE"))
    alice.send(old(b"INVITE"))
    alice.take_response(100)
    alice.take_response(100)
    bob.send(respond(bob.take_request(b"INVITE"), 486))
    bob.take_request(b"ACK")
    bob.take_nothing()
    refused = alice.take_response(486)
    alice.send(old(b"ACK", to_tag=refused.to_tag))
    node.clock.advance(40)
    alice.take_nothing()
    bob.take_nothing()
    assert node.layer.transactions == (0, 0)


def test_rfc2543_cancel():
    _node, alice, bob = node_with_phones(to_targets(target(BOB)))
    for method in (b"INVITE", b"CANCEL"):
        if method == b"CANCEL":
            bob.send(respond(bob.take_request(b"INVITE"), 180))
            alice.inbox.clear()
        alice.send(
            request(method, b"sip:bob@example.com", via=alice.via, branch=b"1", call_id=b"old")
        )
    alice.take_response(200)
    bob.take_request(b"CANCEL")


def test_malformed_fields_are_refused_with_400():
    async def user(call: RequestContext) -> None:
        assert call.request.from_tag

    node, alice, _bob = node_with_phones(user)
    bad = request(b"OPTIONS", b"sip:bob@example.com", via=alice.via)
    bad.headers.set(b"from", b'"unterminated <sip:alice@example.com')
    node.layer.received(bad, alice.flow, node.clock.time())
    alice.take_response(400)


def test_malformed_response_is_dropped():
    node, alice, bob = node_with_phones(to_targets(target(BOB)))
    alice.send(request(b"OPTIONS", b"sip:bob@example.com", via=alice.via))
    response = respond(bob.take_request(b"OPTIONS"), 200)
    response.headers.set(b"via", b"nonsense")
    node.layer.received(response, bob.flow, node.clock.time())
    alice.take_nothing()
    assert node.layer.counters["malformed"] == 1


def test_response_goes_by_via_when_the_connection_is_gone():
    node, _alice, bob = node_with_phones(to_targets(target(BOB)))
    carol = node.phone("tcp", "192.0.2.30")
    carol.send(request(b"MESSAGE", b"sip:bob@example.com", via=carol.via))
    forwarded = bob.take_request(b"MESSAGE")
    node.network.break_flow(carol.flow)
    carol.flow = node.network.flow("tcp", carol.address)
    bob.send(respond(forwarded, 200))
    carol.take_response(200)


async def test_response_opens_a_connection_when_there_is_none():
    node, _alice, bob = node_with_phones(to_targets(target(BOB)))
    carol = node.phone("tcp", "192.0.2.30")
    carol.send(request(b"MESSAGE", b"sip:bob@example.com", via=carol.via))
    forwarded = bob.take_request(b"MESSAGE")
    node.network.break_flow(carol.flow)
    bob.send(respond(forwarded, 200))
    await node.layer.settled()
    carol.take_response(200)
    assert [hop.address for hop in node.network.opened] == ["192.0.2.30"]


@pytest.mark.parametrize("is_slow", [True, False])
async def test_response_goes_to_who_stands_in_for_a_proxy_that_is_gone(is_slow: bool):
    """RFC 3263 s5: its name in the Via leads to others when nobody is at its address any more."""
    node, _alice, bob = node_with_phones(to_targets(target(BOB)))
    proxy, stand_in = node.phone("tcp", "192.0.2.30"), node.phone("tcp", "192.0.2.31")
    zones = node.network.slow_names if is_slow else node.network.zones
    zones[b"proxies.test"] = [Hop("tcp", host, 5060) for host in ("192.0.2.30", "192.0.2.31")]
    via = b"SIP/2.0/TCP proxies.test;branch=z9hG4bKfar"
    proxy.send(request(b"MESSAGE", b"sip:bob@example.com", via=via))
    forwarded = bob.take_request(b"MESSAGE")
    node.network.break_flow(proxy.flow)
    node.network.refused.add(("tcp", "192.0.2.30", 5060))
    bob.send(respond(forwarded, 200))
    await node.layer.settled()
    stand_in.take_response(200)
    assert [uri.serialise() for uri in node.network.located][-1:] == [
        b"sip:proxies.test;transport=tcp"
    ]
    assert [hop.address for hop in node.network.opened] == ["192.0.2.30", "192.0.2.31"]


async def test_response_that_nobody_takes_is_lost():
    node, _alice, bob = node_with_phones(to_targets(target(BOB)))
    for via in (
        b"SIP/2.0/TCP nowhere.test;branch=z9hG4bK1",
        b"SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK2",
    ):
        proxy = node.phone("tcp", "192.0.2.30")
        proxy.send(request(b"MESSAGE", b"sip:bob@example.com", via=via))
        forwarded = bob.take_request(b"MESSAGE")
        node.network.break_flow(proxy.flow)
        node.network.refused.add(("tcp", "192.0.2.30", 5060))
        bob.send(respond(forwarded, 200))
        await node.layer.settled()
    assert {hop.address for hop in node.network.opened} == {"192.0.2.30"}


def test_timer_settings_reach_the_machines():
    timers = TimerSettings(t1=0.1, t2=0.4, t4=0.5)
    node, alice, bob = node_with_phones(to_targets(target(BOB)), timers=timers)
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    node.clock.advance(7)
    assert len(bob.inbox) == 7
    assert [m.status for m in alice.inbox[:2]] == [100, 408]


def test_everything_is_forgotten_in_the_end():
    node, alice, bob = node_with_phones(to_targets(target(BOB)))
    invite = request(b"INVITE", b"sip:bob@example.com", via=alice.via)
    alice.send(invite)
    forwarded = bob.take_request(b"INVITE")
    bob.send(respond(forwarded, 180))
    bob.send(respond(forwarded, 200))
    alice.inbox[:2] = []
    dialog = Dialog(invite, alice.take_response(200), is_caller=True)
    alice.send(dialog.request(b"ACK", via=alice.via))
    bob.take_request(b"ACK")
    alice.send(dialog.request(b"BYE", via=alice.via))
    bob.send(respond(bob.take_request(b"BYE"), 200))
    alice.take_response(200)
    assert node.layer.transactions == (2, 2)
    node.clock.advance(33)
    assert node.layer.transactions == (0, 0)
    node.clock.advance(200)
    assert node.clock.armed() == []


def test_nothing_is_left_to_the_garbage_collector():
    """At a thousand calls a second its passes would be what a caller waits for."""
    node, alice, bob = node_with_phones(to_targets(target(BOB)))
    gc.collect()
    gc.disable()
    try:
        for number, status in enumerate((200, 486, 503)):
            invite = request(b"INVITE", b"sip:b@x", via=alice.via, call_id=b"%d" % number)
            alice.send(invite)
            forwarded = bob.take_request(b"INVITE")
            bob.send(respond(forwarded, 180))
            bob.send(respond(forwarded, status))
            bob.inbox.clear()  # the ACK of a refusal
        cancelled = request(b"INVITE", b"sip:b@x", via=alice.via, call_id=b"cancelled")
        alice.send(cancelled)
        alice.send(cancel_of(cancelled))
        alice.send(request(b"MESSAGE", b"sip:b@x", via=alice.via))
        node.clock.advance(300)
        assert node.layer.transactions == (0, 0)
        kinds = (RequestContext, Branch, ServerTransaction, ClientTransaction)
        assert [one for one in gc.get_objects() if type(one) in kinds] == []
    finally:
        gc.enable()


def test_observer_hears_of_relays_and_final_answers():
    class Observer:
        def __init__(self) -> None:
            self.heard: list[object] = []

        def relayed(self, call: RequestContext, *, now: float) -> None:
            self.heard.append(call.method)

        def ringing(self, call: RequestContext, status: int, *, now: float) -> None:
            self.heard.append(status)

        def answered(self, call: RequestContext, response: Response, *, now: float) -> None:
            self.heard.append(response.status)

    observer = Observer()
    node, alice, bob = node_with_phones(to_targets(target(BOB)), observer=observer)
    invite = request(b"INVITE", b"sip:bob@example.com", via=alice.via)
    alice.send(invite)
    came = bob.take_request(b"INVITE")
    for status in (100, 180, 486):
        bob.send(respond(came, status))
    assert observer.heard == [b"INVITE", 180, 486]
    assert node.layer.counters["failures"] == 0


@pytest.mark.parametrize("method", [b"INVITE", b"OPTIONS"])
async def test_close_ends_what_waits(method):
    ended = []

    async def user(call: RequestContext) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(method)

    node, alice, _bob = node_with_phones(user)
    alice.send(request(method, b"sip:bob@example.com", via=alice.via))
    await node.layer.close()
    assert ended == [method]
    assert node.clock.armed() == []


# connections that break under a transaction


def test_cancel_that_cannot_be_sent_ends_in_487():
    node = Node(to_targets(target(b"sip:bob@192.0.2.20;transport=tcp")))
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("tcp", "192.0.2.20")
    invite = request(b"INVITE", b"sip:bob@example.com", via=alice.via)
    alice.send(invite)
    bob.send(respond(bob.take_request(b"INVITE"), 180))
    node.network.break_flow(bob.flow)
    alice.send(cancel_of(invite))
    node.clock.advance(33)
    assert [message.status for message in alice.inbox[:4]] == [100, 180, 200, 487]
    node.clock.advance(33)
    assert node.layer.transactions == (0, 0)


def test_ack_that_cannot_be_sent_does_not_hide_the_refusal():
    node = Node(to_targets(target(b"sip:bob@192.0.2.20;transport=tcp")))
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("tcp", "192.0.2.20")
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    refusal = respond(bob.take_request(b"INVITE"), 486)
    node.network.break_flow(bob.flow)
    node.layer.received(refusal, bob.flow, node.clock.time())
    alice.take_response(100)
    alice.take_response(486)


def test_retransmission_over_a_listener_that_is_gone_is_a_failure():
    node, alice, bob = node_with_phones(to_targets(target(BOB)))
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    bob.take_request(b"INVITE")
    node.network.break_flow(bob.flow)
    node.clock.advance(1)
    alice.take_response(100)
    alice.take_response(500)


async def test_response_that_nobody_can_be_given():
    node, _alice, bob = node_with_phones(to_targets(target(BOB)))
    carol = node.phone("tcp", "192.0.2.30")
    node.network.refused.add(("tcp", "192.0.2.30", 5060))
    carol.send(request(b"MESSAGE", b"sip:bob@example.com", via=carol.via))
    forwarded = bob.take_request(b"MESSAGE")
    node.network.break_flow(carol.flow)
    bob.send(respond(forwarded, 200))
    await node.layer.settled()
    carol.take_nothing()


def test_connection_that_breaks_between_two_responses():
    node, _alice, bob = node_with_phones(to_targets(target(BOB)))
    carol = node.phone("tcp", "192.0.2.30")
    carol.send(request(b"INVITE", b"sip:bob@example.com", via=carol.via))
    forwarded = bob.take_request(b"INVITE")
    bob.send(respond(forwarded, 180))
    carol.take_response(100)
    carol.take_response(180)
    node.network.break_flow(carol.flow)
    carol.flow = node.network.flow("tcp", carol.address)
    bob.send(respond(forwarded, 200))
    carol.take_response(200)


def test_malformed_request_that_has_a_transaction_already_is_forgotten():
    async def user(call: RequestContext) -> None:
        assert call.request.contacts

    _node, alice, _bob = node_with_phones(user)
    alice.send(
        request(
            b"OPTIONS", b"sip:bob@example.com", via=alice.via, contact=b'"unterminated <sip:a@b'
        )
    )
    alice.take_response(400)


def test_request_without_any_via_is_dropped():
    node, alice, _bob = node_with_phones(to_targets(target(BOB)))
    bad = request(b"OPTIONS", b"sip:bob@example.com", via=alice.via)
    bad.headers.remove(b"via")
    node.layer.received(bad, alice.flow, node.clock.time())
    alice.take_nothing()
    assert node.layer.counters["malformed"] == 1


def test_answer_of_routing_after_relay_stops_the_search():
    async def user(call: RequestContext) -> None:
        call.targets.add(target(BOB))
        await call.relay()
        raise Reject(480)

    _node, alice, bob = node_with_phones(user)
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    alice.take_response(480)
    forwarded = bob.take_request(b"INVITE")
    bob.send(respond(forwarded, 180))
    bob.send(respond(bob.take_request(b"CANCEL"), 200))
    bob.send(respond(forwarded, 487))
    alice.take_nothing()


def test_2xx_that_crosses_an_answer_of_routing_goes_up_as_well():
    """Who was called must hear an ACK, or rings on with nobody there (s16.7 step 5)."""
    calls = []

    async def user(call: RequestContext) -> None:
        calls.append(call)
        call.targets.add(target(BOB))
        await call.relay()

    node, alice, bob = node_with_phones(user)
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    alice.take_response(100)
    forwarded = bob.take_request(b"INVITE")
    bob.send(respond(forwarded, 180))
    alice.take_response(180)
    calls[0].reply(480)
    alice.take_response(480)
    bob.take_request(b"CANCEL")
    for _ in range(2):  # it is repeated until the ACK
        bob.send(respond(forwarded, 200))
        assert len(alice.take_response(200).headers.all(b"via")) == 1
    node.clock.advance(200)
    assert node.layer.transactions == (0, 0)


def test_via_of_another_spelling_in_a_response():
    _node, alice, bob = node_with_phones(to_targets(target(BOB)))
    alice.send(request(b"MESSAGE", b"sip:bob@example.com", via=alice.via))
    response = respond(bob.take_request(b"MESSAGE"), 200)
    values = response.headers.values(b"via")
    spaced = values[0].replace(b";branch=", b" ; branch = ")
    response.headers.set(b"via", b"%b ,  %b" % (spaced, values[1]))
    bob.send(response)
    alice.take_response(200)


# -- very many requests

REFUSED = [(b"OPTIONS", 200), (b"OPTIONS", 404), (b"MESSAGE", 403), (b"REGISTER", 401)]


@pytest.mark.parametrize(("method", "status"), [*REFUSED, (b"INVITE", 407)])
def test_of_very_many_that_are_refused_only_the_first_are_remembered(
    method: bytes, status: int
) -> None:
    node, alice, _ = node_with_phones(raising(Reject(status)), most_refused=3)
    sent = [request(method, b"sip:x@example.com", via=alice.via) for _ in range(10)]
    answers = []
    for one in sent:
        alice.send(one)
        answers.append(alice.take_response(status))
    assert node.layer.transactions == (3, 0)
    assert node.layer.counters["stateless"] == 7
    alice.send(sent[-1])  # the answer was lost
    again = alice.take_response(status)
    assert again.to_tag == answers[-1].to_tag
    if method == b"INVITE":
        for one, answer in zip(sent, answers, strict=True):
            alice.send(ack_of(one, answer))
    node.clock.advance(33)
    while alice.inbox:
        alice.take_response(status)  # of the three, until their ACK
    assert node.layer.transactions == (0, 0)
    assert node.clock.armed() == []


async def test_what_has_had_a_100_is_remembered_however_many_there_are() -> None:
    """An INVITE does not come again then, so its final response must, until the ACK."""
    waited = asyncio.Event()

    async def wait(call: RequestContext) -> None:
        await waited.wait()
        raise Reject(404)

    node, alice, _ = node_with_phones(wait, most_refused=0)
    invite = request(b"INVITE", b"sip:x@example.com", via=alice.via)
    alice.send(invite)
    alice.take_response(100)
    waited.set()
    await node.layer.settled()
    alice.take_response(404)
    node.clock.advance(0.6)
    again = alice.take_response(404)
    alice.send(ack_of(invite, again))
    node.clock.advance(6)
    assert node.layer.transactions == (0, 0)


def test_what_a_far_side_has_refused_is_remembered() -> None:
    node, alice, bob = node_with_phones(to_targets(target(BOB)), most_refused=0)
    alice.send(request(b"MESSAGE", b"sip:bob@example.com", via=alice.via))
    bob.send(respond(bob.take_request(b"MESSAGE"), 486))
    alice.take_response(486)
    assert node.layer.transactions[0] == 1


def test_a_node_says_when_it_is_full() -> None:
    node, alice, _ = node_with_phones(to_targets(target(BOB)), most_transactions=2)
    for _ in range(3):
        assert not node.layer.is_full
        alice.send(request(b"MESSAGE", b"sip:bob@example.com", via=alice.via))
    assert node.layer.is_full
    node.clock.advance(70)
    assert not node.layer.is_full
