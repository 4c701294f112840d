"""Who is calling (docs/behaviour.md s3): challenges, identities, and what strangers may do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory import packed
from proxy.sip import digest
from proxy.sip.fields import parse_credentials
from proxy.sip.message import Response
from proxy.sip.uri import parse_uri
from tests.harness.builders import Dialog
from tests.routing.world import EXAMPLE, OPEN, UserAgent, World

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
STRANGER = b"stranger@elsewhere.org"


def phones() -> tuple[World, UserAgent, UserAgent]:
    """Alice, who has not registered, and Bob, who has."""
    world = World()
    return world, world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")


@pytest.mark.parametrize("method", [b"INVITE", b"MESSAGE", b"SUBSCRIBE", b"REFER", b"INFO"])
@pytest.mark.parametrize("uri", [b"sip:bob@example.com", b"sip:bob@192.0.2.99"])
def test_a_user_of_ours_is_challenged_whatever_the_target(method: bytes, uri: bytes) -> None:
    _, alice, bob = phones()
    alice.sends(method, uri)
    challenge = alice.take_response(407)
    offered = [parse_credentials(v) for v in challenge.headers.all(b"proxy-authenticate")]
    assert [one.params[b"algorithm"] for one in offered] == [b"MD5", b"SHA-256"]
    assert {one.params[b"realm"] for one in offered} == {b"example.com"}
    assert len({one.params[b"nonce"] for one in offered}) == 1
    bob.take_nothing()


@pytest.mark.parametrize("algorithm", [digest.MD5, digest.SHA256])
def test_credentials_are_consumed(algorithm: bytes) -> None:
    _, alice, bob = phones()
    alice.authenticates(alice.asks(b"MESSAGE", b"sip:bob@example.com"), algorithm=algorithm)
    came = bob.take_request(b"MESSAGE")
    assert not came.headers.has(b"proxy-authorization")


def test_credentials_for_the_next_proxy_stay() -> None:
    _, alice, bob = phones()
    message = alice.asks(b"MESSAGE", b"sip:bob@example.com")
    alice.send(message)
    again = alice.signs(message, alice.take_response(407))
    theirs = b'Digest realm="next.example", username="a", nonce="n", uri="sip:x", response="0"'
    again.headers.append(b"proxy-authorization", theirs)
    alice.send(again)
    assert bob.take_request(b"MESSAGE").headers.all(b"proxy-authorization") == [theirs]


@pytest.mark.parametrize("method", [b"ACK", b"BYE", b"INFO"])
def test_credentials_go_nowhere_within_a_dialog_either(method: bytes) -> None:
    """An ACK has those of its INVITE (RFC 3261 s13.2.2.4), and phones sign what follows; those of
    other realms are none of our business."""
    _, alice, bob = phones()
    invite = alice.invites(b"sip:bob@example.com")
    bob.answers(bob.take_request(b"INVITE"), 200)
    dialog = Dialog(invite, alice.take_response(200), is_caller=True)
    message = dialog.request(method, via=alice.via)
    others = [b'Digest realm="next.example", username="a", response="0"', b"rubbish"]
    for value in (invite.headers.first(b"proxy-authorization"), *others):
        assert value is not None
        message.headers.append(b"proxy-authorization", value)
    alice.send(message)
    assert bob.take_request(method).headers.all(b"proxy-authorization") == others


def test_credentials_that_an_open_domain_does_not_want_go_nowhere() -> None:
    world = World()
    bob = world.registered(BOB, "192.0.2.20")
    guest = world.phone(b"guest@" + OPEN.name, "192.0.2.10")
    ours = (b"proxy-authorization", b'Digest realm="example.com", username="g", response="0"')
    guest.sends(b"MESSAGE", b"sip:bob@example.com", extra=(ours,))
    assert not bob.take_request(b"MESSAGE").headers.has(b"proxy-authorization")


def test_a_username_with_its_domain_will_do() -> None:
    """Some phones send the whole address as the username, in the hash as well."""
    world, alice, bob = phones()
    user = world.node.directory.subscriber(b"alice@example.com")
    world.node.directory.put_subscribers(
        [replace(user, ha1_md5=digest.ha1(b"alice@example.com", b"example.com", b"secret"))]
    )
    message = alice.asks(b"MESSAGE", b"sip:bob@example.com")
    alice.authenticates(message, username=b"alice@example.com")
    bob.take_request(b"MESSAGE")


def test_from_must_be_who_the_credentials_say() -> None:
    _, alice, bob = phones()
    message = alice.asks(b"MESSAGE", b"sip:bob@example.com", from_uri=b"sip:carol@example.com")
    alice.authenticates(message)
    assert alice.take_response(403).reason == b"Forbidden auth ID"
    bob.take_nothing()


@pytest.mark.parametrize(
    ("username", "password"), [(b"alice", b"wrong"), (b"nobody", b"secret"), (b"", b"")]
)
def test_wrong_passwords_and_unknown_users_are_told_the_same(
    username: bytes, password: bytes
) -> None:
    _, alice, bob = phones()
    message = alice.asks(b"MESSAGE", b"sip:bob@example.com")
    alice.send(message)
    first = alice.take_response(407)
    alice.send(alice.signs(message, first, username=username or b"x", password=password))
    again = alice.take_response(407)
    assert [name for name, _ in again.headers] == [name for name, _ in first.headers]
    assert b"stale" not in b"".join(again.headers.all(b"proxy-authenticate"))
    bob.take_nothing()


@pytest.mark.parametrize("suffix", [b"", b" 6b4a4b00"])
def test_unknown_users_cost_what_wrong_passwords_do(suffix: bytes) -> None:
    """With a password of their own or a pass: users are read from their packed form, and kept for
    a while, whether they are there or not."""
    world, alice, _ = phones()
    world.add_user(b"rare@example.com", EXAMPLE)
    packed.unpack.cache_clear()
    work = []
    for name in (b"rare", b"nobody"):
        for _ in range(2):
            before = packed.unpack.cache_info()
            message = alice.asks(b"MESSAGE", b"sip:bob@example.com")
            alice.authenticates(message, username=name + suffix, password=b"wrong")
            alice.take_response(407)
            after = packed.unpack.cache_info()
            work.append((after.misses - before.misses, after.hits - before.hits))
    assert work[:2] == work[2:] == [(1, 0), (0, 1)]


def test_a_disabled_user_is_unknown() -> None:
    world, alice, bob = phones()
    world.node.directory.put_subscribers(
        [replace(world.node.directory.subscriber(b"alice@example.com"), enabled=False)]
    )
    alice.authenticates(alice.asks(b"MESSAGE", b"sip:bob@example.com"))
    alice.take_response(407)
    bob.take_nothing()


def test_an_old_nonce_is_stale() -> None:
    world, alice, bob = phones()
    message = alice.asks(b"MESSAGE", b"sip:bob@example.com")
    alice.send(message)
    challenge = alice.take_response(407)
    world.clock.advance(301)
    alice.send(alice.signs(message, challenge))
    again = alice.take_response(407)
    params = parse_credentials(again.headers.all(b"proxy-authenticate")[0]).params
    assert params[b"stale"].lower() == b"true"
    alice.send(alice.signs(message, again))
    bob.take_request(b"MESSAGE")


def test_a_replayed_nonce_count_is_refused() -> None:
    _, alice, bob = phones()
    message = alice.asks(b"MESSAGE", b"sip:bob@example.com")
    alice.send(message)
    challenge = alice.take_response(407)
    alice.send(alice.signs(message, challenge))
    bob.take_request(b"MESSAGE")
    alice.send(alice.signs(message, challenge))
    alice.take_response(407)
    bob.take_nothing()


@pytest.mark.parametrize(
    "credentials",
    [
        b"Digest",
        b"Digest ,",
        b'Digest realm="example.com"',
        b'Digest realm="example.com", username="alice", nonce="x", uri="y", response="z"',
        b'Digest realm="other", username="alice", nonce="x", uri="y", response="z"',
        b"Basic YWxpY2U6c2VjcmV0",
        b"\xff\xfe",
        b'Digest realm="example.com", username="alice", nonce="1-2-3", uri="y", response="z",'
        b' algorithm=AKAv1-MD5, qop=auth, nc=zz, cnonce=""',
    ],
)
def test_malformed_credentials_lead_nowhere(credentials: bytes) -> None:
    _, alice, bob = phones()
    alice.sends(b"MESSAGE", b"sip:bob@example.com", extra=((b"proxy-authorization", credentials),))
    answer = alice.take()
    assert isinstance(answer, Response)
    assert answer.status in (400, 407)
    bob.take_nothing()


def test_a_stranger_reaches_our_users_unchallenged() -> None:
    world, _, bob = phones()
    world.phone(STRANGER, "203.0.113.5").sends(b"MESSAGE", b"sip:bob@example.com")
    bob.take_request(b"MESSAGE")


@pytest.mark.parametrize("method", [b"INVITE", b"OPTIONS", b"REFER", b"PUBLISH", b"FETCH"])
@pytest.mark.parametrize(
    "uri", [b"sip:x@elsewhere.org", b"sip:x@192.0.2.77", b"sip:elsewhere.org;lr"]
)
def test_we_are_no_open_relay(method: bytes, uri: bytes) -> None:
    world = World()
    phone = world.phone(STRANGER, "203.0.113.5")
    phone.sends(method, uri)
    answer = phone.take()
    assert isinstance(answer, Response)
    assert answer.status in (403, 484)
    assert not world.air.opened


def test_a_from_of_an_open_domain_is_not_challenged() -> None:
    world, _, _ = phones()
    guest = world.registered(b"guest@open.example", "192.0.2.30")
    world.phone(b"other@open.example", "192.0.2.31").sends(b"MESSAGE", b"sip:guest@open.example")
    guest.take_request(b"MESSAGE")


def test_an_open_domain_does_not_call_out() -> None:
    world = World()
    phone = world.phone(b"guest@open.example", "192.0.2.30")
    phone.sends(b"MESSAGE", b"sip:x@192.0.2.99")
    phone.take_response(403)


def test_an_open_domain_calls_out_when_its_tenant_says_so() -> None:
    world = World(replace(OPEN, unauthenticated_calls_out=True))
    far = world.phone(b"x@192.0.2.99", "192.0.2.99")
    world.phone(b"guest@open.example", "192.0.2.30").sends(b"MESSAGE", b"sip:x@192.0.2.99")
    far.take_request(b"MESSAGE")


def test_a_disabled_domain_calls_nobody() -> None:
    world = World(replace(EXAMPLE, enabled=False))
    alice = world.phone(ALICE, "192.0.2.10")
    alice.sends(b"MESSAGE", b"sip:mallory@other.example")
    alice.take_response(403)


def test_requests_within_a_dialog_are_not_challenged() -> None:
    from tests.harness.builders import Dialog

    _, alice, bob = phones()
    invite = alice.invites(b"sip:bob@example.com")
    came = bob.take_request(b"INVITE")
    answer = bob.answers(came, 200)
    dialog = Dialog(invite, alice.take_response(200), is_caller=True)
    assert answer.status == 200
    alice.send(dialog.request(b"INFO", via=alice.via))
    bob.take_request(b"INFO")


@pytest.mark.parametrize(
    ("tenants", "status"), [((), 401), ((1,), 401), ((2, 1), 401), ((2,), 403)]
)
def test_a_page_registers_with_the_tenants_that_have_listed_its_site(
    tenants: tuple[int, ...], status: int
) -> None:
    world = World()
    page = world.phone(ALICE, "203.0.113.5", 40_000, "wss")
    page.flow = replace(page.flow, tenants=tenants)
    page.sends(b"REGISTER", b"sip:example.com", to_uri=b"sip:alice@example.com")
    page.take_response(status)


def test_a_page_calls_for_no_tenant_that_has_not_listed_its_site() -> None:
    world = World()
    world.registered(BOB, "192.0.2.20")
    page = world.phone(ALICE, "203.0.113.5", 40_000, "wss")
    page.flow = replace(page.flow, tenants=(2,))
    page.sends(b"MESSAGE", b"sip:bob@example.com")
    assert page.take_response(403).reason == b"Site is not allowed"


def spiral(world: World, **changes: bytes) -> tuple[UserAgent, UserAgent, UserAgent]:
    """Alice calls somebody elsewhere, whose proxy sends the call on to bob, a user of ours; alice,
    that proxy and bob. `changes` are of the From, its tag or the target."""
    far = world.far(b"elsewhere.org", "192.0.2.99")
    alice = world.phone(b"alice@example.com", "192.0.2.10")
    bob = world.registered(b"bob@example.com", "192.0.2.20")
    alice.invites(b"sip:friend@elsewhere.org")
    came = far.take_request(b"INVITE")
    onward = came.copy()
    onward.uri = parse_uri(changes.get("target", b"sip:bob@example.com"))
    onward.headers.prepend(b"record-route", b"<sip:192.0.2.99;lr>")
    onward.headers.prepend(b"via", far.via + b";branch=z9hG4bKfar")
    who = changes.get("caller", b"sip:alice@example.com")
    onward.headers.set(b"from", b"<%b>;tag=%b" % (who, changes.get("tag", came.from_.tag or b"")))
    far.send(onward)
    return alice, far, bob


def test_call_that_comes_back_rings_without_another_challenge() -> None:
    world = World()
    alice, far, bob = spiral(world)
    far.take_response(100)
    rings = bob.take_request(b"INVITE")
    assert rings.from_.uri.serialise() == b"sip:alice@example.com"
    bob.answers(rings, 200)
    answer = far.take_response(200)
    answer.headers.remove_first_value(b"via")
    far.send(answer)
    alice.take_response(200)
    assert len(world.node.calls) == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"tag": b"guessed"}, 407),
        ({"caller": b"sip:carol@example.com"}, 407),
        ({"target": b"sip:somebody@third.test"}, 407),  # not on alice's account
    ],
)
def test_call_that_only_seems_to_come_back(changes: dict[str, bytes], status: int) -> None:
    _, far, bob = spiral(World(), **changes)
    far.take_response(status)
    bob.take_nothing()


def test_call_that_was_answered_does_not_come_back() -> None:
    world = World()
    alice, far, bob = spiral(world)
    far.take_response(100)
    came = bob.take_request(b"INVITE")
    bob.answers(came, 200)
    answer = far.take_response(200)
    answer.headers.remove_first_value(b"via")
    far.send(answer)
    alice.take_response(200)
    again = came.copy()
    again.uri = parse_uri(b"sip:bob@example.com")
    again.headers.remove(b"record-route")
    again.headers.prepend(b"via", far.via + b";branch=z9hG4bKagain")
    far.send(again)
    far.take_response(407)
