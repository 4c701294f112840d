"""Our two Record-Route entries: on which requests, and what they say (RFC 5658)."""

import pytest

from proxy.core.request_context import RequestContext
from proxy.sip.fields import parse_name_addr
from proxy.sip.uri import SipUri
from proxy.transport.flow_token import Kind
from tests.harness.builders import request
from tests.harness.network import Node
from tests.harness.routing_users import target, to_targets

SIDES = [
    (
        ("udp", "192.0.2.10"),
        ("udp", "192.0.2.20"),
        b"sip:@198.51.100.1:5060;lr",
        b"sip:@198.51.100.1:5060;lr",
    ),
    (
        ("tcp", "192.0.2.10"),
        ("udp", "2001:db8::20"),
        b"sip:@[2001:db8::1]:5060;lr",
        b"sip:@198.51.100.1:5060;transport=tcp;lr",
    ),
    (
        ("wss", "192.0.2.10"),
        ("tls", "192.0.2.20"),
        b"sip:@198.51.100.1:5061;transport=tls;lr",
        b"sip:@198.51.100.1:8443;transport=ws;lr",
    ),
    (
        ("udp", "2001:db8::10"),
        ("ws", "192.0.2.20"),
        b"sip:@198.51.100.1:8080;transport=ws;lr",
        b"sip:@[2001:db8::1]:5060;lr",
    ),
]


def forwarded(caller, callee, *, method=b"INVITE", uri=b"sip:bob@example.com", **changes):
    node = Node(to_targets())
    alice, bob = node.phone(*caller), node.phone(*callee)
    scheme = uri.partition(b":")[0]
    node.layer._user = to_targets(target(scheme + b":bob@10.0.0.7", flow=bob.flow))
    alice.send(request(method, uri, via=alice.via, **changes))
    got = bob.take_request(method)
    uris = [parse_name_addr(value).uri for value in got.headers.values(b"record-route")]
    return node, uris


def without_token(uri: SipUri) -> bytes:
    return uri.serialise().replace(uri.user or b"", b"")


@pytest.mark.parametrize(("caller", "callee", "upper", "lower"), SIDES)
def test_each_entry_names_the_listener_of_its_side(caller, callee, upper, lower):
    _node, uris = forwarded(caller, callee)
    assert [without_token(uri) for uri in uris] == [upper, lower]


def test_tokens_name_the_sides():
    node, (upper, lower) = forwarded(("tcp", "192.0.2.10"), ("tcp", "192.0.2.20"))
    sides = [node.tokens.open(uri.user, b"call-1@test") for uri in (upper, lower)]
    assert [side.kind for side in sides] == [Kind.CALLEE, Kind.CALLER]
    flows = [node.network.live_flow(side.flow) for side in sides]
    assert [flow.remote[0] for flow in flows] == ["192.0.2.20", "192.0.2.10"]


def test_caller_that_can_be_located_has_no_flow_in_its_token():
    node, (_upper, lower) = forwarded(("udp", "192.0.2.10"), ("udp", "192.0.2.20"))
    assert node.tokens.open(lower.user, b"call-1@test").flow is None


def test_sips_where_it_belongs():
    _node, uris = forwarded(
        ("tls", "192.0.2.10"), ("wss", "192.0.2.20"), uri=b"sips:bob@example.com"
    )
    assert [without_token(uri) for uri in uris] == [
        b"sips:@198.51.100.1:8443;transport=ws;lr",
        b"sips:@198.51.100.1:5061;lr",
    ]


def test_no_sips_on_a_side_that_is_not_secure():
    _node, uris = forwarded(
        ("udp", "192.0.2.10"), ("tls", "192.0.2.20"), uri=b"sips:bob@example.com"
    )
    assert [uri.scheme for uri in uris] == [b"sips", b"sip"]


@pytest.mark.parametrize(
    ("method", "to_tag", "entries"),
    [
        (b"INVITE", None, 2),
        (b"SUBSCRIBE", None, 2),
        (b"REFER", None, 2),
        (b"NOTIFY", None, 2),
        (b"NOTIFY", b"tag", 2),  # RFC 6665 s4.3: each may make the dialog
        (b"INVITE", b"tag", 0),
        (b"SUBSCRIBE", b"tag", 0),
        (b"OPTIONS", None, 0),
        (b"MESSAGE", None, 0),
        (b"PUBLISH", None, 0),
        (b"BYE", b"tag", 0),
    ],
)
def test_only_what_forms_a_dialog(method, to_tag, entries):
    node = Node(to_targets())
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    alice.send(request(method, b"sip:bob@192.0.2.20", via=alice.via, to_tag=to_tag))
    got = bob.take_request(method)
    assert len(got.headers.values(b"record-route")) == entries


def test_the_near_entry_is_the_same_for_all_branches():
    targets = [target(b"sip:bob@192.0.2.%d" % host) for host in (20, 21)]
    node = Node(to_targets(*targets))
    alice = node.phone("udp", "192.0.2.10")
    bobs = [node.phone("udp", f"192.0.2.{host}") for host in (20, 21)]
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    lower = {bob.take_request(b"INVITE").headers.values(b"record-route")[1] for bob in bobs}
    assert len(lower) == 1


def test_relay_chosen_by_the_branch_step_is_sealed():
    async def on_branch(call: RequestContext, branch: object) -> None:
        call.relay_id = b"relay7"

    node = Node(to_targets(target(b"sip:bob@192.0.2.20"), on_branch=on_branch))
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    alice.send(request(b"INVITE", b"sip:bob@example.com", via=alice.via))
    for value in bob.take_request(b"INVITE").headers.values(b"record-route"):
        uri = parse_name_addr(value).uri
        assert node.tokens.open(uri.user, b"call-1@test").relay_id == b"relay7"
