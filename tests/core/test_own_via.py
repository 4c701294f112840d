"""Our Via: what it says, and what we recognise by it."""

import pytest

from proxy.core.own_via import OwnVia, loop_mark
from proxy.sip.fields import parse_via
from proxy.sip.message import Request
from proxy.sip.uri import parse_uri
from tests.harness.builders import request
from tests.harness.clock import Clock
from tests.harness.network import Network


def mark_of(message: Request) -> int:
    return loop_mark(message, dict(message.headers.lines))


def own_via(node_id: bytes = b"a", secret: bytes = b"s" * 32) -> OwnVia:
    return OwnVia(Network(Clock()), node_id=node_id, secret=secret)


FLOWS = [
    ("udp", ("192.0.2.1", 5060), b"SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKx"),
    ("tcp", ("192.0.2.1", 5060), b"SIP/2.0/TCP 198.51.100.1:5060;branch=z9hG4bKx"),
    ("tls", ("2001:db8::9", 5061), b"SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bKx"),
    ("wss", ("192.0.2.1", 443), b"SIP/2.0/WSS 198.51.100.1:8443;branch=z9hG4bKx"),
]


@pytest.mark.parametrize(("protocol", "address", "value"), FLOWS)
def test_value(protocol, address, value):
    network = Network(Clock())
    via = OwnVia(network, node_id=b"a", secret=b"s")
    flow = network.flow(protocol, address)
    assert via.line(flow, b"z9hG4bKx") == b"Via: " + value
    assert via.line(flow, b"z9hG4bKx") == b"Via: " + value


def test_alias_where_the_far_side_has_proved_its_name():
    network = Network(Clock())
    via = OwnVia(network, node_id=b"a", secret=b"s")
    known, unknown = (network.flow("tls", (f"192.0.2.{at}", 5061)) for at in (1, 2))
    network.certificates[known] = (b"b.test",)
    said = parse_via(via.line(known, b"z9hG4bKx").removeprefix(b"Via: "))
    assert (said.branch, said.param(b"alias")) == (b"z9hG4bKx", b"")
    assert b"alias" not in via.line(unknown, b"z9hG4bKx")


def test_branches_are_unique_and_begin_with_the_node():
    via = own_via(b"node7")
    invite = request(b"INVITE", b"sip:bob@example.com")
    branches = {via.branch_id(invite, 5) for _ in range(100)}
    assert len(branches) == 100
    assert all(branch.startswith(b"z9hG4bKnode7-") for branch in branches)
    assert all(via.is_ours(branch) for branch in branches)
    assert not own_via(b"node8").is_ours(branches.pop())


def test_a_retransmitted_ack_gets_the_same_branch():
    via = own_via()
    ack = request(b"ACK", b"sip:bob@example.com")
    other = request(b"ACK", b"sip:bob@example.com")
    assert via.stateless_branch_id(ack) == via.stateless_branch_id(ack.copy())
    assert via.stateless_branch_id(ack) != via.stateless_branch_id(other)


def forwarded(via: OwnVia, invite, mark: int):
    """The request as it comes back with our Via and another proxy's on top."""
    copy = invite.copy()
    for value in (
        b"SIP/2.0/UDP 198.51.100.1:5060;branch=" + via.branch_id(invite, mark),
        b"SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bKother",
    ):
        copy.headers.prepend(b"via", value)
    return copy


def test_a_request_that_comes_back_unchanged_is_a_loop():
    via = own_via()
    invite = request(b"INVITE", b"sip:bob@example.com")
    mark = mark_of(invite)
    assert not via.is_loop(invite, mark)
    back = forwarded(via, invite, mark)
    assert mark_of(back) == mark
    assert via.is_loop(back, mark)


@pytest.mark.parametrize(
    "change",
    [
        {"uri": b"sip:other@example.com"},
        {"routes": (b"<sip:p.example.org;lr>",)},
        {"cseq": 2},
        {"call_id": b"another"},
        {"from_tag": b"another"},
        {"to_tag": b"another"},
    ],
)
def test_a_changed_request_is_a_spiral(change):
    via = own_via()
    uri = change.pop("uri", b"sip:bob@example.com")
    invite = request(b"INVITE", b"sip:bob@example.com", to_uri=b"sip:bob@example.com")
    back = forwarded(via, invite, mark_of(invite))
    changed = request(b"INVITE", uri, to_uri=b"sip:bob@example.com", **change)
    for value in reversed(back.headers.values(b"via")[:2]):
        changed.headers.prepend(b"via", value)
    assert not via.is_loop(changed, mark_of(changed))


def test_via_values_in_one_line_are_seen():
    via = own_via()
    invite = request(b"INVITE", b"sip:bob@example.com")
    mark = mark_of(invite)
    back = forwarded(via, invite, mark)
    values = back.headers.values(b"via")
    back.headers.set(b"via", b", ".join(values))
    assert via.is_loop(back, mark)


def test_seal_ties_our_via_to_the_one_below():
    via = own_via()
    invite = request(b"INVITE", b"sip:bob@example.com")
    own = parse_via(b"SIP/2.0/UDP 198.51.100.1;branch=" + via.branch_id(invite, 1))
    assert via.has_sealed(own, invite.via)
    assert own_via().has_sealed(own, invite.via)  # a later life of the node
    assert not own_via(secret=b"other").has_sealed(own, invite.via)
    stranger = parse_via(b"SIP/2.0/UDP 203.0.113.66:5060;branch=z9hG4bKvictim")
    assert not via.has_sealed(own, stranger)
    for elsewhere in (
        invite.via.with_param(b"received", b"127.0.0.1"),
        invite.via.with_param(b"rport", b"6379"),
        parse_via(invite.via.serialise().replace(b"/UDP", b"/TCP")),
    ):
        assert not via.has_sealed(own, elsewhere)  # what the callee wrote into the one below
    bye = request(b"BYE", b"sip:bob@example.com")
    unsealed = parse_via(b"SIP/2.0/UDP 198.51.100.1;branch=" + via.branch_id(bye, 1))
    assert not via.has_sealed(unsealed, bye.via)


@pytest.mark.parametrize("branch", [b"z9hG4bKa-", b"z9hG4bKa-1.2.", b"z9hG4bKb-1.2.3", b"x"])
def test_rubbish_is_not_sealed(branch):
    via = own_via()
    below = request(b"INVITE", b"sip:bob@example.com").via
    assert not via.has_sealed(parse_via(b"SIP/2.0/UDP 198.51.100.1;branch=" + branch), below)


def passing(node_id: bytes, minutes: int = 0, secret: bytes = b"s" * 32) -> OwnVia:
    wall = lambda: 1_800_000_000.0 + minutes * 60  # noqa: E731
    return OwnVia(Network(Clock()), node_id=node_id, secret=secret, wall=wall)


def test_an_invite_that_has_come_through_another_node_is_known():
    invite = request(b"INVITE", b"sip:bob@example.com")
    back = forwarded(passing(b"a"), invite, mark_of(invite))
    back.uri = parse_uri(b"sip:carol@example.com")
    for minutes in (-2, 0, 3):
        assert passing(b"b", minutes).has_passed(back)
        assert not passing(b"a", minutes).has_passed(back)  # its own it knows by the call
    for stranger in (passing(b"b", 6), passing(b"b", -6), passing(b"b", secret=b"t" * 32)):
        assert not stranger.has_passed(back)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"from", b"<sip:mallory@example.com>;tag=1928301774"),
        (b"from", b"<sip:alice@example.com>;tag=another"),
        (b"call-id", b"another"),
    ],
)
def test_a_passage_is_of_one_caller_and_call(name, value):
    invite = request(b"INVITE", b"sip:bob@example.com")
    back = forwarded(passing(b"a"), invite, mark_of(invite))
    assert back.headers.first(name) != value
    back.headers.set(name, value)
    assert not passing(b"b").has_passed(back)


@pytest.mark.parametrize("branch", [b"z9hG4bKa-1", b"z9hG4bKa-1.2.3", b"z9hG4bKa-1.2." + b"0" * 32])
def test_rubbish_is_no_passage(branch):
    invite = request(b"INVITE", b"sip:bob@example.com")
    for value in (b"SIP/2.0/UDP 198.51.100.1:5060;branch=" + branch, b"SIP/2.0/UDP 203.0.113.5"):
        invite.headers.prepend(b"via", value)
    assert not passing(b"b").has_passed(invite)


def test_a_request_within_a_dialog_leaves_no_passage():
    invite = request(b"INVITE", b"sip:bob@example.com", to_tag=b"t")
    back = forwarded(passing(b"a"), invite, mark_of(invite))
    assert not passing(b"b").has_passed(back)
