"""Which relay a call gets, and which are alive."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from media.ng import Ping
from proxy.relay.client import RelayError
from proxy.relay.pool import RelayPool, parse_address
from tests.relay.conftest import ToldRelay


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:22222", ("127.0.0.1", 22222)),
        ("[::1]:22222", ("::1", 22222)),
        ("relay-a=192.0.2.1:5", ("192.0.2.1", 5)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text)[1] == address


@pytest.mark.parametrize("text", ["", "127.0.0.1", "host:", "host:x", ":", "h:70000", "h:0"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="is no host:port"):
        parse_address(text)


@pytest.fixture
async def pool(relay: ToldRelay, other_relay: ToldRelay) -> AsyncIterator[RelayPool]:
    one = RelayPool([f"127.0.0.1:{relay.port}", f"b=127.0.0.1:{other_relay.port}"], timeout=2.0)
    yield one
    await one.close()


async def test_calls_are_spread_and_stay(pool: RelayPool) -> None:
    calls = [b"call-%d@x" % number for number in range(1000)]
    chosen = [pool.choices(call_id)[0].relay_id for call_id in calls]
    assert chosen == [pool.choices(call_id)[0].relay_id for call_id in calls]
    assert min(Counter(chosen).values()) > 400


async def test_a_relay_is_found_by_its_id(pool: RelayPool) -> None:
    for relay in pool.choices(b"x"):
        assert pool.by_id(relay.relay_id) is relay
    assert pool.by_id(b"other") is None


async def test_a_name_keeps_the_id_when_the_address_changes() -> None:
    before = RelayPool(["a=127.0.0.1:1"], timeout=0.1)
    after = RelayPool(["a=127.0.0.1:2"], timeout=0.1)
    assert before.choices(b"x")[0].relay_id == after.choices(b"x")[0].relay_id
    await before.close()
    await after.close()


async def test_a_silent_relay_goes_last_until_it_answers(
    pool: RelayPool, relay: ToldRelay, other_relay: ToldRelay
) -> None:
    first = pool.choices(b"x")[0]
    for told in (relay, other_relay):
        if told.port == first.client.address[1]:
            told.answer = lambda _: None
    with pytest.raises(RelayError):
        await pool.request(first, Ping())
    assert not first.is_alive
    assert pool.choices(b"x")[-1] is first
    assert sorted(pool.states().values()) == [False, True]
    for told in (relay, other_relay):
        told.answer = lambda _: {b"result": b"pong"}
    await pool.request(first, Ping())
    assert pool.choices(b"x")[0] is first


async def test_a_refusal_is_a_sign_of_life(pool: RelayPool, relay: ToldRelay) -> None:
    one = next(r for r in pool.choices(b"x") if r.client.address[1] == relay.port)
    relay.answer = lambda _: {b"result": b"error", b"error-reason": b"no"}
    with pytest.raises(RelayError):
        await pool.request(one, Ping())
    assert one.is_alive


async def test_pings_find_out(pool: RelayPool, relay: ToldRelay, other_relay: ToldRelay) -> None:
    seen = asyncio.Event()

    def answer(_: object) -> None:
        seen.set()

    relay.answer = answer
    pool.start()
    await asyncio.wait_for(seen.wait(), 60)
    while all(pool.states().values()):
        await asyncio.wait_for(asyncio.shield(_next_turn()), 60)
    assert len(relay.commands) >= 1


async def _next_turn() -> None:
    turn = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, turn.set)
    await turn.wait()
