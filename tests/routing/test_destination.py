"""Where first requests go (docs/behaviour.md s3): ourselves, bindings, nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.observe.heartbeat import Peer
from proxy.sip.message import Response
from proxy.sip.uri import SipUri
from proxy.transport.flow_token import Tokens
from tests.harness.builders import cancel_of
from tests.routing.world import EXAMPLE, World, user_of

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
STRANGER = b"stranger@elsewhere.org"


@pytest.mark.parametrize(
    "uri", [b"sip:example.com", b"sip:Example.COM.", b"sip:198.51.100.1:5060", b"sip:198.51.100.1"]
)
def test_options_to_ourselves(uri: bytes) -> None:
    phone = World().phone(STRANGER, "203.0.113.5")
    phone.sends(b"OPTIONS", uri)
    answer = phone.take_response(200)
    assert answer.headers.has(b"allow")
    assert answer.headers.has(b"accept")


def test_options_that_require_what_nobody_here_knows() -> None:
    phone = World().phone(STRANGER, "203.0.113.5")
    phone.sends(b"OPTIONS", b"sip:example.com", extra=((b"require", b"100rel, x-new"),))
    assert phone.take_response(420).headers.values(b"unsupported") == [b"100rel", b"x-new"]


@pytest.mark.parametrize("method", [b"INVITE", b"MESSAGE", b"INFO", b"PUBLISH"])
def test_a_request_without_a_user(method: bytes) -> None:
    phone = World().phone(STRANGER, "203.0.113.5")
    phone.sends(method, b"sip:example.com")
    phone.take_response(484)


@pytest.mark.parametrize("uri", [b"tel:+15551234567", b"http://example.com", b"urn:service:sos"])
def test_uris_that_we_do_not_route(uri: bytes) -> None:
    phone = World().phone(STRANGER, "203.0.113.5")
    phone.sends(b"INVITE", uri, to_uri=b"sip:x@example.com")
    answer = phone.take()
    assert isinstance(answer, Response)
    while answer.status == 100:
        answer = phone.take()
    assert answer.status == 416


def status_of(world: World, caller: bytes, callee: bytes) -> int:
    """What a caller who signs in, if he can, gets for an INVITE."""
    phone = world.phone(caller, "203.0.113.5")
    message = phone.asks(b"INVITE", b"sip:" + callee)
    if caller == STRANGER:
        phone.send(message)
    else:
        phone.authenticates(message)
    answer = phone.take()
    assert isinstance(answer, Response)
    return answer.status


@pytest.mark.parametrize(
    ("caller", "callee", "status"),
    [
        (ALICE, BOB, 480),
        (ALICE, b"nobody@example.com", 404),
        (STRANGER, BOB, 480),
        (STRANGER, b"nobody@example.com", 480),
        (b"mallory@other.example", b"nobody@example.com", 480),
        (ALICE, b"mallory@other.example", 480),
        (ALICE, b"nobody@other.example", 404),  # this one does not hide its users
        (STRANGER, b"nobody@other.example", 404),
    ],
)
def test_who_is_told_that_a_user_exists(caller: bytes, callee: bytes, status: int) -> None:
    assert status_of(World(), caller, callee) == status


def test_a_guest_of_an_open_domain_is_a_stranger_to_the_others() -> None:
    world = World()
    guest = world.phone(b"guest@open.example", "203.0.113.5")
    guest.sends(b"MESSAGE", b"sip:nobody@example.com")
    guest.take_response(480)


def test_a_disabled_domain_is_not_there() -> None:
    world = World(replace(EXAMPLE, enabled=False))
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(b"MESSAGE", b"sip:bob@example.com")
    phone.take_response(404)


def test_users_are_found_whatever_the_case_and_escapes() -> None:
    world = World()
    bob = world.registered(BOB, "192.0.2.20")
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(b"MESSAGE", b"sip:B%6fB@EXAMPLE.com;user=phone")
    bob.take_request(b"MESSAGE")


def test_a_phone_may_dial_by_the_address_of_its_proxy() -> None:
    world = World()
    alice, bob = world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")
    alice.authenticates(alice.asks(b"MESSAGE", b"sip:bob@198.51.100.1"))
    bob.take_request(b"MESSAGE")


def test_a_stranger_may_not() -> None:
    world = World()
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(b"MESSAGE", b"sip:bob@198.51.100.1")
    phone.take_response(403)


def test_methods_that_a_contact_does_not_allow() -> None:
    world = World()
    bob = world.phone(BOB, "192.0.2.20")
    bob.registers(contact=bob.contact + b';methods="INVITE, ACK, BYE"')
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(b"MESSAGE", b"sip:bob@example.com")
    assert phone.take_response(405).headers.first(b"allow") == b"INVITE, ACK, BYE"
    phone.sends(b"INVITE", b"sip:bob@example.com")
    bob.take_request(b"INVITE")


def test_all_contacts_of_the_best_q_ring_first() -> None:
    world = World()
    desk, mobile, car = (world.phone(BOB, f"192.0.2.2{n}") for n in range(3))
    desk.registers(contact=desk.contact + b";q=1.0")
    mobile.registers(contact=mobile.contact)
    car.registers(contact=car.contact + b";q=0.5")
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(b"INVITE", b"sip:bob@example.com")
    for rings in (desk, mobile):
        rings.answers(rings.take_request(b"INVITE"), 486)
    car.answers(car.take_request(b"INVITE"), 200)
    phone.take_response(100)
    phone.take_response(200)


def test_cancel_reaches_the_phone() -> None:
    world = World()
    bob = world.registered(BOB, "192.0.2.20")
    phone = world.phone(STRANGER, "203.0.113.5")
    invite = phone.sends(b"INVITE", b"sip:bob@example.com")
    came = bob.take_request(b"INVITE")
    bob.answers(came, 180)
    phone.send(cancel_of(invite))
    bob.take_request(b"CANCEL")
    assert [phone.take().status for _ in range(3)] == [100, 180, 200]


def test_cancel_without_a_transaction() -> None:
    world = World()
    world.registered(BOB, "192.0.2.20")
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.send(cancel_of(phone.asks(b"INVITE", b"sip:bob@example.com")))
    phone.take_response(481)


def test_a_browser_whose_connection_is_gone_is_not_there() -> None:
    world = World()
    bob = world.phone(BOB, "192.0.2.20", 50_000, "wss")
    bob.registers(contact=b"<sip:bob@8fk3.invalid;transport=ws>")
    world.air.break_flow(bob.flow)
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(b"MESSAGE", b"sip:bob@example.com")
    phone.take_response(480)


def test_bindings_outlive_a_restart() -> None:
    """A UDP flow is told by the token alone; what hung on a connection is gone with it."""
    world = World()
    desk = world.registered(BOB, "203.0.113.9", 40_000, contact=b"<sip:bob@10.0.0.9>")
    browser = world.phone(BOB, "192.0.2.20", 50_000, "wss")
    browser.registers(contact=b"<sip:bob@8fk3.invalid;transport=ws>")
    world.node.tokens = Tokens(b"k" * 32, b"next")
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(b"MESSAGE", b"sip:bob@example.com")
    assert user_of(desk.take_request(b"MESSAGE").uri) == b"bob"
    browser.take_nothing()


@pytest.mark.parametrize(
    ("protocol", "contact"),
    [("udp", b"<sip:bob@10.0.0.9>"), ("wss", b"<sip:bob@8fk3.invalid;transport=ws>")],
)
def test_a_contact_whose_flow_another_node_holds(protocol: str, contact: bytes) -> None:
    """The first node decides where the call goes, the second one sends it on its flow."""
    here, there = World(), World(node_id="b")
    bob = there.phone(BOB, "203.0.113.9", 40_000, protocol)
    bob.registers(contact=contact)
    here.node.bindings.put(there.bindings(BOB)[0])
    here.node.peers[b"b"] = Peer(b"192.0.2.200", 5060)
    between = here.phone(b"node-b@x", "192.0.2.200")
    stranger = here.phone(STRANGER, "203.0.113.5")
    stranger.sends(b"INVITE", b"sip:bob@example.com")
    sent = between.take_request(b"INVITE")
    assert len(sent.routes) == 1
    said = b"<sip:info@elsewhere.test>"
    sent.headers.set(b"p-asserted-identity", said)  # believed there, so it is here
    arriving = there.phone(b"node-a@x", "198.51.100.1")
    sent.headers.set(
        b"route", (sent.headers.first(b"route") or b"").replace(b"192.0.2.200", b"198.51.100.1")
    )
    arriving.send(sent)
    came = bob.take_request(b"INVITE")
    assert came.uri.serialise() == contact.strip(b"<>")
    assert not came.headers.has(b"route")
    assert len(came.record_routes) == 4
    assert came.headers.values(b"p-asserted-identity") == [said]


@pytest.mark.parametrize(
    ("uri", "policy", "by_tls", "scheme"),
    [
        (b"sip:bob@example.com", {}, (b"192.0.2.201", 5061), b"sip"),
        (b"sips:bob@example.com", {}, (b"192.0.2.201", 5061), b"sips"),
        (b"sip:bob@example.com", {"require_tls": True}, (b"192.0.2.201", 5061), b"sips"),
        (b"sips:bob@example.com", {}, None, b""),
        (b"sip:bob@example.com", {"require_tls": True}, None, b""),
    ],
)
def test_the_way_between_nodes_is_as_secure_as_the_call(
    uri: bytes, policy: dict[str, bool], by_tls: tuple[bytes, int] | None, scheme: bytes
) -> None:
    domain = replace(EXAMPLE, **policy)
    here, there = World(domain), World(domain, node_id="b")
    there.phone(BOB, "203.0.113.9", 40_000, "tls").registers(contact=b"<sip:bob@10.0.0.9>")
    here.node.bindings.put(there.bindings(BOB)[0])
    here.node.peers[b"b"] = Peer(b"192.0.2.200", 5060, by_tls)
    plain = here.phone(b"node-b@x", "192.0.2.200")
    secure = here.phone(b"node-b@x", "192.0.2.201", 5061, "tls")
    stranger = here.phone(STRANGER, "203.0.113.5", protocol="tls")
    stranger.sends(b"INVITE", uri)
    if not scheme:
        refused = stranger.take_response(480)
        assert refused.headers.first(b"warning") == (
            b'399 fedsip "no secure way leads to where this user is registered"'
        )
        plain.take_nothing()
        return
    [other, far] = (secure, plain) if scheme == b"sip" else (plain, secure)
    came = far.take_request(b"INVITE")
    other.take_nothing()
    route = came.routes[0].uri
    assert isinstance(route, SipUri)
    assert route.scheme == scheme


def test_a_binding_token_serves_its_own_user_alone() -> None:
    world = World()
    bob = world.registered(BOB, "203.0.113.9", 40_000, contact=b"<sip:bob@10.0.0.9>")
    token = world.bindings(BOB)[0].flow_token or b""
    stranger = world.phone(STRANGER, "203.0.113.5")
    for aor in (b"alice%40example.com", b"", b"bob%40other.example"):
        route = b"<sip:%b@198.51.100.1;lr;aor=%b>" % (token, aor)
        stranger.sends(b"MESSAGE", b"sip:bob@10.0.0.9", routes=(route,))
        stranger.take_response(403)
    bob.take_nothing()
