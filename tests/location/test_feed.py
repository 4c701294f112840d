"""Two nodes and an administrator see the same bindings, whatever breaks between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from proxy.location.feed import CHANNEL, BindingFeed
from proxy.location.model import Binding
from proxy.location.rules import Outcome
from proxy.location.store import Bindings
from proxy.location.writer import BindingWriter
from proxy.sip.uri import Aor
from tests.harness.database import Administrator, until
from tests.harness.registrations import ALICE, WALL, binding

pytestmark = pytest.mark.db

ONE = binding(flow_token=b"token-1", protocol="tcp")
TWO = binding(b"sip:alice@192.0.2.11:5060", instance=b"urn:uuid:0002", path=(b"<sip:p;lr>",))


class Node:
    """The part of a proxy that keeps bindings."""

    def __init__(self, url: str, *, follows: bool) -> None:
        self.gone: list[Binding] = []
        self.writer = BindingWriter(url)
        self.bindings = Bindings(self.writer, self.gone.append)
        self.feed = BindingFeed(url, self.bindings, self.writer)
        self._follows = follows

    async def start(self) -> None:
        if self._follows:
            async with asyncio.timeout(60):
                await self.feed.start()
        else:
            await self.feed.read()
        self.writer.start()

    async def close(self) -> None:
        await self.writer.close()
        await self.feed.close()

    async def change(self, *written: Binding, removed: tuple[Binding, ...] = ()) -> None:
        outcome = Outcome([], list(written), list(removed), commit_needed=True)
        waiting = self.bindings.save(outcome)
        assert waiting is not None
        await waiting

    def refresh(self, *written: Binding) -> None:
        assert self.bindings.save(Outcome([], list(written))) is None

    @property
    def of_alice(self) -> list[Binding]:
        return self.bindings.lookup(ALICE, wall=WALL)


@asynccontextmanager
async def node(url: str, *, follows: bool = True) -> AsyncIterator[Node]:
    made = Node(url, follows=follows)
    try:
        await made.start()
        yield made
    finally:
        await made.close()


async def test_what_lives_is_loaded(administrator: Administrator) -> None:
    async with node(administrator.url) as first:
        await first.change(ONE, TWO)
        await first.change(binding(b"sip:alice@192.0.2.12"), replace(TWO, q=5))
        await first.change(removed=(binding(b"sip:alice@192.0.2.12"),))
        await first.change(binding(b"sip:alice@192.0.2.13", expires_at=1.0))
    async with node(administrator.url) as second:
        assert second.of_alice == [ONE, replace(TWO, q=5)]
        assert len(second.bindings) == 2
        assert second.bindings.drop([ONE.binding_id]) == [ONE]


async def test_nodes_hear_of_each_other(administrator: Administrator) -> None:
    async with node(administrator.url) as first, node(administrator.url) as second:
        await first.change(ONE)
        await until(lambda: second.of_alice == [ONE], "the other knows it")
        moved = replace(ONE, cseq=2, flow_token=b"token-2", node_id=b"b")
        await second.change(moved)
        await until(lambda: first.of_alice == [moved], "it has moved")
        assert first.gone == [ONE]
        refreshed = replace(moved, cseq=3, expires_at=WALL + 7000)
        second.refresh(refreshed)
        await until(lambda: first.of_alice == [refreshed], "it is refreshed")
        await first.change(removed=(refreshed,))
        await until(lambda: second.of_alice == [], "it is gone")


async def test_an_administrator_signs_out(administrator: Administrator) -> None:
    async with node(administrator.url) as only:
        await only.change(ONE, TWO)
        administrator.do("UPDATE directory_subscriber SET enabled = false WHERE id = 7")
        await until(lambda: only.of_alice == [], "all his phones are signed out")
        assert {one.binding_id for one in only.gone} == {ONE.binding_id, TWO.binding_id}


async def test_our_own_writing_is_not_read(administrator: Administrator) -> None:
    async with node(administrator.url, follows=False) as only:
        await only.change(ONE)
        only.bindings.forget(ALICE, ONE.binding_id)
        await only.feed.read()
        assert only.of_alice == []
        assert only.writer.own == {}
        await only.feed.read()
        assert only.of_alice == []


async def test_a_reading_from_before_our_commit_undoes_nothing(
    administrator: Administrator,
) -> None:
    """The other's row is read, ours is committed, then what was read is applied."""
    async with (
        node(administrator.url, follows=False) as first,
        node(administrator.url, follows=False) as second,
    ):
        await second.change(replace(ONE, node_id=b"b", call_id=b"theirs"))
        connection = await first.feed._database.connection()
        execute = connection.execute

        async def execute_and_commit(*words: object) -> object:
            cursor = await execute(*words)  # type: ignore[arg-type]
            await first.change(replace(ONE, call_id=b"ours"))
            return cursor

        connection.execute = execute_and_commit  # type: ignore[method-assign, assignment]
        await first.feed.read()
        connection.execute = execute  # type: ignore[method-assign]
        assert [one.call_id for one in first.of_alice] == [b"ours"]
        await first.feed.read()
        await second.feed.read()
        assert [one.call_id for one in first.of_alice] == [b"ours"]
        assert [one.call_id for one in second.of_alice] == [b"ours"]


async def test_a_late_commit_is_not_missed(administrator: Administrator) -> None:
    async with node(administrator.url, follows=False) as only:
        await only.change(ONE)
        with psycopg.connect(administrator.url) as slow:
            slow.execute("UPDATE proxy_binding SET deleted = true")
            for number in range(3):
                await only.change(binding(b"sip:alice@192.0.2.99:%d" % (5060 + number)))
                await only.feed.read()
            assert ONE in only.of_alice
            slow.commit()
        await only.feed.read()
        assert ONE not in only.of_alice


async def test_what_was_committed_without_our_knowing_is_read(
    administrator: Administrator,
) -> None:
    """The answer to a commit was lost: the phone was refused, the row is there."""
    async with node(administrator.url) as only:
        async with node(administrator.url, follows=False) as stranger:
            await stranger.change(ONE)
        await until(lambda: only.of_alice == [ONE], "it is in force here as well")


async def test_many_changes_at_once(administrator: Administrator) -> None:
    async with node(administrator.url) as first, node(administrator.url) as second:
        many = [
            binding(b"sip:u@192.0.2.1", aor=Aor(b"u%d@example.com" % number))
            for number in range(2500)
        ]
        for start in range(0, len(many), 100):  # a commit must not take longer than callers wait
            await first.change(*many[start : start + 100])
        await until(lambda: len(second.bindings) == 2500, "all are there")
        administrator.do("UPDATE proxy_binding SET deleted = true")
        await until(lambda: len(second.bindings) == len(first.bindings) == 0, "all are gone")


async def test_with_the_doorbell_cut_the_poll_finds_changes(
    administrator: Administrator, database_url: str
) -> None:
    name = sql.Identifier(administrator.connection.info.dbname)
    async with node(administrator.url) as first, node(administrator.url) as second:
        await first.change(ONE)
        await until(lambda: second.of_alice == [ONE], "the other knows it")
        await second.feed.listening.wait()
        with psycopg.connect(database_url, autocommit=True) as other:  # it shall stay cut
            other.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        assert administrator.end_connections(f"fedsip proxy listen {CHANNEL}") == 2
        await first.change(TWO)
        await until(lambda: len(second.of_alice) == 2, "the poll has found it")
        assert not second.feed.listening.is_set()


async def test_all_rows_are_compared_when_numbers_begin_anew(
    administrator: Administrator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "proxy.location.feed")
    async with node(administrator.url, follows=False) as only:
        await only.change(ONE, TWO)
        await only.feed.read()
        # Another server: it has lost one, another was signed out, and its time is another.
        administrator.do("DELETE FROM location_binding WHERE binding_id = %s", ONE.binding_id)
        administrator.do("ALTER TABLE location_binding DISABLE TRIGGER USER")
        administrator.do("UPDATE location_binding SET deleted = true, xid = '5'")
        administrator.do("ALTER TABLE location_binding ENABLE TRIGGER USER")
        await only.feed.read()
        assert len(only.of_alice) == 2
        assert only.feed._seen is not None
        only.feed._seen.server = "another"
        await only.feed.read()
        assert only.of_alice == [ONE]
        assert "bindings compared count=1 lost=1" in caplog.messages
        await until(lambda: only.writer.spooled == 0, "the lost one is written")
        found = administrator.ask("SELECT deleted FROM proxy_binding ORDER BY contact")
        assert found == [(False,), (True,)]
