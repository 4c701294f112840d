"""Who is not listened to (docs/behaviour.md s2 steps 1 to 5, s3)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from proxy.routing import screen
from proxy.routing.screen import ALLOW, Floods
from proxy.settings import ProxySettings
from tests.harness.builders import Dialog, cancel_of, request
from tests.routing.world import World

STRANGER = b"stranger@elsewhere.org"


def test_a_flood_is_ignored_for_an_hour() -> None:
    world = World(flood_requests=30)
    phone = world.phone(STRANGER, "203.0.113.5")
    for _ in range(30):
        phone.sends(b"OPTIONS", b"sip:example.com")
        phone.take_response(200)
    phone.sends(b"OPTIONS", b"sip:example.com")
    phone.take_nothing()
    world.clock.advance(3599)
    phone.sends(b"OPTIONS", b"sip:example.com")
    phone.take_nothing()
    other = world.phone(STRANGER, "203.0.113.6")
    other.sends(b"OPTIONS", b"sip:example.com")
    other.take_response(200)
    world.clock.advance(2)
    phone.sends(b"OPTIONS", b"sip:example.com")
    phone.take_response(200)


def test_thirty_requests_in_each_window_are_no_flood() -> None:
    world = World(flood_requests=30)
    phone = world.phone(STRANGER, "203.0.113.5")
    for _ in range(5):
        for _ in range(30):
            phone.sends(b"OPTIONS", b"sip:example.com")
            phone.take_response(200)
        world.clock.advance(10)


def test_authenticated_flows_are_exempt_and_their_neighbours_get_in() -> None:
    """An office of sixty phones behind one address, after a power cut."""
    world = World(flood_requests=30)
    phones = [world.phone(b"alice@example.com", "203.0.113.5", 20_000 + n) for n in range(60)]
    for phone in phones[:10]:
        phone.registers()
    for phone in phones[10:]:
        phone.sends(b"OPTIONS", b"sip:example.com")
        if not phone.inbox:
            break
        phone.take_response(200)
    else:
        pytest.fail("nobody was banned")
    for _ in range(50):
        phones[0].sends(b"OPTIONS", b"sip:example.com")
        phones[0].take_response(200)


def test_sixty_good_sign_ins_ban_nobody() -> None:
    world = World(flood_requests=30)
    for n in range(60):
        world.add_user(b"u%d@example.com" % n, world.node.directory.domain(b"example.com"))
        world.phone(b"u%d@example.com" % n, "203.0.113.5", 20_000 + n).registers()


def test_trusted_networks_are_exempt() -> None:
    world = World(flood_requests=5, trusted_sources=(ip_network("203.0.113.0/24"),))
    phone = world.phone(STRANGER, "203.0.113.5")
    for _ in range(20):
        phone.sends(b"OPTIONS", b"sip:example.com")
        phone.take_response(200)


def test_bans_are_listed_and_lifted() -> None:
    floods = Floods(ProxySettings(flood_requests=2))
    source = ("203.0.113.5", 5060)
    assert [floods.is_banned(source, now=1.0) for _ in range(4)] == [False, False, True, True]
    assert floods.banned(now=2.0) == ["203.0.113.5"]
    assert floods.lift("203.0.113.5")
    assert not floods.is_banned(source, now=2.0)
    assert not floods.lift("203.0.113.5")


@pytest.mark.parametrize(
    "agent",
    [b"sipvicious", b"friendly-scanner", b"freindly-scanner", b"VaxSIPUserAgent/3.1", b"sipcli/v1"],
)
def test_scanners_get_no_answer(agent: bytes) -> None:
    phone = World().phone(STRANGER, "203.0.113.5")
    phone.sends(b"OPTIONS", b"sip:example.com", extra=((b"user-agent", agent),))
    phone.take_nothing()


@pytest.mark.parametrize("rest", [b"", b"x" * 300])
@pytest.mark.parametrize(("agent", "expected"), [(b" SipCLI/v1", True), (b"phone", False)])
def test_lines_of_any_length_and_none_that_is_long_is_remembered(
    agent: bytes, expected: bool, rest: bytes
) -> None:
    line = b"User-Agent:" + agent + rest
    assert screen.is_scanner(line, (b"sipcli",)) is expected
    before = screen._remembered_begins.cache_info().currsize
    assert screen.is_scanner(line + b"y" * 300, (b"sipcli",)) is expected
    assert screen._remembered_begins.cache_info().currsize == before


def test_a_scanner_is_ignored_under_its_next_name_too() -> None:
    world = World()
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(b"OPTIONS", b"sip:example.com", extra=((b"user-agent", b"sipvicious"),))
    phone.sends(b"REGISTER", b"sip:example.com", extra=((b"user-agent", b"a phone"),))
    phone.take_nothing()
    [noticed] = world.blocks._noticed.values()
    assert (noticed["address"], noticed["reason"]) == ("203.0.113.5", "scanner")
    assert noticed["evidence"] == "OPTIONS sip:example.com, sipvicious"


def test_a_flood_leaves_its_evidence_once() -> None:
    world = World(flood_requests=3)
    phone = world.phone(STRANGER, "203.0.113.5")
    for _ in range(9):
        phone.sends(b"OPTIONS", b"sip:example.com")
    [noticed] = world.blocks._noticed.values()
    assert noticed["hits"] == 1
    assert noticed["evidence"] == (
        "more than 3 requests in 10 s, the last one OPTIONS sip:example.com, no agent"
    )


def test_what_people_block_holds_for_those_who_signed_in_too() -> None:
    world = World()
    phone = world.registered(b"alice@example.com", "192.0.2.10")
    world.node.floods.block("192.0.2.10", until=1e9)
    phone.sends(b"OPTIONS", b"sip:example.com")
    phone.take_response(200)
    world.node.floods.block("192.0.2.10", until=1e9, is_manual=True)
    phone.sends(b"OPTIONS", b"sip:example.com")
    phone.take_nothing()
    assert world.node.floods.lift("192.0.2.10")
    phone.sends(b"OPTIONS", b"sip:example.com")
    phone.take_response(200)


def test_allowed_networks_are_never_ignored() -> None:
    world = World(flood_requests=3)
    phone = world.phone(STRANGER, "203.0.113.5")
    for _ in range(5):
        phone.sends(b"OPTIONS", b"sip:example.com")
    phone.inbox.clear()
    world.node.floods.allow([ip_network("203.0.113.0/24")])
    phone.sends(b"OPTIONS", b"sip:example.com", extra=((b"user-agent", b"sipcli"),))
    phone.take_nothing()
    phone.sends(b"OPTIONS", b"sip:example.com")
    phone.take_response(200)


def test_failed_sign_ins_are_counted_by_user_and_source() -> None:
    world = World()
    phone = world.phone(b"alice@example.com", "192.0.2.10")
    for _ in range(2):
        message = phone.asks(b"REGISTER", b"sip:example.com", to_uri=b"sip:alice@example.com")
        phone.authenticates(message, password=b"wrong")
        phone.take_response(401)
    phone.registers()
    [row] = world.blocks._sign_ins.values()
    assert (row["aor"], row["address"], row["attempts"]) == ("alice@example.com", "192.0.2.10", 2)


def test_an_agent_that_only_mentions_a_scanner_is_answered() -> None:
    phone = World().phone(STRANGER, "203.0.113.5")
    phone.sends(b"OPTIONS", b"sip:example.com", extra=((b"user-agent", b"my sipcli"),))
    phone.take_response(200)


@pytest.mark.parametrize("method", [b"FETCH", b"SUBSCRIBE", b"invite"])
@pytest.mark.parametrize("uri", [b"sip:example.com", b"sip:198.51.100.1", b"sip:198.51.100.1:5060"])
def test_methods_that_nobody_here_understands(method: bytes, uri: bytes) -> None:
    phone = World().phone(STRANGER, "203.0.113.5")
    phone.sends(method, uri)
    assert phone.take_response(405).headers.first(b"allow") == ALLOW


@pytest.mark.parametrize("method", [b"FETCH", b"SUBSCRIBE", b"PUBLISH"])
def test_what_ends_at_ourselves_is_proxied_to_a_user(method: bytes) -> None:
    world = World()
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    world.phone(STRANGER, "203.0.113.5").sends(method, b"sip:bob@example.com")
    bob.take_request(method)


@pytest.mark.parametrize(
    ("method", "uri", "status"),
    [
        (b"INVITE", b"sip:bob@example.com", 483),
        (b"OPTIONS", b"sip:bob@example.com", 483),
        (b"OPTIONS", b"sip:example.com", 200),
        (b"MESSAGE", b"sip:bob@elsewhere.org", 483),
    ],
)
def test_no_hops_left(method: bytes, uri: bytes, status: int) -> None:
    phone = World().phone(STRANGER, "203.0.113.5")
    phone.sends(method, uri, max_forwards=0)
    phone.take_response(status)


def test_max_forwards_is_added_where_it_is_missing() -> None:
    world = World()
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    world.phone(STRANGER, "203.0.113.5").sends(
        b"MESSAGE", b"sip:bob@example.com", max_forwards=None
    )
    assert bob.take_request(b"MESSAGE").max_forwards == 70


@pytest.mark.parametrize("method", [b"INVITE", b"MESSAGE", b"OPTIONS", b"SUBSCRIBE"])
def test_a_preloaded_route_elsewhere_is_refused(method: bytes) -> None:
    world = World()
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(method, b"sip:bob@example.com", routes=(b"<sip:198.51.100.77;lr>",))
    refused = phone.take_response(403)
    assert refused.reason == b"Preload Route denied"
    assert refused.headers.first(b"warning") == (
        b'399 fedsip "a first request may have no Route that leads elsewhere"'
    )


def test_a_route_to_ourselves_is_what_an_outbound_proxy_is_told() -> None:
    world = World()
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(b"MESSAGE", b"sip:bob@example.com", routes=(b"<sip:198.51.100.1;lr>",))
    assert not bob.take_request(b"MESSAGE").headers.has(b"route")


@pytest.mark.parametrize(
    "route", [b"<sip:example.com;lr>", b"<sip:Example.COM.:5060;transport=tcp;lr>"]
)
def test_a_route_to_a_domain_of_ours_has_led_here(route: bytes) -> None:
    """Phones are told their domain as outbound proxy; some say it within dialogs, too."""
    world = World()
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    phone = world.phone(STRANGER, "203.0.113.5")
    invite = phone.sends(b"INVITE", b"sip:bob@example.com", routes=(route,))
    phone.take_response(100)
    came = bob.take_request(b"INVITE")
    assert not came.headers.has(b"route")
    bob.answers(came, 200)
    dialog = Dialog(invite, phone.take_response(200), is_caller=True)
    phone.send(dialog.request(b"BYE", via=phone.via, routes=(route, *dialog.route_set)))
    assert not bob.take_request(b"BYE").headers.has(b"route")


@pytest.mark.parametrize(
    "routes",
    [
        (b"<sip:bob@example.com;lr>",),
        (b"<sip:example.com;lr>", b"<sip:198.51.100.77;lr>"),
        (b"<sip:elsewhere.org;lr>", b"<sip:example.com;lr>"),
    ],
)
def test_a_route_that_only_begins_here_is_refused(routes: tuple[bytes, ...]) -> None:
    phone = World().phone(STRANGER, "203.0.113.5")
    phone.sends(b"MESSAGE", b"sip:bob@example.com", routes=routes)
    phone.take_response(403)


def test_acks_that_belong_to_nothing_are_dropped() -> None:
    world = World()
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(b"ACK", b"sip:bob@example.com")
    phone.sends(b"ACK", b"sip:bob@example.com", to_tag=b"x")
    phone.sends(b"ACK", b"sip:bob@192.0.2.20", to_tag=b"x")
    phone.take_nothing()
    bob.take_nothing()


@pytest.mark.parametrize("uri", [b"sip:bob@192.0.2.20", b"sip:bob@elsewhere.org"])
def test_a_to_tag_alone_opens_nothing(uri: bytes) -> None:
    world = World()
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(b"BYE", uri, to_tag=b"x")
    assert phone.take_response(404).reason == b"Not here"
    bob.take_nothing()


def test_the_tokens_of_a_dialog_open_no_other() -> None:
    """A stranger who was called keeps the Route set; with it he must not call out through us."""
    world = World()
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    phone = world.phone(STRANGER, "203.0.113.5")
    invite = phone.sends(b"INVITE", b"sip:bob@example.com", call_id=b"one")
    phone.take_response(100)
    routes = tuple(bob.take_request(b"INVITE").headers.values(b"record-route"))
    for call_id, status in ((b"one", 403), (b"two", 403)):
        phone.send(
            request(
                b"INVITE",
                b"sip:+19005551212@203.0.113.99",
                via=phone.via,
                from_uri=b"sip:" + STRANGER,
                call_id=call_id,
                routes=tuple(reversed(routes)),
            )
        )
        phone.take_response(status)
    assert invite.to_tag is None


# -- a node that is full


async def test_a_full_node_takes_nothing_more_of_strangers() -> None:
    """Users go on to call, and dialogs go on: only what strangers begin is refused."""
    world = World(most_transactions=3)
    alice = world.phone(b"alice@example.com", "192.0.2.10")
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    world.clock.advance(33)  # what his REGISTER left is forgotten
    far = world.phone(b"x@elsewhere.test", "203.0.113.5")
    calls = [far.sends(b"INVITE", b"sip:bob@example.com") for _ in range(3)]
    first, second, _ = [bob.take_request(b"INVITE") for _ in calls]
    for _ in calls:
        far.take_response(100)
    far.sends(b"MESSAGE", b"sip:bob@example.com")
    refused = far.take_response(503)
    assert refused.reason == b"Too Busy"
    assert refused.headers.first(b"retry-after") == b"32"
    bob.take_nothing()
    bob.answers(first, 200)
    dialog = Dialog(calls[0], far.take_response(200), is_caller=True)
    far.send(dialog.request(b"BYE", via=far.via))
    bob.answers(bob.take_request(b"BYE"), 200)
    far.take_response(200)
    bob.answers(second, 180)
    far.take_response(180)
    far.send(cancel_of(calls[1]))
    assert far.take_response(200).cseq.method == b"CANCEL"
    bob.take_request(b"CANCEL")
    alice.authenticates(alice.asks(b"MESSAGE", b"sip:bob@example.com"))
    bob.take_request(b"MESSAGE")
