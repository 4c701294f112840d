"""PostgreSQL goes and comes back: what goes on from memory, what waits, what is written then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from fedsip_platform.launch.postgres import EmbeddedPostgres
from proxy.location.model import Binding
from proxy.location.rules import Outcome
from proxy.location.store import NotDurable
from proxy.sip.uri import Aor
from proxy.state import State
from tests.harness.database import Administrator, server_of_its_own, until
from tests.harness.registrations import ALICE, WALL, binding

pytestmark = pytest.mark.db

BOB = Aor(b"bob@example.com")
ONE = binding()
ON_CONNECTION = binding(b"sip:alice@192.0.2.11", flow_token=b"token", protocol="tcp")
OTHER = binding(b"sip:alice@192.0.2.12")


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server of this file alone, migrated, with alice in it; to be stopped and started."""
    with server_of_its_own() as (made, url):
        administrator = Administrator(url)
        domain = administrator.domain(administrator.tenant(), id=1)
        administrator.subscriber(domain, "alice@example.com", id=7)
        administrator.close()
        yield made


@pytest.fixture
def url(server: EmbeddedPostgres) -> Iterator[str]:
    """The running server's address, the same after each start; no bindings in it."""
    url = server.start()
    administrator = Administrator(url)
    administrator.do("DELETE FROM location_binding")
    administrator.close()
    yield url
    server.stop()


@pytest.fixture(autouse=True)
def _stopped_at_first(server: EmbeddedPostgres) -> None:
    server.stop()


@asynccontextmanager
async def state_of(url: str) -> AsyncIterator[State]:
    state = State(url, on_binding_removed=lambda binding: None)
    try:
        async with asyncio.timeout(60):
            await state.start()
        yield state
    finally:
        await state.close()


async def change(state: State, *written: Binding) -> None:
    waiting = state.bindings.save(Outcome([], list(written), commit_needed=True))
    assert waiting is not None
    await waiting


def refresh(state: State, binding: Binding) -> None:
    assert state.bindings.save(Outcome([], [binding])) is None


async def test_calls_and_refreshes_go_on_and_all_is_written(
    server: EmbeddedPostgres, url: str
) -> None:
    async with state_of(url) as state:
        await change(state, ONE, ON_CONNECTION)
        server.stop()
        assert state.directory.subscriber(ALICE) is not None
        refreshed = replace(ONE, cseq=2, expires_at=WALL + 7000)
        refresh(state, refreshed)
        assert state.bindings.drop([ON_CONNECTION.binding_id]) == [ON_CONNECTION]
        assert state.bindings.lookup(ALICE, wall=WALL) == [refreshed]
        with pytest.raises(NotDurable):
            await change(state, OTHER)
        assert state.bindings.lookup(ALICE, wall=WALL) == [refreshed]
        assert state.writer.spooled == 2

        assert server.start() == url
        administrator = Administrator(url)
        administrator.subscriber(1, BOB.decode())
        await until(lambda: state.writer.spooled == 0, "all is written")
        found = administrator.ask(
            "SELECT contact, cseq, extract(epoch FROM expires_at)::float8, deleted"
            " FROM proxy_binding ORDER BY contact"
        )
        assert found == [
            (ONE.contact.decode(), 2, WALL + 7000, False),
            (ON_CONNECTION.contact.decode(), 1, WALL + 3600, True),
        ]
        await until(lambda: state.directory.subscriber(BOB) is not None, "edits arrive again")
        await change(state, OTHER)
        assert state.bindings.lookup(ALICE, wall=WALL) == [refreshed, OTHER]
        administrator.do("UPDATE proxy_binding SET deleted = true")
        await until(lambda: len(state.bindings) == 0, "so do sign-outs")
        administrator.do("DELETE FROM directory_subscriber WHERE id <> 7")
        administrator.close()


async def test_a_change_that_still_waits_is_committed_when_it_returns(
    server: EmbeddedPostgres, url: str
) -> None:
    async with state_of(url) as state:
        await change(state, ONE)
        state.writer._commit_wait = 60.0  # a busy machine may take its time to start
        server.stop()
        waiting = asyncio.create_task(change(state, OTHER))
        await asyncio.sleep(0)
        server.start()
        await waiting
        assert len(state.bindings.lookup(ALICE, wall=WALL)) == 2


async def test_the_start_waits_for_it(
    server: EmbeddedPostgres, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with state_of(url) as state:
        await change(state, ONE)
    server.stop()
    state = State(url, on_binding_removed=lambda binding: None)
    starting = asyncio.create_task(state.start())
    await until(lambda: "PostgreSQL is away" in caplog.text, "it is said")
    assert not starting.done()
    server.start()
    async with asyncio.timeout(60):
        await starting
    assert state.bindings.lookup(ALICE, wall=WALL) == [ONE]
    assert state.directory.subscriber(ALICE) is not None
    await state.close()


async def test_a_restart_of_the_proxy_loses_nothing(url: str) -> None:
    async with state_of(url) as state:
        await change(state, ONE, ON_CONNECTION)
        refreshed = replace(ONE, cseq=2, expires_at=WALL + 7000)
        refresh(state, refreshed)
    async with state_of(url) as state:
        found = state.bindings.lookup(ALICE, wall=WALL)
        assert sorted(found, key=lambda one: one.contact) == [refreshed, ON_CONNECTION]
