"""Requests on their way down: s16.6, failover, TCP for large ones, loops and spirals."""

import asyncio
import logging

import pytest

from proxy.core.request_context import Branch, Reject, RequestContext
from proxy.locate.hop import Hop
from proxy.sip.fields import parse_name_addr
from tests.harness.builders import ack_of, cancel_of, request, respond
from tests.harness.network import PROXY4, Node
from tests.harness.routing_users import by_request_uri, target, to_targets

SERVICE = b"sip:service.example.net"


def two_servers(protocol: str = "udp"):
    """A name with two hops behind it, and the servers there."""
    node = Node(by_request_uri())
    hops = [Hop(protocol, "203.0.113.1", 5060, None), Hop(protocol, "203.0.113.2", 5060, None)]
    node.network.zones[b"service.example.net"] = hops
    alice = node.phone("udp", "192.0.2.10")
    return node, alice, [node.phone(protocol, hop.address) for hop in hops]


# what may be forwarded, and how it looks


def test_max_forwards_zero_is_483():
    node = Node(by_request_uri())
    alice = node.phone("udp", "192.0.2.10")
    alice.send(request(b"INVITE", b"sip:bob@192.0.2.20", via=alice.via, max_forwards=0))
    alice.take_response(483)


def test_max_forwards_is_added_where_there_is_none():
    node = Node(by_request_uri())
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    alice.send(request(b"OPTIONS", b"sip:bob@192.0.2.20", via=alice.via, max_forwards=None))
    assert bob.take_request(b"OPTIONS").max_forwards == 70


def test_proxy_require_is_420_with_all_that_is_unsupported():
    node = Node(by_request_uri())
    alice = node.phone("udp", "192.0.2.10")
    extra = ((b"proxy-require", b"foo, bar"), (b"proxy-require", b"baz"))
    alice.send(request(b"INVITE", b"sip:bob@192.0.2.20", via=alice.via, extra=extra))
    assert alice.take_response(420).headers.values(b"unsupported") == [b"foo", b"bar", b"baz"]


def test_untouched_lines_go_out_as_they_came():
    node = Node(by_request_uri())
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    message = request(
        b"MESSAGE",
        b"sip:bob@192.0.2.20",
        via=alice.via,
        extra=((b"x-odd", b'"quoted,  text" ;  p = 1'),),
        body=b"hello",
    )
    alice.send(message)
    got = bob.take_request(b"MESSAGE")
    changed = (b"via", b"max-forwards", b"max-breadth", b"content-length")
    assert [line for line in got.headers.lines if line[0] not in changed] == [
        line for line in message.headers.lines if line[0] not in changed
    ]
    assert got.body == b"hello"


def test_unknown_methods_pass():
    node = Node(by_request_uri())
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    alice.send(request(b"FROBNICATE", b"sip:bob@192.0.2.20", via=alice.via))
    bob.send(respond(bob.take_request(b"FROBNICATE"), 200))
    alice.take_response(200)


@pytest.mark.parametrize("uri", [b"tel:+18005551212", b"http://example.com/"])
def test_uri_that_cannot_be_located_is_416(uri):
    node = Node(by_request_uri())
    alice = node.phone("udp", "192.0.2.10")
    alice.send(request(b"OPTIONS", uri, via=alice.via))
    alice.take_response(416)


def test_name_without_address_is_404():
    node = Node(by_request_uri())
    alice = node.phone("udp", "192.0.2.10")
    alice.send(request(b"OPTIONS", b"sip:bob@nowhere.example", via=alice.via))
    assert alice.take_response(404).reason == b"Unresolvable Destination"


async def test_name_that_must_be_asked_for():
    node = Node(by_request_uri())
    node.network.slow_names[b"slow.example"] = [Hop("udp", "192.0.2.20", 5060, None)]
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    alice.send(request(b"INVITE", b"sip:bob@slow.example", via=alice.via))
    alice.take_response(100)
    bob.take_nothing()
    await node.layer.settled()
    bob.take_request(b"INVITE")


async def test_cancel_while_a_name_is_asked_for():
    node = Node(by_request_uri())
    node.network.slow_names[b"slow.example"] = [Hop("udp", "192.0.2.20", 5060, None)]
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    invite = request(b"INVITE", b"sip:bob@slow.example", via=alice.via)
    alice.send(invite)
    alice.take_response(100)
    alice.send(cancel_of(invite))
    alice.take_response(200)
    await node.layer.settled()
    alice.take_response(487)
    bob.take_nothing()


# routes


def test_route_set_of_a_target_stands_on_top():
    path = tuple(parse_name_addr(b"<sip:%b;lr>" % host) for host in (b"192.0.2.30", b"192.0.2.31"))
    node = Node(to_targets(target(b"sip:bob@10.0.0.7", route_set=path)))
    alice, edge = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.30")
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    got = edge.take_request(b"INVITE")
    assert got.headers.values(b"route") == [b"<sip:192.0.2.30;lr>", b"<sip:192.0.2.31;lr>"]
    assert got.uri_raw == b"sip:bob@10.0.0.7"


def test_loose_router_keeps_the_request_uri():
    node = Node(by_request_uri())
    alice, edge = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.30")
    routes = (b"<sip:192.0.2.30;lr>", b"<sip:192.0.2.31;lr>")
    alice.send(request(b"INFO", b"sip:bob@10.0.0.7", via=alice.via, routes=routes, to_tag=b"b"))
    got = edge.take_request(b"INFO")
    assert got.uri_raw == b"sip:bob@10.0.0.7"
    assert got.headers.values(b"route") == list(routes)


def test_strict_router_gets_itself_in_the_request_uri():
    node = Node(by_request_uri())
    alice, edge = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.30")
    routes = (b"<sip:192.0.2.30>", b"<sip:192.0.2.31;lr>")
    alice.send(request(b"INFO", b"sip:bob@10.0.0.7", via=alice.via, routes=routes, to_tag=b"b"))
    got = edge.take_request(b"INFO")
    assert got.uri_raw == b"sip:192.0.2.30"
    assert got.headers.values(b"route") == [b"<sip:192.0.2.31;lr>", b"<sip:bob@10.0.0.7>"]


# failover


@pytest.mark.parametrize("method", [b"INVITE", b"MESSAGE"])
def test_timeout_goes_to_the_next_hop_with_a_new_branch(method: bytes) -> None:
    node, alice, (one, two) = two_servers()
    alice.send(request(method, SERVICE, via=alice.via))
    first = one.take_request(method)
    two.take_nothing()
    node.clock.advance(32)
    one.inbox.clear()
    alice.inbox.clear()  # a 100
    second = two.take_request(method)
    assert second.via.branch != first.via.branch
    assert len(second.vias) == len(first.vias) == 2
    assert second.headers.values(b"record-route") == first.headers.values(b"record-route")
    two.send(respond(second, 200))
    alice.take_response(200)
    one.take_nothing()
    assert [hop.address for hop in node.network.failed_hops] == [one.address[0]]


@pytest.mark.parametrize("method", [b"INVITE", b"MESSAGE"])
def test_nobody_there_goes_to_the_next_hop_at_once(method: bytes) -> None:
    """As ICMP tells by the branch of what could not be delivered."""
    node, alice, (one, two) = two_servers()
    alice.send(request(method, SERVICE, via=alice.via))
    first = one.take_request(method)
    node.layer.undelivered(b"z9hG4bKof-another")
    two.take_nothing()
    assert first.via.branch is not None
    node.layer.undelivered(first.via.branch)
    second = two.take_request(method)
    node.layer.undelivered(first.via.branch)
    two.send(respond(second, 200))
    node.layer.undelivered(second.via.branch or b"")  # it has answered: too late
    assert [hop.address for hop in node.network.failed_hops] == [one.address[0]]


def test_503_goes_to_the_next_hop_after_its_ack():
    _node, alice, (one, two) = two_servers()
    alice.send(request(b"INVITE", SERVICE, via=alice.via))
    alice.take_response(100)
    first = one.take_request(b"INVITE")
    one.send(respond(first, 503))
    assert one.take_request(b"ACK").via.branch == first.via.branch
    two.send(respond(two.take_request(b"INVITE"), 486))
    two.take_request(b"ACK")
    alice.take_response(486)


def test_503_of_another_method():
    _node, alice, (one, two) = two_servers()
    alice.send(request(b"MESSAGE", SERVICE, via=alice.via))
    one.send(respond(one.take_request(b"MESSAGE"), 503))
    two.send(respond(two.take_request(b"MESSAGE"), 200))
    alice.take_response(200)


def test_last_503_is_500():
    _node, alice, servers = two_servers()
    alice.send(request(b"MESSAGE", SERVICE, via=alice.via))
    for server in servers:
        server.send(respond(server.take_request(b"MESSAGE"), 503))
    alice.take_response(500)


def test_no_failover_after_a_provisional():
    _node, alice, (one, two) = two_servers()
    alice.send(request(b"INVITE", SERVICE, via=alice.via))
    alice.take_response(100)
    first = one.take_request(b"INVITE")
    one.send(respond(first, 180))
    alice.take_response(180)
    one.send(respond(first, 503))
    alice.take_response(500)
    two.take_nothing()


def test_no_failover_for_other_refusals():
    _node, alice, (one, two) = two_servers()
    alice.send(request(b"MESSAGE", SERVICE, via=alice.via))
    one.send(respond(one.take_request(b"MESSAGE"), 500))
    alice.take_response(500)
    two.take_nothing()


def test_no_failover_when_the_caller_gave_up():
    node, alice, (_one, two) = two_servers()
    invite = request(b"INVITE", SERVICE, via=alice.via)
    alice.send(invite)
    alice.send(cancel_of(invite))
    node.clock.advance(33)
    two.take_nothing()
    assert [message.status for message in alice.inbox[:3]] == [100, 200, 487]


@pytest.mark.parametrize("method", [b"INVITE", b"MESSAGE"])
@pytest.mark.parametrize("protocol", ["tcp", "tls"])
async def test_refused_connection_goes_to_the_next_hop(protocol: str, method: bytes) -> None:
    """Also one whose certificate is not believed, which is an error of the transport as well; the
    next hop's transaction is another one, although nothing was sent to the first."""
    node, alice, (one, two) = two_servers(protocol)
    for phone in (one, two):
        node.network.break_flow(phone.flow)
    node.network.refused.add((protocol, "203.0.113.1", 5060))
    alice.send(request(method, SERVICE, via=alice.via))
    await node.layer.settled()
    got = two.take_request(method)
    assert got.via.transport == protocol.upper().encode()
    assert got.via.branch is not None
    assert got.via.branch.endswith(b".1")
    assert [hop.address for hop in node.network.opened] == ["203.0.113.1", "203.0.113.2"]


async def test_all_connections_refused_is_500():
    node, alice, phones = two_servers("tcp")
    for phone in phones:
        node.network.break_flow(phone.flow)
        node.network.refused.add(("tcp", phone.address[0], 5060))
    alice.send(request(b"INVITE", SERVICE, via=alice.via))
    await node.layer.settled()
    alice.take_response(100)
    alice.take_response(500)


async def test_cancel_while_a_connection_is_opened():
    node, alice, (one, _two) = two_servers("tcp")
    node.network.break_flow(one.flow)
    invite = request(b"INVITE", SERVICE, via=alice.via)
    alice.send(invite)
    alice.send(cancel_of(invite))
    await node.layer.settled()
    assert [message.status for message in alice.inbox] == [100, 200, 487]
    one.take_nothing()


def test_connection_that_breaks_before_any_answer():
    node, alice, (one, two) = two_servers("tcp")
    alice.send(request(b"INVITE", SERVICE, via=alice.via))
    one.take_request(b"INVITE")
    node.network.break_flow(one.flow)
    node.layer.flow_closed(one.flow)
    two.take_request(b"INVITE")


def test_connection_that_breaks_after_an_answer_may_come_back():
    node, alice, (one, two) = two_servers("tcp")
    alice.send(request(b"INVITE", SERVICE, via=alice.via))
    one.send(respond(one.take_request(b"INVITE"), 100))
    node.layer.flow_closed(one.flow)
    two.take_nothing()


def test_registered_flow_that_is_gone_is_480():
    node = Node(by_request_uri())
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("tcp", "192.0.2.20")
    gone = bob.flow
    node.layer._user = to_targets(target(b"sip:bob@10.0.0.7", flow=gone))
    node.network.break_flow(gone)
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    alice.take_response(480)


# large requests (s18.1.1)

LARGE = b"v=0\r\n" + b"a=filler\r\n" * 140


async def test_large_request_goes_tcp_with_the_via_changed():
    node = Node(by_request_uri())
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("tcp", "192.0.2.20")
    alice.send(request(b"INVITE", b"sip:bob@192.0.2.20", via=alice.via, body=LARGE))
    await node.layer.settled()
    got = bob.take_request(b"INVITE")
    assert got.via.transport == b"TCP"
    assert len(got.vias) == 2
    assert len(got.headers.values(b"record-route")) == 2
    assert b";transport=tcp" in got.headers.values(b"record-route")[0]
    assert b";transport=tcp" not in got.headers.values(b"record-route")[1]


async def test_large_request_falls_back_to_udp_when_tcp_refuses():
    node = Node(by_request_uri())
    node.network.refused.add(("tcp", "192.0.2.20", 5060))
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    alice.send(request(b"INVITE", b"sip:bob@192.0.2.20", via=alice.via, body=LARGE))
    await node.layer.settled()
    got = bob.take_request(b"INVITE")
    assert got.via.transport == b"UDP"
    assert len(got.vias) == 2
    assert len(got.headers.values(b"record-route")) == 2


def test_large_request_stays_on_its_flow():
    node = Node(by_request_uri())
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    node.layer._user = to_targets(target(b"sip:bob@10.0.0.7", flow=bob.flow))
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via, body=LARGE))
    bob.take_request(b"INVITE")


# loops and spirals


def test_loop_is_482():
    node = Node(by_request_uri())
    alice = node.phone("udp", "192.0.2.10")
    own = b"sip:bob@" + PROXY4.encode()
    alice.send(request(b"INVITE", own, via=alice.via))
    alice.take_response(100)
    alice.take_response(482)


def test_spiral_passes():
    async def user(call: RequestContext) -> None:
        if call.request.uri_raw == b"sip:bob@example.com":
            call.targets.add(target(b"sip:robert@" + PROXY4.encode()))
        else:
            call.targets.add(target(b"sip:bob@192.0.2.20"))
        await call.relay()

    node = Node(user)
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    got = bob.take_request(b"INVITE")
    assert len(got.vias) == 3
    assert len(got.headers.values(b"record-route")) == 4
    assert got.max_forwards == 68
    bob.send(respond(got, 200))
    statuses = [message.status for message in alice.inbox]
    assert statuses[-1] == 200


# branch steps


def test_branch_step_sees_the_hop_and_changes_its_own_copy():
    seen = []

    async def on_branch(call: RequestContext, branch: Branch) -> None:
        seen.append((branch.family, branch.protocol, branch.branch_id))
        branch.request.body = b"for " + branch.target.uri.serialise()

    node = Node(
        to_targets(
            target(b"sip:bob@192.0.2.20"), target(b"sip:bob@[2001:db8::9]"), on_branch=on_branch
        )
    )
    alice = node.phone("udp", "192.0.2.10")
    four, six = node.phone("udp", "192.0.2.20"), node.phone("udp", "2001:db8::9")
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via, body=b"offer"))
    for phone, name in ((four, b"sip:bob@192.0.2.20"), (six, b"sip:bob@[2001:db8::9]")):
        got = phone.take_request(b"INVITE")
        assert got.body == b"for " + name
        assert (got.via.branch or b"").startswith(seen.pop(0)[2])
    assert seen == []


def test_branch_step_that_refuses_fails_its_branch_alone():
    async def on_branch(call: RequestContext, branch: Branch) -> None:
        if branch.target.uri.serialise() == b"sip:bob@192.0.2.20":
            raise Reject(488, b"No Media")

    targets = (target(b"sip:bob@192.0.2.20"), target(b"sip:bob@192.0.2.21"))
    node = Node(to_targets(*targets, on_branch=on_branch))
    alice = node.phone("udp", "192.0.2.10")
    refused, other = node.phone("udp", "192.0.2.20"), node.phone("udp", "192.0.2.21")
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    refused.take_nothing()
    other.send(respond(other.take_request(b"INVITE"), 404))
    assert alice.take_response(100)
    assert alice.take_response(488).reason == b"No Media"


def test_branch_step_that_cannot_read_a_field_is_400(caplog):
    caplog.set_level(logging.WARNING)

    async def on_branch(call: RequestContext, branch: Branch) -> None:
        raise AssertionError(call.original.record_routes)

    node = Node(to_targets(target(b"sip:bob@192.0.2.20"), on_branch=on_branch))
    alice = node.phone("udp", "192.0.2.10")
    broken = ((b"record-route", b"<sip:192.0.2.1;lr"),)
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via, extra=broken))
    alice.take_response(400)
    assert caplog.records == []


def test_faulty_branch_step_is_500(caplog):
    async def on_branch(call: RequestContext, branch: Branch) -> None:
        raise LookupError("a fault")

    node = Node(to_targets(target(b"sip:bob@192.0.2.20"), on_branch=on_branch))
    alice = node.phone("udp", "192.0.2.10")
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    alice.take_response(500)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_one_slow_branch_does_not_hold_the_others():
    slow = asyncio.get_running_loop().create_future()

    async def on_branch(call: RequestContext, branch: Branch) -> None:
        if branch.target.uri.serialise() == b"sip:bob@192.0.2.20":
            await slow

    targets = (target(b"sip:bob@192.0.2.20"), target(b"sip:bob@192.0.2.21"))
    node = Node(to_targets(*targets, on_branch=on_branch))
    alice = node.phone("udp", "192.0.2.10")
    one, two = node.phone("udp", "192.0.2.20"), node.phone("udp", "192.0.2.21")
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    two.send(respond(two.take_request(b"INVITE"), 200))
    slow.set_result(None)
    await node.layer.settled()
    one.take_nothing()  # it was lost before it was sent
    assert [message.status for message in alice.inbox] == [100, 200]


async def test_slow_branch_of_a_cancelled_call_is_never_sent():
    slow = asyncio.get_running_loop().create_future()

    async def on_branch(call: RequestContext, branch: Branch) -> None:
        await slow

    node = Node(to_targets(target(b"sip:bob@192.0.2.20"), on_branch=on_branch))
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    invite = request(b"INVITE", b"sip:bob@example.com", via=alice.via)
    alice.send(invite)
    alice.send(cancel_of(invite))
    slow.set_result(None)
    await node.layer.settled()
    bob.take_nothing()
    statuses = [message.status for message in alice.inbox]
    assert statuses == [100, 200, 487]
    alice.send(ack_of(invite, alice.inbox[-1]))
