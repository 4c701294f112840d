"""How many branches a request may have at a time: Max-Breadth, RFC 5393 s5."""

import pytest

from proxy.core.breadth import incoming, shares
from proxy.sip.message import Request
from tests.harness.builders import cancel_of, request, respond
from tests.harness.network import Node, Phone
from tests.harness.routing_users import by_request_uri, target, to_targets

HOSTS = [f"192.0.2.{number}" for number in range(20, 90)]


def breadth(value: bytes | None, method: bytes = b"INVITE", **how: object) -> Request:
    extra = () if value is None else ((b"max-breadth", value),)
    return request(method, b"sip:bob@192.0.2.20", extra=extra, **how)


INCOMING = [(None, 60), (b"0", 0), (b"1", 1), (b"60", 60), (b"61", 60), (b"4294967295", 60)]


@pytest.mark.parametrize(("value", "most"), INCOMING)
def test_what_a_request_may_have(value, most):
    assert incoming(breadth(value, via=b"SIP/2.0/UDP 192.0.2.10")) == most


SHARES = [
    ((60, 1), [60]),
    ((60, 2), [30, 30]),
    ((60, 7), [9, 9, 9, 9, 8, 8, 8]),
    ((3, 3), [1, 1, 1]),
    ((1, 1), [1]),
]


@pytest.mark.parametrize(("room_and_count", "expected"), SHARES)
def test_shares(room_and_count, expected):
    assert shares(*room_and_count) == expected


def phones(count: int, *, serially: bool = False) -> tuple[Node, Phone, list[Phone]]:
    """A node that forks to so many, all at once or one after the other."""
    node = Node(
        to_targets(
            *(
                target(b"sip:bob@%b" % host.encode(), q=1000 - at if serially else 1000)
                for at, host in enumerate(HOSTS[:count])
            )
        )
    )
    return node, node.phone("udp", "192.0.2.10"), [node.phone("udp", host) for host in HOSTS]


def asked(those: list[Phone]) -> list[int]:
    """The Max-Breadth of each INVITE that has come and was not taken yet."""
    found = []
    for phone in those:
        while phone.inbox:
            message = phone.take()
            if isinstance(message, Request) and message.method == b"INVITE":
                assert message.max_breadth is not None
                found.append(message.max_breadth)
    return found


FORKED = [
    (b"60", 1, [60]),
    (None, 1, [60]),
    (None, 4, [15, 15, 15, 15]),
    (b"1000", 2, [30, 30]),
    (b"5", 2, [3, 2]),
    (b"1", 1, [1]),
]


@pytest.mark.parametrize(("value", "count", "expected"), FORKED)
def test_each_branch_has_its_share(value, count, expected):
    _node, alice, those = phones(count)
    alice.send(breadth(value, via=alice.via))
    assert asked(those) == expected


@pytest.mark.parametrize("method", [b"INVITE", b"MESSAGE"])
def test_nothing_left_is_440(method):
    _node, alice, those = phones(1)
    alice.send(breadth(b"0", method, via=alice.via))
    alice.inbox = [one for one in alice.inbox if one.status != 100]
    alice.take_response(440)
    assert not asked(those)


def test_malformed_is_400():
    node, alice, _ = phones(1)
    node.layer.received(breadth(b"many", via=alice.via), alice.flow, node.clock.time())
    alice.take_response(400)


def test_what_may_not_be_forked_to_at_once_is_tried_behind_it():
    """s5.3.3: forking serially compensates; what a finished branch had is used again (s5.3.3.1)."""
    _node, alice, those = phones(3)
    alice.send(breadth(b"1", via=alice.via))
    for phone, others in ((those[0], those[1:]), (those[1], those[2:])):
        invite = phone.take_request(b"INVITE")
        assert invite.max_breadth == 1
        assert not asked(others)
        phone.send(respond(invite, 486))
    assert those[2].take_request(b"INVITE").max_breadth == 1


def test_more_phones_than_sixty():
    _node, alice, those = phones(70)
    alice.send(breadth(None, via=alice.via))
    invites = [phone.take_request(b"INVITE") for phone in those[:60]]
    assert [invite.max_breadth for invite in invites] == [1] * 60
    assert not asked(those[60:])
    for phone, invite in zip(those, invites, strict=False):
        phone.send(respond(invite, 486))
    assert asked(those[60:]) == [6] * 10


def test_stages_that_may_follow_have_half_kept_for_them():
    """Those before them may not have ended when they begin."""
    node, alice, those = phones(3, serially=True)
    alice.send(breadth(None, via=alice.via))
    for phone, expected in zip(those, (30, 15, 15), strict=False):
        invite = phone.take_request(b"INVITE")
        phone.send(respond(invite, 180))
        assert invite.max_breadth == expected
        node.clock.advance(31)


def test_a_stage_waits_where_those_before_it_have_everything():
    node, alice, those = phones(2, serially=True)
    alice.send(breadth(b"1", via=alice.via))
    invite = those[0].take_request(b"INVITE")
    those[0].send(respond(invite, 180))
    node.clock.advance(31)
    assert not asked(those[1:])
    cancel = those[0].take_request(b"CANCEL")
    those[0].send(respond(cancel, 200))
    those[0].send(respond(invite, 487))
    assert asked(those[1:]) == [1]


def test_a_request_within_a_dialog_and_an_ack_have_one_too():
    node = Node(by_request_uri())
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    for method in (b"BYE", b"ACK"):
        alice.send(breadth(None, method, via=alice.via, to_tag=b"b"))
        assert bob.take_request(method).max_breadth == 60


def test_a_cancel_of_what_waits_starts_nothing():
    _node, alice, those = phones(2)
    invite = breadth(b"1", via=alice.via)
    alice.send(invite)
    first = those[0].take_request(b"INVITE")
    those[0].send(respond(first, 180))
    alice.send(cancel_of(invite))
    those[0].send(respond(those[0].take_request(b"CANCEL"), 200))
    those[0].send(respond(first, 487))
    assert not asked(those[1:])
