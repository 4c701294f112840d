"""Both rules of the talk, and what a rule does to a request (docs/behaviour.md s4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory.model import Domain, Translation
from proxy.locate.hop import Hop
from proxy.sip.message import Request
from tests.routing.world import EXAMPLE, OPEN, UserAgent, World

CALLER = b"alice@example.com"
TALK = (
    Translation(
        1,
        1,
        b"example.com",
        match_regex="^1000$",
        tran_user=b"eric",
        tran_domain=b"workshop.uphreak.com",
    ),
    Translation(
        2,
        1,
        b"example.com",
        match_regex=r"^\+18[0678]{2}[0-9]{7}$",
        tran_strip=1,
        tran_domain=b"tf.arctele.com",
    ),
)


def sent_for(world: World, method: bytes, uri: bytes) -> Request:
    """What leaves for a foreign domain."""
    for name in (b"workshop.uphreak.com", b"tf.arctele.com", b"elsewhere.org"):
        world.air.zones[name] = [Hop("udp", "192.0.2.99", 5060, None)]
    far = world.phone(b"x@192.0.2.99", "192.0.2.99")
    alice = world.phone(CALLER, "192.0.2.10")
    alice.authenticates(alice.asks(method, uri))
    return far.take_request(method)


@pytest.mark.parametrize(
    ("dialled", "made"),
    [
        (b"sip:1000@example.com", b"sip:eric@workshop.uphreak.com"),
        (b"sip:+18005551212@example.com", b"sip:18005551212@tf.arctele.com"),
        (b"sip:10000@elsewhere.org", b"sip:10000@elsewhere.org"),
    ],
)
def test_the_rules_of_the_talk(dialled: bytes, made: bytes) -> None:
    world = World()
    world.add_rules(EXAMPLE, *TALK)
    assert sent_for(world, b"INVITE", dialled).uri.serialise() == made


@pytest.mark.parametrize("method", [b"REFER", b"OPTIONS", b"SUBSCRIBE"])
def test_methods_that_no_rule_touches(method: bytes) -> None:
    world = World()
    world.add_rules(EXAMPLE, replace(TALK[0], match_regex="", request_domain=b""))
    came = sent_for(world, method, b"sip:1000@elsewhere.org")
    assert came.uri.serialise() == b"sip:1000@elsewhere.org"


def test_a_header_is_appended() -> None:
    world = World()
    rule = replace(TALK[0], tran_add_header=b"X-Account: 42")
    world.add_rules(EXAMPLE, rule)
    assert sent_for(world, b"INVITE", b"sip:1000@example.com").headers.all(b"x-account") == [b"42"]


def test_the_call_record_knows_its_rule() -> None:
    world = World()
    world.add_rules(EXAMPLE, *TALK)
    alice = world.phone(CALLER, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:1000@example.com"))
    assert [record.rule_id for record in world.records] == [1]  # nobody has such a host
    assert world.records[0].request_uri == b"sip:1000@example.com"


def test_a_rule_does_not_open_the_way_out_of_an_open_domain() -> None:
    world = World()
    world.air.zones[b"workshop.uphreak.com"] = [Hop("udp", "192.0.2.99", 5060, None)]
    world.add_rules(OPEN, replace(TALK[0], from_domain=b"open.example", domain_id=2))
    guest = world.phone(b"guest@open.example", "192.0.2.30")
    guest.sends(b"MESSAGE", b"sip:1000@open.example")
    guest.take_response(403)


def test_a_rule_may_lead_to_a_user_of_ours() -> None:
    world = World()
    world.add_rules(EXAMPLE, replace(TALK[0], tran_user=b"bob", tran_domain=b""))
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    alice = world.phone(CALLER, "192.0.2.10")
    alice.authenticates(alice.asks(b"MESSAGE", b"sip:1000@example.com"))
    bob.take_request(b"MESSAGE")


# When the first rule's target is refused before anything is sent to it.

BACKUP = Translation(9, 1, b"example.com", priority=100, tran_domain=b"elsewhere.org")


def called_by_first_of(world: World, first: Translation) -> tuple[UserAgent, UserAgent]:
    """Alice, who calls 1000 where `first` comes before BACKUP; and the backup's host."""
    world.add_rules(EXAMPLE, first, BACKUP)
    far = world.far(b"elsewhere.org", "192.0.2.99")
    alice = world.phone(CALLER, "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:1000@example.com"))
    return alice, far


@pytest.mark.parametrize(
    "changes",
    [
        {"tran_user": b"bob", "tran_domain": b""},  # has no phone
        {"tran_user": b"nobody", "tran_domain": b""},
        {"tran_trunk": b"no-such-trunk", "tran_domain": b""},
        {"tran_domain": b"not-in-the-dns.test"},
    ],
)
def test_next_rule_when_nobody_is_at_the_first_ones_target(changes: dict[str, bytes]) -> None:
    world = World()
    _, far = called_by_first_of(world, replace(TALK[0], **changes))  # type: ignore[arg-type]
    assert far.take_request(b"INVITE").uri.serialise() == b"sip:1000@elsewhere.org"


@pytest.mark.parametrize(
    ("domain", "status"),
    [
        (replace(EXAMPLE, federation="allow_list"), 403),
        (replace(EXAMPLE, federation="verified_tls"), 488),
    ],
)
def test_no_next_rule_when_the_first_ones_target_is_not_allowed(
    domain: Domain, status: int
) -> None:
    """The tenant has said no to this very call; another way round it is not what he meant."""
    world = World(domain)
    rule = replace(TALK[0], tran_add_header=b"X-A: 1")
    if status == 488:
        rule = replace(rule, match_regex="", tran_user=b"", tran_domain=b"")
    world.add_rules(domain, rule, BACKUP)
    far = world.far(b"elsewhere.org", "192.0.2.99")
    alice = world.phone(CALLER, "192.0.2.10")
    uri = b"sip:1000@example.com" if status == 403 else b"sip:x@y.test;transport=udp"
    alice.authenticates(alice.asks(b"INVITE", uri))
    alice.inbox = alice.inbox[-1:]
    alice.take_response(status)
    far.take_nothing()
    assert [(one.status, one.rule_id) for one in world.records] == [(status, 1)]
