"""Calls with other domains: by policy, rule, certificate, method and rate, in both directions."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from proxy.directory.model import Alias, FederationRule, Forward, RingGroup, Translation
from proxy.locate.hop import Hop
from proxy.sip.message import Request, Response
from proxy.sip.uri import Aor

from .world import EXAMPLE, OPEN, UserAgent, World

BOB = b"sip:bob@elsewhere.test"
ALICE = b"sip:alice@example.com"


def world_with(
    *rules: FederationRule, settings: dict[str, Any] | None = None, **policy: Any
) -> World:
    """A world where example.com has that policy and elsewhere.test one UDP and one TLS server."""
    world = World(replace(EXAMPLE, **policy), **(settings or {}))
    world.node.directory.federation_rules.put(rules)
    world.air.zones[b"elsewhere.test"] = [
        Hop("tls", "192.0.2.98", 5061, "elsewhere.test"),
        Hop("udp", "192.0.2.99", 5060),
    ]
    return world


def answer_to(phone: UserAgent, **how: Any) -> Response:
    """The final answer to a call from within."""
    phone.authenticates(phone.asks(b"INVITE", how.pop("uri", BOB), **how))
    message = phone.take()
    while isinstance(message, Response) and message.status == 100:
        message = phone.take()
    assert isinstance(message, Response)
    return message


def alice_of(world: World) -> UserAgent:
    alice = world.phone(b"alice@example.com", "192.0.2.10")
    if not world.bindings(alice.aor):
        alice.registers()
    return alice


def stranger_asks(world: World, method: bytes = b"INVITE", **how: Any) -> Response | Request:
    """What comes of a request from elsewhere.test: its answer, or the request at alice's phone."""
    alice = alice_of(world)
    bob = world.phone(b"bob@elsewhere.test", "192.0.2.99", 5070, how.pop("protocol", "udp"))
    if how.pop("certificate", False):
        world.air.certificates[bob.flow] = (b"elsewhere.test",)
    bob.sends(method, ALICE, **how)
    if alice.inbox:
        message = alice.take()
        assert isinstance(message, Request)
        return message
    answer = bob.take()
    assert isinstance(answer, Response)
    return answer


def refused(world: World, direction: str) -> list[tuple[int, str, str]]:
    """What was counted for tenants: domain, peer, why."""
    return [(key[0], key[1], key[3]) for key in world.node.refusals.counts if key[2] == direction]


# -- leaving


@pytest.mark.parametrize(
    ("policy", "rules", "status", "why"),
    [
        ("closed", (), 403, "closed"),
        ("allow_list", (), 403, "not_listed"),
        ("open", (FederationRule(1, 1, b"elsewhere.test", allow=False),), 403, "denied"),
        ("open", (FederationRule(1, 1, b"*.test", "out", allow=False),), 403, "denied"),
    ],
)
def test_call_out_that_is_not_allowed(
    policy: str, rules: tuple[FederationRule, ...], status: int, why: str
) -> None:
    world = world_with(*rules, federation=policy)
    answer = answer_to(world.registered(b"alice@example.com", "192.0.2.10"))
    assert answer.status == status
    assert answer.headers.first(b"warning")
    assert refused(world, "out") == [(1, "elsewhere.test", why)]


@pytest.mark.parametrize(
    ("policy", "rules"),
    [
        ("open", (FederationRule(1, 1, b"evil.test", allow=False),)),
        ("allow_list", (FederationRule(1, 1, b"elsewhere.test"),)),
    ],
)
@pytest.mark.parametrize("maddr", [b"evil.test", b"EVIL.test."])
def test_maddr_is_no_way_around_a_policy(
    policy: str, rules: tuple[FederationRule, ...], maddr: bytes
) -> None:
    """The domain that counts is the one whose servers get the call (RFC 3263 s4)."""
    world = world_with(*rules, federation=policy)
    alice = world.registered(b"alice@example.com", "192.0.2.10")
    assert answer_to(alice, uri=BOB + b";maddr=" + maddr).status == 403
    assert {peer for _, peer, _ in refused(world, "out")} == {"evil.test"}


def test_call_out_leaves_where_nothing_stands_against_it() -> None:
    world = world_with(FederationRule(1, 1, b"elsewhere.test", "in", allow=False))
    bob = world.phone(b"bob@elsewhere.test", "192.0.2.98", 5061, "tls")
    world.registered(b"alice@example.com", "192.0.2.10").invites(BOB)
    assert bob.take_request(b"INVITE").uri_raw == BOB
    assert not refused(world, "out")


async def test_verified_call_goes_over_tls_with_a_certificate() -> None:
    world = world_with(federation="verified_tls")
    world.registered(b"alice@example.com", "192.0.2.10").invites(BOB)
    await world.settled()
    assert world.air.located[-1].is_sips
    assert world.air.opened == [
        Hop("tls", "192.0.2.98", 5061, "elsewhere.test", True, "example.com")
    ]


async def test_call_shows_the_certificate_of_the_caller() -> None:
    world = world_with()
    world.registered(b"alice@example.com", "192.0.2.10").invites(BOB)
    await world.settled()
    assert world.air.opened == [
        Hop("tls", "192.0.2.98", 5061, "elsewhere.test", False, "example.com")
    ]


async def test_verified_call_without_a_verified_server_is_503() -> None:
    world = world_with(federation="verified_tls")
    world.air.refused |= {("tls", "192.0.2.98", 5061), ("udp", "192.0.2.99", 5060)}
    world.air.zones[b"elsewhere.test"].pop()
    alice = world.registered(b"alice@example.com", "192.0.2.10")
    alice.invites(BOB)
    await world.settled()
    answer = alice.take_response(503)
    assert answer.reason == b"No Verified Peer"
    assert answer.headers.first(b"retry-after") == b"30"
    assert answer.headers.first(b"warning") == (
        b'399 example.com "example.com calls elsewhere.test over TLS alone; no server of it has'
        b' proved itself by its certificate"'
    )
    assert refused(world, "out") == [(1, "elsewhere.test", "no_verified_peer")]


async def test_verified_server_that_is_overloaded_is_no_refusal_of_ours() -> None:
    """The first one has proved itself and says 503; that nobody is behind the second one is no
    matter of proof."""
    world = world_with(federation="verified_tls")
    first = world.phone(b"bob@elsewhere.test", "192.0.2.98", 5061, "tls")
    world.air.zones[b"elsewhere.test"] = [
        Hop("tls", "192.0.2.98", 5061, "elsewhere.test"),
        Hop("tls", "192.0.2.97", 5061, "elsewhere.test"),
    ]
    world.air.refused.add(("tls", "192.0.2.97", 5061))
    alice = world.registered(b"alice@example.com", "192.0.2.10")
    alice.invites(BOB)
    await world.settled()
    first.answers(first.take_request(b"INVITE"), 503)
    await world.settled()
    alice.take_response(500)
    assert not refused(world, "out")


def test_verified_call_to_an_address_over_udp_is_488() -> None:
    world = world_with(federation="verified_tls")
    alice = world.registered(b"alice@example.com", "192.0.2.10")
    assert answer_to(alice, uri=BOB + b";transport=udp").status == 488


def test_platform_says_what_the_domain_does_not() -> None:
    world = world_with(settings={"federation": "closed"})
    assert answer_to(world.registered(b"alice@example.com", "192.0.2.10")).status == 403
    world = world_with(settings={"federation": "closed"}, federation="open")
    bob = world.phone(b"bob@elsewhere.test", "192.0.2.98", 5061, "tls")
    world.registered(b"alice@example.com", "192.0.2.10").invites(BOB)
    bob.take_request(b"INVITE")


def test_domains_that_the_platform_denies() -> None:
    world = world_with(
        FederationRule(1, 1, b"elsewhere.test"), settings={"federation_deny": ("*.test",)}
    )
    assert answer_to(world.registered(b"alice@example.com", "192.0.2.10")).status == 403
    denied = stranger_asks(world)
    assert isinstance(denied, Response)
    assert denied.status == 403


def test_calls_of_one_user_are_limited() -> None:
    world = world_with(calls_out_per_user=2)
    world.phone(b"bob@elsewhere.test", "192.0.2.98", 5061, "tls")
    alice = world.registered(b"alice@example.com", "192.0.2.10")
    carol = world.registered(b"carol@example.com", "192.0.2.12")
    alice.invites(BOB)
    alice.invites(BOB)
    answer = answer_to(alice)
    assert (answer.status, answer.headers.first(b"retry-after")) == (503, b"30")
    carol.invites(BOB)
    world.clock.advance(30)
    alice.inbox.clear()
    alice.invites(BOB)
    assert refused(world, "out") == [(1, "elsewhere.test", "caller_rate")]


def test_calls_of_the_domain_to_another_are_limited() -> None:
    world = world_with(calls_out_per_domain=1)
    world.phone(b"bob@elsewhere.test", "192.0.2.98", 5061, "tls")
    world.registered(b"alice@example.com", "192.0.2.10").invites(BOB)
    carol = world.registered(b"carol@example.com", "192.0.2.12")
    assert answer_to(carol).status == 503
    assert answer_to(carol, uri=b"sip:x@nowhere.test").status == 404


# -- coming


@pytest.mark.parametrize(
    ("policy", "rules", "how", "expected"),
    [
        ("open", (), {}, None),
        ("closed", (), {}, (403, "closed")),
        ("allow_list", (), {}, (403, "not_listed")),
        ("allow_list", (FederationRule(1, 1, b"elsewhere.test"),), {}, (421, "no_tls")),
        ("allow_list", (FederationRule(1, 1, b"elsewhere.test", verified=False),), {}, None),
        ("open", (FederationRule(1, 1, b"elsewhere.test", allow=False),), {}, (403, "denied")),
        ("open", (FederationRule(1, 1, b"elsewhere.test", "out", allow=False),), {}, None),
        ("verified_tls", (), {}, (421, "no_tls")),
        ("verified_tls", (), {"protocol": "tcp"}, (421, "no_tls")),
        ("verified_tls", (), {"protocol": "tls"}, (403, "no_certificate")),
        ("verified_tls", (), {"protocol": "tls", "certificate": True}, None),
    ],
)
def test_call_from_a_stranger(
    policy: str,
    rules: tuple[FederationRule, ...],
    how: dict[str, Any],
    expected: tuple[int, str] | None,
) -> None:
    world = world_with(*rules, federation_in=policy)
    came = stranger_asks(world, **how)
    if expected is None:
        assert isinstance(came, Request)
        assert not refused(world, "in")
    else:
        assert isinstance(came, Response)
        assert came.status == expected[0]
        assert came.headers.first(b"warning")
        assert refused(world, "in") == [(1, "elsewhere.test", expected[1])]


def test_certificate_of_another_domain_lets_nobody_in() -> None:
    world = world_with(federation_in="verified_tls")
    came = stranger_asks(world, protocol="tls", certificate=True, from_uri=b"sip:bob@another.test")
    assert isinstance(came, Response)
    assert came.status == 403


def test_methods_from_strangers() -> None:
    world = world_with(stranger_methods=b"INVITE OPTIONS")
    came = stranger_asks(world, b"MESSAGE")
    assert isinstance(came, Response)
    assert (came.status, came.headers.first(b"allow")) == (405, b"INVITE, OPTIONS")
    assert isinstance(stranger_asks(world, b"OPTIONS"), Request)


@pytest.mark.parametrize(
    ("methods", "is_taken"), [(b"", False), (b"*", False), (b"INVITE", False), (b"* REFER", True)]
)
def test_strangers_refer_nobody_where_nobody_lets_them(methods: bytes, is_taken: bool) -> None:
    """A phone that follows one calls whom the stranger says, on its user's account."""
    world = world_with(stranger_methods=methods)
    refer_to = (b"refer-to", b"<sip:+19005550100@example.com>")
    came = stranger_asks(world, b"REFER", extra=(refer_to,))
    assert isinstance(came, Request) is is_taken
    if isinstance(came, Response):
        allow = came.headers.first(b"allow") or b""
        assert (came.status, b"INVITE" in allow, b"REFER" in allow) == (405, True, False)


def test_calls_of_strangers_are_limited() -> None:
    """Where the domain in From is proved, by its callers' names alone."""
    world = world_with(calls_in_per_stranger=1, calls_in_per_domain=2)
    proved = {"protocol": "tls", "certificate": True}
    assert isinstance(stranger_asks(world, **proved), Request)
    again = stranger_asks(world, call_id=b"2", **proved)
    assert isinstance(again, Response)
    assert (again.status, again.headers.first(b"retry-after")) == (503, b"60")
    other = {"from_uri": b"sip:eve@elsewhere.test", **proved}
    assert isinstance(stranger_asks(world, call_id=b"3", **other), Request)
    third = stranger_asks(world, call_id=b"4", from_uri=b"sip:dan@elsewhere.test", **proved)
    assert isinstance(third, Response)
    assert third.status == 503
    assert {why for *_, why in refused(world, "in")} == {"caller_rate", "domain_rate"}


ROTATING = [b"sip:x%d@%b" % (n, b"elsewhere.test") for n in range(4)]
EVERYWHERE = [b"sip:x@d%d.test" % n for n in range(4)]


def statuses(world: World, names: list[bytes], *hosts: str, proved: bool = False) -> list[int]:
    """What becomes of a call of each name, from these addresses in turn: a status, or 0 where it
    rings."""
    alice = alice_of(world)
    found = []
    for number, name in enumerate(names):
        host = hosts[number % len(hosts)]
        call_id = b"%d-%f" % (number, world.clock.time())
        bob = world.phone(b"bob@elsewhere.test", host, 5070, "tls" if proved else "udp")
        if proved:
            world.air.certificates[bob.flow] = (b"elsewhere.test",)
        bob.sends(b"INVITE", ALICE, from_uri=name, call_id=call_id)
        found.append(0 if alice.inbox else bob.take().status)  # type: ignore[union-attr]
        alice.inbox.clear()
        bob.inbox.clear()
    return found


@pytest.mark.parametrize("names", [ROTATING, EVERYWHERE])
def test_stranger_who_changes_his_name_is_one_stranger(names: list[bytes]) -> None:
    world = world_with(calls_in_per_stranger=2)
    assert statuses(world, names, "192.0.2.99") == [0, 0, 503, 503]
    assert {why for *_, why in refused(world, "in")} == {"source_rate"}
    assert statuses(world, names[:1], "192.0.2.98") == [0], "from elsewhere"
    world.clock.advance(30)
    assert statuses(world, names[3:], "192.0.2.99") == [0], "one more each half minute"


def test_stranger_has_a_whole_network_of_ipv6() -> None:
    world = world_with(calls_in_per_stranger=2)
    hosts = ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    assert statuses(world, ROTATING[:3] * 2, *hosts) == [0, 0, 0, 503, 503, 0]


def test_proved_domain_vouches_for_its_callers() -> None:
    world = world_with(calls_in_per_stranger=1)
    assert statuses(world, ROTATING, "192.0.2.99", proved=True) == [0, 0, 0, 0]
    assert statuses(world, EVERYWHERE[:2], "192.0.2.99", proved=True) == [0, 503]


def test_source_that_the_operator_trusts_is_believed() -> None:
    trusted = (ip_network("192.0.2.96/28"),)
    world = world_with(settings={"trusted_sources": trusted}, calls_in_per_stranger=1)
    assert statuses(world, ROTATING, "192.0.2.99") == [0, 0, 0, 0]


def test_what_is_refused_takes_no_room() -> None:
    world = world_with(calls_in_per_stranger=1)
    names = [b"sip:x%d@d%d.test" % (n, n) for n in range(50)]
    assert statuses(world, names, "192.0.2.99") == [0] + [503] * 49
    assert len(world.node.call_rates) == 3, "the domain, the caller and the address of the first"


def test_domains_of_the_platform_are_no_strangers_to_each_other() -> None:
    world = world_with(federation="closed", federation_in="closed")
    alice = world.registered(b"alice@example.com", "192.0.2.10")
    mallory = world.registered(b"mallory@other.example", "192.0.2.66")
    mallory.invites(ALICE)
    alice.take_request(b"INVITE")


# -- no open relay, whatever the method


@pytest.mark.parametrize(
    "method", [b"INVITE", b"MESSAGE", b"REFER", b"SUBSCRIBE", b"OPTIONS", b"X"]
)
def test_foreign_to_foreign_is_refused(method: bytes) -> None:
    world = world_with()
    bob = world.phone(b"bob@elsewhere.test", "192.0.2.99", 5070)
    bob.sends(method, b"sip:dan@another.test")
    refused = bob.take_response(403)
    assert refused.reason == b"Relaying denied"
    assert refused.headers.first(b"warning") == (
        b'399 fedsip "requests from other domains are taken to the users of ours alone"'
    )


@pytest.mark.parametrize(
    "method", [b"INVITE", b"MESSAGE", b"REFER", b"SUBSCRIBE", b"OPTIONS", b"X"]
)
def test_nobody_leaves_without_his_password_or_under_another_name(method: bytes) -> None:
    world = world_with()
    alice = world.phone(b"alice@example.com", "192.0.2.10")
    alice.sends(method, BOB)
    alice.take_response(407)
    alice.authenticates(alice.asks(method, BOB, from_uri=b"sip:carol@example.com"))
    assert alice.take_response(403).reason == b"Forbidden auth ID"


def test_open_room_calls_nobody_outside() -> None:
    world = world_with()
    guest = world.phone(b"guest@open.example", "192.0.2.30")
    guest.sends(b"INVITE", BOB)
    guest.take_response(403)
    world = World(replace(OPEN, unauthenticated_calls_out=True))
    world.air.zones[b"elsewhere.test"] = [Hop("udp", "192.0.2.99", 5060)]
    bob = world.phone(b"bob@elsewhere.test", "192.0.2.99")
    guest = world.phone(b"guest@open.example", "192.0.2.30")
    guest.sends(b"INVITE", BOB)
    bob.take_request(b"INVITE")


# -- TLS within the platform


@pytest.mark.parametrize(("protocol", "status"), [("udp", 403), ("tcp", 403), ("tls", 407)])
def test_domain_that_requires_tls_takes_no_calls_of_its_users_without(
    protocol: str, status: int
) -> None:
    world = world_with(require_tls=True)
    alice = world.phone(b"alice@example.com", "192.0.2.10", 5060, protocol)
    alice.sends(b"INVITE", BOB)
    alice.take_response(status)


def test_sips_is_tls_up_to_the_phone() -> None:
    """RFC 5630: never to a contact that was registered without."""
    world = world_with()
    alice = world.registered(b"alice@example.com", "192.0.2.10", 5061, "tls")
    carol = world.registered(b"carol@example.com", "192.0.2.12")
    alice.authenticates(alice.asks(b"INVITE", b"sips:carol@example.com"))
    answer = alice.take_response(480)
    assert answer.headers.first(b"warning") == b'380 example.com "SIPS Not Allowed"'
    carol.take_nothing()
    bob = world.registered(b"bob@example.com", "192.0.2.20", 5061, "tls")
    alice.authenticates(alice.asks(b"INVITE", b"sips:bob@example.com"))
    bob.take_request(b"INVITE")


CAROL, SALES = Aor(b"carol@example.com"), Aor(b"sales@example.com")
INFO = b"info@elsewhere.test"
LED_ON = [
    Alias(1, SALES, CAROL),
    Forward(1, SALES, "always", CAROL),
    RingGroup(1, SALES, "parallel", (CAROL,)),
    RingGroup(1, SALES, "in_order", (CAROL,)),
    RingGroup(1, SALES, "parallel", (), fallback=CAROL),
    Translation(1, 1, b"example.com", match_regex="^sales$", tran_user=b"carol"),
]


@pytest.mark.parametrize("protocol", ["udp", "tls"])
@pytest.mark.parametrize("led", LED_ON)
def test_sips_stays_so_wherever_the_call_is_led(led: Any, protocol: str) -> None:
    """RFC 5630 s5.3: by any way that ends at a phone."""
    world = led_world(led)
    alice = world.registered(b"alice@example.com", "192.0.2.10", 5061, "tls")
    carol = world.registered(CAROL, "192.0.2.12", 5061, protocol)
    final = answer_to(alice, uri=b"sips:" + SALES) if protocol == "udp" else None
    if final is not None:
        assert final.status == 480
        carol.take_nothing()
    else:
        alice.authenticates(alice.asks(b"INVITE", b"sips:" + SALES))
        carol.take_request(b"INVITE")


def test_sips_to_a_contact_whose_connection_is_gone() -> None:
    """The node has been restarted since: by TLS to where the contact is."""
    before = world_with()
    before.registered(CAROL, "192.0.2.12", 5061, "tls")
    world = World(boot_id=b"new1")
    world.node.bindings = before.node.bindings
    carol = world.phone(CAROL, "192.0.2.12", 5061, "tls")
    alice = world.registered(b"alice@example.com", "192.0.2.10", 5061, "tls")
    alice.authenticates(alice.asks(b"INVITE", b"sips:" + CAROL))
    assert carol.take_request(b"INVITE").uri_raw.startswith(b"sips:carol@192.0.2.12:5061")


@pytest.mark.parametrize(
    "led",
    [Forward(1, SALES, "always", INFO), RingGroup(1, SALES, "parallel", (), fallback=INFO)],
)
def test_sips_leaves_as_sips(led: Any) -> None:
    world = led_world(led)
    alice = world.registered(b"alice@example.com", "192.0.2.10", 5061, "tls")
    peer = world.phone(b"info@elsewhere.test", "192.0.2.98", 5061, "tls")
    alice.authenticates(alice.asks(b"INVITE", b"sips:" + SALES))
    assert peer.take_request(b"INVITE").uri_raw.startswith(b"sips:" + INFO)


def led_world(led: Any) -> World:
    world = world_with()
    world.add_user(SALES, EXAMPLE)
    if isinstance(led, Translation):
        world.add_rules(EXAMPLE, led)
    else:
        world.add_routes(led)
    return world
