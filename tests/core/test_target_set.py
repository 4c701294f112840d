"""Target sets: each target once, groups by falling q."""

from proxy.core.target_set import Target, TargetSet
from proxy.sip.fields import parse_name_addr
from proxy.sip.uri import parse_uri
from proxy.transport.flow import Flow

FLOW = Flow("udp", ("198.51.100.1", 5060), ("192.0.2.20", 5060))


def target(text: bytes, **facts: object) -> Target:
    return Target(parse_uri(text), **facts)


def test_a_uri_stands_in_the_set_once():
    targets = TargetSet()
    assert targets.add(target(b"sip:bob@a"))
    assert not targets.add(target(b"sip:bob@a", q=10))
    assert targets.add(target(b"sip:bob@a", flow=FLOW))
    assert targets.add(target(b"sip:bob@a", route_set=(parse_name_addr(b"<sip:p;lr>"),)))
    assert len(targets) == 3


def test_groups_by_falling_q_in_order_of_adding():
    targets = TargetSet()
    for text, q in ((b"sip:1@a", 500), (b"sip:2@a", 1000), (b"sip:3@a", 500), (b"sip:4@a", 0)):
        targets.add(target(text, q=q))
    groups = [[one.uri.serialise() for one in group] for group in targets.groups()]
    assert groups == [[b"sip:2@a"], [b"sip:1@a", b"sip:3@a"], [b"sip:4@a"]]


def test_no_target_no_group():
    assert TargetSet().groups() == []


def test_replace():
    targets = TargetSet()
    targets.add(target(b"sip:1@a"))
    targets.replace(target(b"sip:2@a"), target(b"sip:2@a"))
    assert [one.uri.serialise() for one in targets] == [b"sip:2@a"]
