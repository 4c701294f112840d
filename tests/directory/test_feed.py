"""The directory follows PostgreSQL: late commits, a cut doorbell, a server that goes and comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg import sql

from proxy.directory.feed import CHANNEL, DirectoryFeed
from proxy.directory.store import Directory
from proxy.directory.translate import Facts
from proxy.sip.uri import Aor
from tests.harness.database import Administrator, until

pytestmark = pytest.mark.db

ALICE = Aor(b"alice@example.com")
BOB = Aor(b"bob@example.com")


@pytest.fixture
def administrator(fresh_url: str) -> Iterator[Administrator]:
    made = Administrator(fresh_url)
    yield made
    made.close()


@pytest.fixture
def domain_id(administrator: Administrator) -> int:
    return administrator.domain(administrator.tenant())


@asynccontextmanager
async def following(url: str) -> AsyncIterator[tuple[Directory, DirectoryFeed]]:
    directory = Directory()
    feed = DirectoryFeed(url, directory)
    try:
        async with asyncio.timeout(60):
            await feed.start()
        yield directory, feed
    finally:
        await feed.close()


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[tuple[Directory, DirectoryFeed]]:
    """A feed that reads only when it is told to."""
    directory = Directory()
    feed = DirectoryFeed(url, directory)
    try:
        await feed.read()
        yield directory, feed
    finally:
        await feed.close()


async def test_everything_is_loaded(administrator: Administrator, domain_id: int) -> None:
    administrator.subscriber(domain_id, "alice@example.com", display_name="Alice Ä", max_contacts=3)
    administrator.subscriber(
        domain_id, "bob@example.com", enabled=False, max_calls=2, srtp="required"
    )
    administrator.translation(domain_id, match_regex="^1000$", tran_user="eric")
    async with following(administrator.url) as (directory, _):
        domain = directory.domain(b"example.com")
        assert domain is not None
        assert (domain.domain_id, domain.tenant, domain.enabled) == (domain_id, b"acme", True)
        alice, bob = directory.subscriber(ALICE), directory.subscriber(BOB)
        assert alice is not None
        assert bob is not None
        assert (alice.display_name, alice.max_contacts, alice.enabled) == ("Alice Ä", 3, True)
        assert (alice.ha1_md5, alice.ha1_sha256) == (b"5a" * 16, b"5a" * 32)
        assert (bob.enabled, bob.max_calls, bob.srtp) == (False, 2, "required")
        facts = Facts(b"alice", b"", b"1000", b"example.com")
        found = directory.rules(domain).candidates(facts, lambda: 0.0)
        assert [rule.tran_user for rule in found] == [b"eric"]


async def test_edits_arrive(administrator: Administrator, domain_id: int) -> None:
    async with following(administrator.url) as (directory, _):
        user = administrator.subscriber(domain_id, "alice@example.com")
        await until(lambda: directory.subscriber(ALICE) is not None, "the user is there")
        administrator.do("UPDATE directory_subscriber SET enabled = false WHERE id = %s", user)
        await until(lambda: not directory.subscriber(ALICE).enabled, "the user is disabled")
        administrator.do("DELETE FROM directory_subscriber WHERE id = %s", user)
        await until(lambda: directory.subscriber(ALICE) is None, "the user is gone")
        administrator.do("UPDATE tenants_tenant SET enabled = false")
        await until(lambda: not directory.domain(b"example.com").enabled, "the tenant is off")
        rule = administrator.translation(domain_id, tran_user="eric")
        domain = directory.domain(b"example.com")
        await until(lambda: len(directory.rules(domain)) == 1, "the rule is there")
        administrator.do("UPDATE directory_translation SET tran_user = 'x' WHERE id = %s", rule)
        await until(lambda: directory.rules(domain).rows[rule].tran_user == b"x", "it is edited")
        administrator.do("DELETE FROM directory_translation")
        await until(lambda: len(directory.rules(domain)) == 0, "the rule is gone")
        administrator.do("DELETE FROM directory_domain")
        await until(lambda: directory.domain(b"example.com") is None, "the domain is gone")


async def test_a_late_commit_is_not_missed(administrator: Administrator, domain_id: int) -> None:
    async with reading(administrator.url) as (directory, feed):
        with psycopg.connect(administrator.url) as slow:
            slow.execute("UPDATE directory_domain SET hide_users = false")
            for number in range(3):  # later numbers commit and are read before
                administrator.subscriber(domain_id, f"u{number}@example.com")
                await feed.read()
            assert directory.subscriber(Aor(b"u2@example.com")) is not None
            assert directory.domain(b"example.com").hide_users
            slow.commit()
        await feed.read()
        assert not directory.domain(b"example.com").hide_users


async def test_a_rollback_changes_nothing(administrator: Administrator, domain_id: int) -> None:
    async with reading(administrator.url) as (directory, feed):
        with psycopg.connect(administrator.url) as other:
            other.execute("UPDATE directory_domain SET hide_users = false")
            other.rollback()
        await feed.read()
        assert directory.domain(b"example.com").hide_users


async def test_each_change_is_read_once(
    administrator: Administrator, domain_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "proxy.directory.feed")
    async with reading(administrator.url) as (_, feed):
        with psycopg.connect(administrator.url) as open_for_long:
            open_for_long.execute("SELECT pg_current_xact_id()")
            administrator.subscriber(domain_id, "alice@example.com")
            await feed.read()
            caplog.clear()
            await feed.read()
            assert caplog.messages == []


async def test_an_import_of_many(administrator: Administrator, domain_id: int) -> None:
    async with following(administrator.url) as (directory, _):
        administrator.do(
            "INSERT INTO directory_subscriber (domain_id, username, aor, ha1_md5, ha1_sha256)"
            " SELECT %s, 'u' || n, 'u' || n || '@example.com', md5(n::text), ''"
            " FROM generate_series(1, 2500) n",
            domain_id,
        )
        await until(lambda: directory.counts[1] == 2500, "all are there")
        administrator.do("DELETE FROM directory_subscriber WHERE username < 'u2'")
        rest = administrator.ask("SELECT count(*) FROM directory_subscriber")[0][0]
        await until(lambda: directory.counts[1] == rest, "those deleted are gone")


async def test_pruned_changes_are_made_up_for_by_loading_all(
    administrator: Administrator, domain_id: int
) -> None:
    async with reading(administrator.url) as (directory, feed):
        user = administrator.subscriber(domain_id, "alice@example.com")
        await feed.read()
        administrator.do("DELETE FROM directory_subscriber WHERE id = %s", user)
        administrator.do(
            "UPDATE directory_change_horizon SET xid ="
            " ((SELECT max(xid::text::bigint) FROM directory_change) + 1)::text::xid8"
        )
        administrator.do("DELETE FROM directory_change")
        await feed.read()
        assert directory.subscriber(ALICE) is None
        administrator.subscriber(domain_id, "bob@example.com")
        await feed.read()
        assert directory.subscriber(BOB) is not None


async def test_an_expression_that_cannot_be_spoils_no_other(
    administrator: Administrator, domain_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    administrator.translation(domain_id, match_regex="(", tran_user="x")
    administrator.translation(domain_id, match_regex="^1", tran_user="y")
    async with reading(administrator.url) as (directory, _):
        domain = directory.domain(b"example.com")
        found = directory.rules(domain).candidates(Facts(b"", b"", b"12", b""), lambda: 0.0)
        assert [rule.tran_user for rule in found] == [b"y"]
    assert any("reason=missing ): (" in message for message in caplog.messages)


async def test_many_rules_at_once(administrator: Administrator, domain_id: int) -> None:
    administrator.do(
        "INSERT INTO directory_translation (domain_id, match_regex, tran_user)"
        " SELECT %s, '^' || n || '$', 'u' || n FROM generate_series(1, 1500) n",
        domain_id,
    )
    async with reading(administrator.url) as (directory, _):
        domain = directory.domain(b"example.com")
        found = directory.rules(domain).candidates(Facts(b"", b"", b"777", b""), lambda: 0.0)
        assert [rule.tran_user for rule in found] == [b"u777"]


async def test_with_the_doorbell_cut_the_poll_finds_edits(
    administrator: Administrator, domain_id: int, database_url: str
) -> None:
    name = sql.Identifier(administrator.connection.info.dbname)
    async with following(administrator.url) as (directory, feed):
        await feed.listening.wait()
        with psycopg.connect(database_url, autocommit=True) as other:  # it shall stay cut
            other.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        assert administrator.end_connections(f"fedsip proxy listen {CHANNEL}") == 1
        administrator.subscriber(domain_id, "alice@example.com")
        await until(lambda: directory.subscriber(ALICE) is not None, "the poll has found it")
        assert not feed.listening.is_set()


async def test_the_doorbell_is_mended(administrator: Administrator, domain_id: int) -> None:
    async with following(administrator.url) as (_, feed):
        for _ in range(2):
            await asyncio.wait_for(feed.listening.wait(), 20)
            assert administrator.end_connections(f"fedsip proxy listen {CHANNEL}") == 1
            await until(lambda: not feed.listening.is_set(), "the cut is noticed")
        await asyncio.wait_for(feed.listening.wait(), 20)


async def test_a_cut_reading_connection_is_made_again(
    administrator: Administrator, domain_id: int
) -> None:
    async with following(administrator.url) as (directory, _):
        assert administrator.end_connections("fedsip proxy directory") == 1
        administrator.subscriber(domain_id, "alice@example.com")
        await until(lambda: directory.subscriber(ALICE) is not None, "it is read again")


async def test_it_waits_for_the_views_to_be_made(
    administrator: Administrator, domain_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    administrator.do("ALTER VIEW proxy_domain RENAME TO not_yet")
    directory = Directory()
    feed = DirectoryFeed(administrator.url, directory)
    starting = asyncio.create_task(feed.start())
    await until(lambda: "cannot be read yet" in caplog.text, "it is said")
    assert not starting.done()
    administrator.do("ALTER VIEW not_yet RENAME TO proxy_domain")
    await asyncio.wait_for(starting, 20)
    assert directory.domain(b"example.com") is not None
    await feed.close()
