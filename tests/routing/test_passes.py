"""A page signs in with a pass: it registers and calls as its user, until it expires."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.sip.message import Response
from proxy.sip.passes import Pass, make_pass
from tests.routing.world import EXAMPLE, SECRET, UserAgent, World

ALICE = b"alice@example.com"
BOB = b"bob@example.com"


def page(world: World, seconds: int = 600) -> tuple[UserAgent, Pass]:
    alice = world.node.directory.subscriber(ALICE)
    assert alice is not None
    expires_at = int(world.node.wall()) + seconds
    made = make_pass(SECRET, b"alice", EXAMPLE.name, alice.ha1_md5, expires_at=expires_at)
    return world.phone(ALICE, "203.0.113.5", 40_000, "wss"), made


def register(one: UserAgent, made: Pass, *extra: tuple[bytes, bytes]) -> Response:
    message = one.asks(b"REGISTER", b"sip:example.com", to_uri=b"sip:" + one.aor, extra=extra)
    one.authenticates(message, username=made.username, password=made.password)
    answer = one.take()
    assert isinstance(answer, Response)
    return answer


def test_it_registers_for_no_longer_than_the_pass_is_good() -> None:
    world = World()
    one, made = page(world)
    answer = register(one, made, (b"expires", b"3600"))
    assert answer.status == 200
    assert answer.contacts[0].param(b"expires") == b"600"


def test_a_pass_of_less_than_the_shortest_registration() -> None:
    world = World()
    one, made = page(world, seconds=10)
    assert register(one, made).contacts[0].param(b"expires") == b"10"


def test_it_calls_as_its_user() -> None:
    world = World()
    bob = world.registered(BOB, "192.0.2.20")
    one, made = page(world)
    message = one.asks(b"MESSAGE", b"sip:bob@example.com")
    one.authenticates(message, username=made.username, password=made.password)
    assert not bob.take_request(b"MESSAGE").headers.has(b"proxy-authorization")


def test_it_does_not_call_as_another_user() -> None:
    world = World()
    one, made = page(world)
    message = one.asks(b"MESSAGE", b"sip:bob@example.com", from_uri=b"sip:carol@example.com")
    one.authenticates(message, username=made.username, password=made.password)
    one.take_response(403)


@pytest.mark.parametrize("case", ["expired", "disabled", "new password"])
def test_it_ends(case: str) -> None:
    world = World()
    one, made = page(world)
    alice = world.node.directory.subscriber(ALICE)
    assert alice is not None
    if case == "expired":
        world.wall += 601
    elif case == "disabled":
        world.node.directory.put_subscribers([replace(alice, enabled=False)])
    else:
        world.node.directory.put_subscribers([replace(alice, ha1_md5=b"0" * 32)])
    assert register(one, made).status == 401
