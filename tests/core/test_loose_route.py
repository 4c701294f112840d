"""Requests within a dialog: our Route entries, directions, flows that are gone, foreign tokens."""

from collections.abc import Callable

import pytest

from proxy.core.loose_route import binding_route, open_own_entries
from proxy.core.request_context import (
    TOWARD_CALLEE,
    TOWARD_CALLER,
    Direction,
    RequestContext,
)
from proxy.core.target_set import Target
from proxy.sip.message import Request, Response
from proxy.transport.flow_token import Kind, Side
from tests.harness.builders import Dialog, request, respond
from tests.harness.network import PROXY4, Node, Phone
from tests.harness.routing_users import target

IN_DIALOG = [b"BYE", b"PRACK", b"UPDATE", b"INFO", b"INVITE", b"REFER", b"MESSAGE", b"NOTIFY"]


class Talk:
    """A node, two phones, and an INVITE with its 200 between them."""

    def __init__(
        self,
        caller: tuple[str, str] = ("udp", "192.0.2.10"),
        callee: tuple[str, str] = ("udp", "192.0.2.20"),
        *,
        caller_nat: bool = False,
        by_flow: bool = False,
        alice_contact: bytes | None = None,
        bob_contact: bytes | None = None,
        extra: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.seen: list[tuple[Direction | None, bytes | None, bool]] = []
        self.relay_id: bytes | None = b"r1"
        self.caller_nat = caller_nat
        self.node = Node(self.route)
        self.alice = self.node.phone(*caller)
        self.bob = self.node.phone(*callee)
        self.by_flow = by_flow
        self.alice_contact = alice_contact or contact(b"alice", self.alice)
        self.bob_contact = bob_contact or contact(b"bob", self.bob)
        self.invite = request(
            b"INVITE",
            b"sip:bob@example.com",
            via=self.alice.via,
            contact=self.alice_contact,
            extra=extra,
        )
        self.alice.send(self.invite)
        self.alice.take_response(100)
        self.forwarded = self.bob.take_request(b"INVITE")
        self.ok_sent = respond(self.forwarded, 200, contact=self.bob_contact)
        self.bob.send(self.ok_sent)
        self.ok: Response = self.alice.take_response(200)
        self.at_alice = Dialog(self.invite, self.ok, is_caller=True)
        self.at_bob = Dialog(self.forwarded, self.ok_sent, is_caller=False)
        self.seen.clear()

    async def route(self, call: RequestContext) -> None:
        open_own_entries(call)
        self.seen.append((call.direction, call.relay_id, call.is_initial))
        if call.is_initial:
            call.caller_nat = self.caller_nat
            call.relay_id = self.relay_id
            uri = contact(b"bob", self.bob)[1:-1]
            call.targets.add(target(uri, flow=self.bob.flow if self.by_flow else None))
        await call.relay()

    def from_alice(self, method: bytes, **changes) -> Request:
        message = self.at_alice.request(method, via=self.alice.via, **changes)
        self.alice.send(message)
        return message

    def from_bob(self, method: bytes, **changes) -> Request:
        message = self.at_bob.request(method, via=self.bob.via, **changes)
        self.bob.send(message)
        return message


def contact(user: bytes, phone: Phone) -> bytes:
    host = f"[{phone.address[0]}]" if ":" in phone.address[0] else phone.address[0]
    param = b"" if phone.protocol == "udp" else b";transport=" + phone.protocol.encode()
    return b"<sip:%b@%b:%d%b>" % (user, host.encode(), phone.address[1], param)


PAIRS = [
    (("udp", "192.0.2.10"), ("udp", "192.0.2.20")),
    (("tcp", "192.0.2.10"), ("udp", "192.0.2.20")),
    (("udp", "192.0.2.10"), ("tcp", "192.0.2.20")),
    (("udp", "192.0.2.10"), ("udp", "2001:db8::20")),
    (("tls", "2001:db8::10"), ("udp", "192.0.2.20")),
    (("wss", "192.0.2.10"), ("tcp", "2001:db8::20")),
]


@pytest.mark.parametrize(("caller", "callee"), PAIRS)
@pytest.mark.parametrize("method", IN_DIALOG)
def test_in_dialog_both_directions(caller, callee, method):
    talk = Talk(caller, callee)
    talk.from_alice(method)
    at_bob = talk.bob.take_request(method)
    assert at_bob.uri_raw == talk.bob_contact[1:-1]
    assert not at_bob.headers.has(b"route")
    talk.bob.send(respond(at_bob, 200))
    if method == b"INVITE":
        talk.alice.take_response(100)
    talk.alice.take_response(200)
    talk.from_bob(method)
    at_alice = talk.alice.take_request(method)
    assert at_alice.uri_raw == talk.alice_contact[1:-1]
    assert not at_alice.headers.has(b"route")
    talk.alice.send(respond(at_alice, 200))
    if method == b"INVITE":
        talk.bob.take_response(100)
    talk.bob.take_response(200)
    assert talk.seen == [(TOWARD_CALLEE, b"r1", False), (TOWARD_CALLER, b"r1", False)]


def test_ack_of_a_2xx_is_forwarded_without_a_transaction():
    talk = Talk()
    before = talk.node.layer.transactions
    ack = talk.from_alice(b"ACK", cseq=1)
    talk.alice.send(ack)
    first, second = talk.bob.take_request(b"ACK"), talk.bob.take_request(b"ACK")
    assert first.via.branch == second.via.branch  # s16.11
    assert len(first.vias) == 2
    assert talk.node.layer.transactions == before


def test_ack_with_the_branch_of_its_invite_passes_too():
    talk = Talk()
    ack = talk.at_alice.request(b"ACK", via=talk.alice.via, cseq=1)
    ack.headers.set(b"via", talk.invite.headers.first(b"via") or b"")
    talk.alice.send(ack)
    talk.bob.take_request(b"ACK")


def test_caller_behind_nat_is_reached_by_its_flow():
    talk = Talk(caller_nat=True, alice_contact=b"<sip:alice@10.0.0.5:5060>")
    talk.from_bob(b"BYE")
    assert talk.alice.take_request(b"BYE").uri_raw == b"sip:alice@10.0.0.5:5060"


def test_caller_behind_another_proxy_is_located():
    extra = ((b"record-route", b"<sip:192.0.2.77;lr>"),)
    talk = Talk(caller_nat=True, extra=extra)
    edge = talk.node.phone("udp", "192.0.2.77")
    talk.from_bob(b"BYE")
    bye = edge.take_request(b"BYE")
    assert bye.headers.values(b"route") == [b"<sip:192.0.2.77;lr>"]


def test_callee_with_a_flow_is_reached_by_it():
    talk = Talk(callee=("wss", "192.0.2.20"), by_flow=True, bob_contact=b"<sip:x@df7jal.invalid>")
    talk.from_alice(b"BYE")
    assert talk.bob.take_request(b"BYE").uri_raw == b"sip:x@df7jal.invalid"


# flows that are gone


@pytest.mark.parametrize("protocol", ["ws", "wss"])
def test_browser_that_is_gone_is_430(protocol):
    talk = Talk(callee=(protocol, "192.0.2.20"), by_flow=True)
    talk.node.network.break_flow(talk.bob.flow)
    talk.from_alice(b"BYE")
    talk.alice.take_response(430)


async def test_connection_that_is_gone_and_cannot_be_opened_is_430():
    talk = Talk(caller=("tcp", "192.0.2.10"))
    talk.node.network.break_flow(talk.alice.flow)
    talk.node.network.refused.add(("tcp", "192.0.2.10", 5060))
    talk.from_bob(b"BYE")
    await talk.node.layer.settled()
    talk.bob.take_response(430)


async def test_connection_that_is_gone_is_opened_again_to_the_contact():
    talk = Talk(caller=("tcp", "192.0.2.10"))
    talk.node.network.break_flow(talk.alice.flow)
    talk.from_bob(b"BYE")
    await talk.node.layer.settled()
    talk.alice.take_request(b"BYE")


async def test_after_a_restart_every_side_is_still_reached():
    talk = Talk(caller=("tcp", "192.0.2.10"))
    again = Node(talk.route)
    again.tokens._boot_id = b"next"
    again.network.phones = talk.node.network.phones
    for phone in (talk.alice, talk.bob):
        phone._network = again.network
    talk.from_bob(b"BYE")
    await again.layer.settled()
    talk.alice.take_request(b"BYE")
    talk.from_alice(b"INFO")
    talk.bob.take_request(b"INFO")


def test_ack_to_a_side_that_is_gone_is_dropped():
    talk = Talk(callee=("wss", "192.0.2.20"), by_flow=True)
    talk.node.network.break_flow(talk.bob.flow)
    talk.from_alice(b"ACK", cseq=1)
    talk.alice.take_nothing()


# foreign and broken tokens


def spoiled(route: bytes) -> bytes:
    at = route.index(b"@") - 2
    return route[:at] + (b"A" if route[at : at + 1] != b"A" else b"B") + route[at + 1 :]


@pytest.mark.parametrize("entry", [0, 1])
def test_spoiled_seal_is_403(entry):
    talk = Talk()
    routes = list(talk.at_alice.route_set)
    routes[entry] = spoiled(routes[entry])
    talk.from_alice(b"BYE", routes=tuple(routes))
    talk.alice.take_response(403)
    talk.bob.take_nothing()


def test_token_of_another_call_is_403():
    talk = Talk()
    talk.at_alice.call_id = b"another@call"
    talk.from_alice(b"BYE")
    talk.alice.take_response(403)


def test_ack_with_a_foreign_token_is_dropped():
    talk = Talk()
    talk.at_alice.call_id = b"another@call"
    talk.from_alice(b"ACK", cseq=1)
    talk.alice.take_nothing()
    talk.bob.take_nothing()


def test_binding_token_in_a_dialog_is_403():
    talk = Talk()
    token = talk.node.tokens.seal(Side(Kind.BINDING, talk.bob.flow), talk.at_alice.call_id)
    routes = (b"<sip:%b@%b:5060;lr>" % (token, PROXY4.encode()),)
    talk.from_alice(b"BYE", routes=routes)
    talk.alice.take_response(403)


# odd Route sets


def test_only_one_of_the_two_entries():
    talk = Talk()
    talk.from_alice(b"BYE", routes=talk.at_alice.route_set[:1])
    talk.bob.take_request(b"BYE")
    assert talk.seen == [(TOWARD_CALLEE, b"r1", False)]


def test_both_entries_in_one_line_and_other_spelling():
    talk = Talk()
    one, two = talk.at_alice.route_set
    line = b"<%b> ,  %b" % (one[1:-1].replace(b"sip:", b"SIP:"), two)
    talk.from_alice(b"BYE", routes=(line,))
    assert not talk.bob.take_request(b"BYE").headers.has(b"route")


def test_more_routes_behind_ours_stay():
    talk = Talk()
    edge = talk.node.phone("udp", "192.0.2.77")
    talk.from_alice(b"BYE", routes=(*talk.at_alice.route_set, b"<sip:192.0.2.77;lr>"))
    assert edge.take_request(b"BYE").headers.values(b"route") == [b"<sip:192.0.2.77;lr>"]


def test_strict_router_before_us():
    """It has put our entry into the Request-URI, and the Request-URI last into the Route."""
    talk = Talk()
    one, two = talk.at_alice.route_set
    target_uri = talk.at_alice.remote_target
    talk.at_alice.remote_target = one[1:-1]
    talk.from_alice(b"BYE", routes=(two, b"<%b>" % target_uri))
    bye = talk.bob.take_request(b"BYE")
    assert bye.uri_raw == target_uri
    assert not bye.headers.has(b"route")
    assert talk.seen == [(TOWARD_CALLEE, b"r1", False)]


def test_spiralled_call_has_four_entries_and_each_passage_takes_two():
    async def user(call: RequestContext) -> None:
        open_own_entries(call)
        directions.append(call.direction)
        if call.is_initial and call.request.uri_raw == b"sip:bob@example.com":
            call.targets.add(target(b"sip:robert@" + PROXY4.encode()))
        elif call.is_initial:
            call.targets.add(target(b"sip:bob@192.0.2.20"))
        await call.relay()

    directions: list[Direction | None] = []
    node = Node(user)
    alice, bob = node.phone("udp", "192.0.2.10"), node.phone("udp", "192.0.2.20")
    invite = request(b"INVITE", b"sip:bob@example.com", via=alice.via)
    alice.send(invite)
    forwarded = bob.take_request(b"INVITE")
    ok = respond(forwarded, 200)
    bob.send(ok)
    directions.clear()
    assert len(forwarded.headers.values(b"record-route")) == 4
    bob.send(Dialog(forwarded, ok, is_caller=False).request(b"INFO", via=bob.via))
    answered = [m for m in alice.inbox if isinstance(m, Response) and m.status == 200]
    assert isinstance(alice.inbox.pop(), Request)
    alice.send(Dialog(invite, answered[0], is_caller=True).request(b"BYE", via=alice.via))
    bob.take_request(b"BYE")
    assert directions == [TOWARD_CALLER] * 2 + [TOWARD_CALLEE] * 2


# initial requests


def routed_by(check: Callable[[RequestContext], None]) -> tuple[Node, Phone, list[bytes]]:
    seen: list[bytes] = []

    async def user(call: RequestContext) -> None:
        open_own_entries(call)
        check(call)
        seen.extend(call.request.headers.values(b"route"))
        call.reply(200)

    node = Node(user)
    return node, node.phone("udp", "192.0.2.10"), seen


def assert_initial(call: RequestContext) -> None:
    assert call.is_initial
    assert call.direction is None


@pytest.mark.parametrize(
    "routes",
    [
        (b"<sip:198.51.100.1;lr>",),
        (b"<sip:198.51.100.1:5060;transport=udp;lr>",),
        (b"<sip:[2001:db8::1];lr>", b"<sip:198.51.100.1;lr>"),
        (b"<sip:me@198.51.100.1;lr>",),
    ],
)
def test_outbound_proxy_route_to_us_is_taken_off(routes):
    _node, alice, seen = routed_by(assert_initial)
    alice.send(request(b"OPTIONS", b"sip:bob@example.com", via=alice.via, routes=routes))
    alice.take_response(200)
    assert seen == []


def test_preloaded_route_elsewhere_stays_for_routing_to_judge():
    _node, alice, seen = routed_by(assert_initial)
    routes = (b"<sip:198.51.100.1;lr>", b"<sip:203.0.113.9;lr>")
    alice.send(request(b"OPTIONS", b"sip:bob@example.com", via=alice.via, routes=routes))
    assert seen == [b"<sip:203.0.113.9;lr>"]


def test_own_maddr_is_taken_off():
    uris = []
    _node, alice, _seen = routed_by(lambda call: uris.append(call.request.uri_raw))
    uri = b"sip:bob@example.com:5060;maddr=198.51.100.1;transport=udp"
    alice.send(request(b"OPTIONS", uri, via=alice.via))
    other = b"sip:bob@example.com;maddr=203.0.113.9"
    alice.send(request(b"OPTIONS", other, via=alice.via))
    assert uris == [b"sip:bob@example.com", other]


# tokens of registered contacts

AOR = b"o'hara%@example.com"


def sent_by_another_node(phone_protocol: str = "tcp", **changes):
    """A request from another node of the cluster for a contact whose flow is here."""
    facts: list[tuple[bool, bytes | None]] = []

    async def user(call: RequestContext) -> None:
        open_own_entries(call)
        facts.append((call.is_initial, call.binding_aor))
        await call.relay()

    node = Node(user)
    other, bob = node.phone("udp", "198.51.100.2"), node.phone(phone_protocol, "192.0.2.20")
    token = node.tokens.seal(Side(Kind.BINDING, bob.flow), changes.get("sealed_for", AOR))
    place, aor = (PROXY4.encode(), 5060), changes.get("aor", AOR)
    route = binding_route(token, place, aor, is_secure=False).serialise()
    message = request(b"INVITE", b"sip:bob@10.0.0.7:5062", via=other.via, routes=(route,))
    return node, other, bob, message, facts


def test_binding_token_leads_to_the_contacts_flow():
    _node, other, bob, message, facts = sent_by_another_node()
    other.send(message)
    got = bob.take_request(b"INVITE")
    assert got.uri_raw == b"sip:bob@10.0.0.7:5062"
    assert not got.headers.has(b"route")
    assert len(got.headers.values(b"record-route")) == 2
    assert facts == [(False, AOR)]


def test_binding_token_for_another_aor_is_403():
    _node, other, bob, message, _facts = sent_by_another_node(sealed_for=b"eve@example.com")
    other.send(message)
    other.take_response(403)
    bob.take_nothing()


def test_binding_token_without_its_aor_is_403():
    _node, other, _bob, message, _facts = sent_by_another_node(aor=b"")
    other.send(message)
    other.take_response(403)


def test_binding_token_of_a_dead_flow_is_430():
    node, other, bob, message, _facts = sent_by_another_node()
    node.network.break_flow(bob.flow)
    other.send(message)
    other.take_response(430)


def test_binding_route_is_a_legal_route_value():
    route = binding_route(b"token", (b"192.0.2.1", 5060), AOR, is_secure=False).serialise()
    assert route == b"<sip:token@192.0.2.1:5060;lr;aor=o%27hara%25%40example.com>"


def test_target_facts_do_not_leak_between_targets():
    one, two = Target(target(b"sip:a@b").uri), Target(target(b"sip:a@b").uri)
    one.nat = True
    assert not two.nat
