"""REGISTER end to end in memory: who may, what the 200 says, what hangs on the flow."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from proxy.location.store import Bindings, NotDurable
from proxy.sip.uri import SipUri
from tests.routing.world import EXAMPLE, World, user_of

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
INSTANCE = b'"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'


def test_a_registration_is_answered_with_all_bindings() -> None:
    world = World()
    world.registered(ALICE, "192.0.2.10")
    again = world.phone(ALICE, "192.0.2.11").registers()
    hosts = {contact.uri.host for contact in again.contacts if isinstance(contact.uri, SipUri)}
    assert hosts == {b"192.0.2.10", b"192.0.2.11"}
    assert all(contact.param(b"expires") == b"3600" for contact in again.contacts)


def test_a_phone_is_told_the_time() -> None:
    world = World()
    world.wall = 1_289_690_940.9 - world.clock.time()
    answer = world.phone(ALICE, "192.0.2.10").registers()
    assert answer.headers.all(b"date") == [b"Sat, 13 Nov 2010 23:29:00 GMT"]


def test_a_contact_that_is_not_behind_nat_is_located_by_its_uri() -> None:
    world = World()
    world.registered(ALICE, "192.0.2.10")
    binding = world.bindings(ALICE)[0]
    assert binding.flow_token is None
    assert not binding.nat
    assert not world.air.kept_alive


@pytest.mark.parametrize(
    "contact", [b"<sip:alice@192.168.1.5>", b"<sip:alice@10.0.0.7:5062>", b"<sip:alice@9.9.9.9>"]
)
def test_a_phone_behind_nat_is_reached_by_its_flow_and_kept_alive(contact: bytes) -> None:
    world = World()
    phone = world.registered(ALICE, "203.0.113.5", 40_000, contact=contact)
    binding = world.bindings(ALICE)[0]
    assert binding.nat
    assert binding.received == b"203.0.113.5:40000"
    assert world.air.kept_alive == {phone.flow}
    bob = world.registered(BOB, "192.0.2.20")
    bob.authenticates(bob.asks(b"MESSAGE", b"sip:alice@example.com"))
    assert phone.take_request(b"MESSAGE").uri.serialise() == contact.strip(b"<>")


def test_a_domain_may_do_without_keep_alives() -> None:
    world = World(replace(EXAMPLE, nat_keepalive=False))
    world.registered(ALICE, "203.0.113.5", contact=b"<sip:alice@10.0.0.7>")
    assert not world.air.kept_alive


@pytest.mark.parametrize("protocol", ["tcp", "tls", "wss"])
def test_a_connection_is_the_way_back(protocol: str) -> None:
    world = World()
    phone = world.registered(ALICE, "192.0.2.10", 50_000, protocol)
    bob = world.registered(BOB, "192.0.2.20")
    bob.authenticates(bob.asks(b"MESSAGE", b"sip:alice@example.com"))
    phone.take_request(b"MESSAGE")
    assert not world.air.opened


def test_the_bindings_of_a_closed_flow_are_found_by_it() -> None:
    world = World()
    phone = world.registered(ALICE, "192.0.2.10", 50_000, "tcp")
    binding = world.bindings(ALICE)[0]
    assert world.node.flows.take(phone.flow) == {binding.binding_id}


def test_service_route_names_the_listener() -> None:
    world = World()
    for protocol, value in (
        ("udp", b"<sip:198.51.100.1:5060;lr>"),
        ("tls", b"<sip:198.51.100.1:5061;transport=tls;lr>"),
        ("wss", b"<sip:198.51.100.1:8443;transport=ws;lr>"),
    ):
        answer = world.phone(ALICE, "192.0.2.10", 5060, protocol).registers()
        assert answer.headers.all(b"service-route") == [value]


def test_outbound() -> None:
    """RFC 5626 s6: instance and reg-id; the flow is sealed though there is no NAT."""
    world = World()
    phone = world.phone(ALICE, "192.0.2.10")
    contact = phone.contact + b";reg-id=1;+sip.instance=" + INSTANCE
    extra = ((b"supported", b"path, outbound"),)
    answer = phone.registers(*extra, contact=contact)
    assert answer.headers.first(b"require") == b"outbound"
    assert int(answer.headers.first(b"flow-timer") or 0) > 0
    binding = world.bindings(ALICE)[0]
    assert binding.reg_id == 1
    assert binding.flow_token is not None
    assert world.air.kept_alive == {phone.flow}
    second = phone.registers(*extra, contact=contact.replace(b"reg-id=1", b"reg-id=2"))
    assert len(second.contacts) == 2
    third = phone.registers(*extra, contact=contact)
    assert len(third.contacts) == 2


def test_gruu_is_given_and_leads_to_that_instance_alone() -> None:
    world = World()
    desk, mobile = (world.phone(ALICE, f"192.0.2.1{n}") for n in (0, 1))
    answer = desk.registers(
        (b"supported", b"gruu"), contact=desk.contact + b";+sip.instance=" + INSTANCE
    )
    mobile.registers()
    gruu = (answer.contacts[0].param(b"pub-gruu") or b"").strip(b'"')
    assert gruu.startswith(b"sip:alice@example.com;gr=")
    bob = world.registered(BOB, "192.0.2.20")
    bob.authenticates(bob.asks(b"MESSAGE", gruu))
    desk.take_request(b"MESSAGE")
    mobile.take_nothing()


def test_path_is_kept_returned_and_used() -> None:
    world = World()
    edge = world.phone(b"edge@192.0.2.50", "192.0.2.50")
    path = b"<sip:192.0.2.50;lr>"
    phone = world.phone(ALICE, "192.0.2.10")
    answer = phone.registers((b"supported", b"path"), (b"path", path))
    assert answer.headers.all(b"path") == [path]
    bob = world.registered(BOB, "192.0.2.20")
    bob.authenticates(bob.asks(b"MESSAGE", b"sip:alice@example.com"))
    came = edge.take_request(b"MESSAGE")
    assert came.headers.all(b"route") == [path]
    assert user_of(came.uri) == b"alice"
    phone.take_nothing()


def test_a_path_that_the_phone_does_not_know_is_refused() -> None:
    world = World()
    phone = world.phone(ALICE, "192.0.2.10")
    phone.authenticates(
        phone.asks(
            b"REGISTER",
            b"sip:example.com",
            to_uri=b"sip:" + ALICE,
            extra=((b"path", b"<sip:192.0.2.50;lr>"),),
        )
    )
    assert phone.take_response(421).headers.first(b"require") == b"path"


@pytest.mark.parametrize(
    ("uri", "to", "reason"),
    [
        (b"sip:elsewhere.org", b"sip:x@elsewhere.org", b"Not our domain"),
        (b"sip:elsewhere.org", b"sip:alice@example.com", b"Not our domain"),
        (b"sip:example.com", b"sip:x@elsewhere.org", b"Not our domain"),
        (b"tel:+15551234567", b"sip:alice@example.com", b"Not our domain"),
    ],
)
def test_foreign_domains_are_refused_and_never_relayed(
    uri: bytes, to: bytes, reason: bytes
) -> None:
    world = World()
    phone = world.phone(ALICE, "192.0.2.10")
    phone.sends(b"REGISTER", uri, to_uri=to)
    assert phone.take_response(403).reason == reason
    assert not world.air.opened


def test_the_address_of_the_proxy_is_as_good_as_the_domain() -> None:
    world = World()
    phone = world.phone(ALICE, "192.0.2.10")
    phone.authenticates(phone.asks(b"REGISTER", b"sip:198.51.100.1", to_uri=b"sip:" + ALICE))
    phone.take_response(200)


def test_to_must_be_the_authenticated_user() -> None:
    world = World()
    phone = world.phone(ALICE, "192.0.2.10")
    phone.authenticates(phone.asks(b"REGISTER", b"sip:example.com", to_uri=b"sip:" + BOB))
    assert phone.take_response(403).reason == b"Forbidden auth ID"
    assert not world.bindings(BOB)


def test_wrong_and_unknown_get_401_alike() -> None:
    world = World()
    phone = world.phone(ALICE, "192.0.2.10")
    answers = []
    for username in (b"alice", b"nobody"):
        message = phone.asks(
            b"REGISTER", b"sip:example.com", to_uri=b"sip:" + username + b"@example.com"
        )
        phone.authenticates(message, username=username, password=b"wrong")
        answers.append([name for name, _ in phone.take_response(401).headers])
    assert answers[0] == answers[1]


def test_an_open_domain_registers_anybody() -> None:
    world = World()
    world.registered(b"guest@open.example", "192.0.2.30")
    assert world.bindings(b"guest@open.example")


@pytest.mark.parametrize(
    ("extra", "contact", "status"),
    [
        (((b"expires", b"10"),), None, 423),
        ((), b"<tel:+1555>", 400),
        ((), b"*", 400),
        (((b"expires", b"4294967296"),), None, 200),
    ],
)
def test_the_rules_have_the_word(
    extra: tuple[tuple[bytes, bytes], ...], contact: bytes | None, status: int
) -> None:
    world = World()
    phone = world.phone(ALICE, "192.0.2.10")
    message = phone.asks(
        b"REGISTER",
        b"sip:example.com",
        to_uri=b"sip:" + ALICE,
        extra=extra,
        contact=contact or phone.contact,
    )
    phone.authenticates(message)
    phone.take_response(status)


def test_an_extension_that_is_required_and_unknown() -> None:
    """s10.3 step 2 comes before the challenge."""
    phone = World().phone(ALICE, "192.0.2.10")
    phone.sends(
        b"REGISTER",
        b"sip:example.com",
        to_uri=b"sip:" + ALICE,
        extra=((b"require", b"path, telepathy"),),
    )
    assert phone.take_response(420).headers.all(b"unsupported") == [b"telepathy"]


def test_star_removes_all() -> None:
    world = World()
    phone = world.registered(ALICE, "192.0.2.10")
    world.registered(ALICE, "192.0.2.11")
    answer = phone.registers((b"expires", b"0"), contact=b"*")
    assert not answer.contacts
    assert not world.bindings(ALICE)


def test_a_query_changes_nothing() -> None:
    world = World()
    phone = world.registered(ALICE, "192.0.2.10")
    assert len(phone.registers(contact=None).contacts) == 1


def test_more_contacts_than_the_domain_or_the_user_allows() -> None:
    world = World(replace(EXAMPLE, max_contacts=2))
    world.add_user(b"dave@example.com", EXAMPLE, max_contacts=1)
    for aor, most in ((ALICE, 2), (b"dave@example.com", 1)):
        for n in range(most):
            world.registered(aor, f"192.0.2.{10 + n}")
        phone = world.phone(aor, "192.0.2.99")
        phone.authenticates(phone.asks(b"REGISTER", b"sip:example.com", to_uri=b"sip:" + aor))
        phone.take_response(403)


def test_a_domain_may_insist_on_tls() -> None:
    world = World(replace(EXAMPLE, require_tls=True))
    phone = world.phone(ALICE, "192.0.2.10")
    phone.sends(b"REGISTER", b"sip:example.com", to_uri=b"sip:" + ALICE)
    phone.take_response(403)
    world.phone(ALICE, "192.0.2.10", 5061, "tls").registers()


class SlowWriter:
    """A writer whose commit is done when the test says so."""

    def __init__(self) -> None:
        self.committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def refresh(self, bindings: object) -> None: ...

    def commit(self, written: object, removed: object) -> asyncio.Future[None]:
        return self.committed


async def test_a_new_contact_is_confirmed_when_it_is_committed() -> None:
    world = World()
    writer = SlowWriter()
    world.node.bindings = Bindings(writer)  # type: ignore[arg-type]
    phone = world.phone(ALICE, "192.0.2.10")
    phone.authenticates(phone.asks(b"REGISTER", b"sip:example.com", to_uri=b"sip:" + ALICE))
    phone.take_nothing()
    writer.committed.set_result(None)
    await world.settled()
    phone.take_response(200)
    phone.registers()  # a refresh waits for nothing


async def test_what_cannot_be_committed_is_not_confirmed() -> None:
    world = World()
    writer = SlowWriter()
    world.node.bindings = Bindings(writer)  # type: ignore[arg-type]
    phone = world.phone(ALICE, "192.0.2.10")
    phone.authenticates(phone.asks(b"REGISTER", b"sip:example.com", to_uri=b"sip:" + ALICE))
    writer.committed.set_exception(NotDurable("PostgreSQL is away"))
    await world.settled()
    assert phone.take_response(503).headers.has(b"retry-after")
