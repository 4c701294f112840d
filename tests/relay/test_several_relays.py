"""Two relays of ours beside each other: calls are spread, and a dead one gets no new ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from media.ng import Offer, Query
from media.sdp import parse
from proxy.relay.client import RelayError
from proxy.relay.pool import RelayPool
from tests.harness.media import sdp
from tests.harness.ng import REPLACE, NgClient, call_id, our_relay
from tests.harness.processes import Program, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]

RANGES = [(22500, 22699), (22800, 22999)]
CALLS = 20  # all at one relay: that does not happen


@pytest.fixture
def relays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Program]]:
    """By control port; on one machine their media ports must not overlap."""
    folder = tmp_path_factory.mktemp("relays")
    with ExitStack() as stack:
        yield {
            (port := free_port()): stack.enter_context(
                our_relay(folder / str(port), ng_port=port, ports=ports)
            )
            for ports in RANGES
        }


@pytest.fixture
async def pool(relays: dict[int, Program]) -> AsyncIterator[RelayPool]:
    named = [f"r{number}=127.0.0.1:{port}" for number, port in enumerate(relays)]
    one = RelayPool(named, timeout=5.0)
    yield one
    await one.close()


async def offered(pool: RelayPool, name: bytes) -> int:
    """Make an offer as the proxy does: the media port that it is told."""
    for relay in pool.choices(name):
        try:
            answer = await pool.request(relay, Offer(name, b"a", sdp(), options=REPLACE))
        except RelayError:
            continue
        body = answer[b"sdp"]
        assert isinstance(body, bytes)
        return parse(body).media[0].port
    raise AssertionError("no relay takes it")


async def test_calls_are_spread_and_a_dead_relay_gets_none(
    pool: RelayPool, relays: dict[int, Program]
) -> None:
    names = [call_id() for _ in range(CALLS)]
    told = {name: await offered(pool, name) for name in names}
    for port, (first, last) in zip(relays, RANGES, strict=True):
        own = [name for name, media in told.items() if first <= media <= last]
        assert own, "it has none of so many"
        with NgClient(port) as client:
            for name in own:
                client.accepted(Query(name))
    dead = next(iter(relays.values()))
    dead.kill()
    first, last = RANGES[1]
    for name in (call_id() for _ in range(CALLS)):
        assert first <= await offered(pool, name) <= last
    assert pool.states() == {"r0": False, "r1": True}
