"""Registering with carriers: challenge, refresh, refusal, end; and the calls that come by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory.model import Alias, Gateway, Trunk
from proxy.observe.heartbeat import Peer
from proxy.routing.carrier_registrations import CarrierRegistrations
from proxy.sip.message import Request
from proxy.sip.uri import Aor, SipUri
from tests.routing.test_carrier_accounts import GATEWAY, SEALED, Carrier
from tests.routing.world import EXAMPLE, World

TRUNK = Trunk(1, 1, b"carrier", account=b"acme-4711", sealed_password=SEALED, registers=True)
BOB = Aor(b"bob@example.com")
PEER = Peer(b"192.0.2.2", 5060)


class Registering:
    """A node that registers with one carrier, second by second."""

    def __init__(self, trunk: Trunk = TRUNK) -> None:
        self.world = World()
        self.world.add_routes(trunk, GATEWAY)
        self.carrier = Carrier(self.world, 401)
        self.registrations = CarrierRegistrations()

    def tick(self, seconds: float = 0.0) -> None:
        self.world.clock.advance(seconds)
        self.registrations.tick(self.world.node, self.world.layer.own_requests)

    def came(self) -> Request:
        return self.carrier.agent.take_request(b"REGISTER")

    def granted(self, request: Request, seconds: int = 600) -> None:
        contact = request.headers.first(b"contact") or b""
        self.carrier.agent.answers(
            request, 200, contact=None, extra=((b"contact", contact + b";expires=%d" % seconds),)
        )

    def registers(self) -> Request:
        """From nothing to a registration; the request that got it."""
        self.tick()
        again = self.carrier.asked_again(self.came())
        self.granted(again)
        return again

    @property
    def until(self) -> float:
        """Seconds from now until the registration ends."""
        return self.registrations.states[1].until - self.world.node.wall()


def test_a_registration_from_challenge_to_refresh() -> None:
    line = Registering()
    line.tick()
    first = line.came()
    assert first.uri.serialise() == b"sip:sbc.carrier.example"
    assert first.from_.uri.serialise() == b"sip:acme-4711@sbc.carrier.example"
    assert first.to.uri.serialise() == b"sip:acme-4711@sbc.carrier.example"
    again = line.carrier.asked_again(first)
    assert again.cseq.number == first.cseq.number + 1
    (contact,) = again.contacts
    assert isinstance(contact.uri, SipUri)
    assert (contact.uri.host, contact.uri.port) == (b"198.51.100.1", 5060)
    line.granted(again, 300)
    assert line.until == 300
    began = line.world.node.wall()
    line.tick(200)
    line.carrier.agent.take_nothing()
    line.tick(41)
    refresh = line.came()  # signed unasked, of the same call
    assert refresh.headers.has(b"authorization")
    assert refresh.call_id == first.call_id
    assert refresh.headers.first(b"contact") == again.headers.first(b"contact")
    line.granted(refresh, 300)
    assert line.registrations.states[1].changed_at == began


def test_the_contact_is_the_same_for_each_node_and_boot() -> None:
    contacts = {Registering().registers().headers.first(b"contact") for _ in range(2)}
    assert len(contacts) == 1


def test_a_refusal_waits_five_minutes() -> None:
    line = Registering()
    line.tick()
    line.carrier.agent.answers(line.came(), 403)
    state = line.registrations.states[1]
    assert (state.status, state.reason, state.until) == (403, "Forbidden", 0.0)
    line.tick(299)
    line.carrier.agent.take_nothing()
    line.tick(2)
    line.came()


def test_a_password_that_is_refused_is_not_tried_again_and_again() -> None:
    line = Registering()
    line.tick()
    line.carrier.challenge(line.carrier.asked_again(line.came()))
    line.carrier.agent.take_nothing()
    assert line.registrations.states[1].status == 401
    line.world.add_routes(replace(TRUNK, sealed_password=SEALED + ""), GATEWAY)
    line.tick(1)
    line.came()  # at once, for something about the trunk has changed


def test_an_expiry_that_is_too_brief() -> None:
    line = Registering()
    line.tick()
    line.carrier.agent.answers(line.came(), 423, extra=((b"min-expires", b"3600"),))
    again = line.came()
    assert again.headers.first(b"expires") == b"3600"
    line.granted(again, 3600)
    assert line.until == 3600


@pytest.mark.parametrize("least", [b"", b"x", b"600", b"9999999999", b"-1"])
def test_an_expiry_that_cannot_be(least: bytes) -> None:
    line = Registering()
    line.tick()
    line.carrier.agent.answers(line.came(), 423, extra=((b"min-expires", least),))
    line.carrier.agent.take_nothing()
    assert line.registrations.states[1].status == 423


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(b";expires=0", 30), (b";expires=x", 600), (b";expires=99999999999999", 600), (b"", 600)],
)
def test_odd_lifetimes(said: bytes, seconds: int) -> None:
    line = Registering()
    line.tick()
    request = line.came()
    contact = (request.headers.first(b"contact") or b"") + said
    line.carrier.agent.answers(request, 200, contact=None, extra=((b"contact", contact),))
    assert line.until == seconds


def test_silence_ends_a_registration_only_in_its_time() -> None:
    line = Registering()
    line.registers()
    line.tick(541)
    line.came()
    line.world.clock.advance(33)
    state = line.registrations.states[1]
    assert (state.status, line.until > 0) == (408, True)
    line.carrier.agent.inbox.clear()
    line.tick(31)
    line.granted(line.came())
    assert line.until == 600


def test_what_is_not_wanted_any_more_is_taken_back() -> None:
    line = Registering()
    registered = line.registers()
    line.world.node.directory.routes.trunks.put([replace(TRUNK, registers=False)])
    line.tick(1)
    ended = line.came()
    assert ended.headers.first(b"expires") == b"0"
    assert ended.headers.first(b"contact") == registered.headers.first(b"contact")
    assert line.registrations.states == {}
    line.carrier.agent.answers(ended, 200)
    line.tick(700)
    line.carrier.agent.take_nothing()


def test_one_of_several_nodes_registers() -> None:
    """Whoever is first of those that live; each reckons the same."""
    names = [b"a", b"b", b"c"]
    asked = []
    for own in names:
        line = Registering()
        line.world.node.settings = replace(line.world.node.settings, node_id=own.decode())
        line.world.node.peers.update({name: PEER for name in names if name != own})
        line.tick()
        if line.carrier.agent.inbox:
            asked.append(own)
        else:
            line.world.node.peers.clear()
            line.tick(1)
            line.came()  # alone it does
    assert len(asked) == 1


def test_a_gateway_that_cannot_be_found_is_asked_again_soon() -> None:
    line = Registering()
    line.world.air.zones.clear()
    line.tick()
    assert line.registrations.states[1].status == 503
    carrier = line.world.far(b"sbc.carrier.example", "192.0.2.93")
    line.tick(31)
    carrier.take_request(b"REGISTER")


# -- calls that come by it


def called(line: Registering, **how: object) -> Request:
    """A call of the carrier's to what was registered."""
    (contact,) = line.registers().contacts
    return line.carrier.agent.sends(b"INVITE", contact.uri.serialise(), **how)


@pytest.mark.parametrize(
    ("to", "party"),
    [
        (b"sip:+15550001111@carrier.example", None),
        (b"sip:15550001111@carrier.example", None),
        (b"sip:somebody@carrier.example", b"<sip:+15550001111@carrier.example>"),
        (b"sip:+15550001111@carrier.example", b"<<rubbish"),
    ],
)
def test_who_is_called_stands_beside(to: bytes, party: bytes | None) -> None:
    line = Registering()
    line.world.add_routes(Alias(1, Aor(b"+15550001111@example.com"), BOB))
    bob = line.world.registered(BOB, "192.0.2.20")
    extra = () if party is None else ((b"p-called-party-id", party),)
    called(line, to_uri=to, extra=extra)
    bob.take_request(b"INVITE")


def test_a_call_that_names_nobody_is_the_accounts() -> None:
    line = Registering()
    line.world.add_routes(Alias(1, Aor(b"acme-4711@example.com"), BOB))
    bob = line.world.registered(BOB, "192.0.2.20")
    called(line, to_uri=b"sip:whoever@carrier.example")
    bob.take_request(b"INVITE")


def test_a_number_that_nobody_has() -> None:
    line = Registering()
    called(line, to_uri=b"sip:+15559999999@carrier.example")
    line.carrier.agent.take_response(404)


@pytest.mark.parametrize(
    "user", [b"trunk-1-00000000000000000000", b"trunk-1", b"trunk-", b"trunk-9-x", b"trunk-\xb2-x"]
)
def test_a_contact_that_we_did_not_give(user: bytes) -> None:
    line = Registering()
    line.world.add_routes(Alias(1, Aor(b"+15550001111@example.com"), BOB))
    bob = line.world.registered(BOB, "192.0.2.20")
    line.carrier.agent.sends(
        b"INVITE", b"sip:" + user + b"@198.51.100.1", to_uri=b"sip:+15550001111@carrier.example"
    )
    bob.take_nothing()


def test_the_contact_of_a_trunk_that_registers_no_more() -> None:
    line = Registering()
    (contact,) = line.registers().contacts
    line.world.node.directory.routes.trunks.put([replace(TRUNK, registers=False)])
    line.world.add_routes(Alias(1, Aor(b"+15550001111@example.com"), BOB))
    bob = line.world.registered(BOB, "192.0.2.20")
    line.carrier.agent.sends(
        b"INVITE", contact.uri.serialise(), to_uri=b"sip:+15550001111@carrier.example"
    )
    bob.take_nothing()


def test_a_carrier_may_not_borrow_a_users_name() -> None:
    line = Registering()
    called(line, from_uri=b"sip:alice@example.com", to_uri=b"sip:bob@example.com")
    line.carrier.agent.take_response(403)


def test_gateways_of_their_own() -> None:
    """Each gateway of a trunk is registered with."""
    line = Registering()
    line.world.add_routes(Gateway(2, 1, b"other.carrier.example", 5070, b"udp"))
    other = line.world.far(b"other.carrier.example", "192.0.2.92")
    line.tick()
    line.came()
    second = other.take_request(b"REGISTER")
    assert second.uri.serialise() == b"sip:other.carrier.example:5070;transport=udp"
    assert EXAMPLE.enabled
