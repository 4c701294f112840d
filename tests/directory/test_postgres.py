"""Snapshots, and what a doorbell does when reading fails."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from proxy.postgres import Away, Database, Doorbell, Snapshot, first_line, plain_array, text_array
from tests.harness.database import Administrator, until

NOWHERE = "postgresql://nobody@/nothing?host=/nonexistent"


@pytest.mark.parametrize(
    ("text", "seen", "unseen"),
    [
        ("10:10:", [3, 9], [10, 11]),
        ("10:14:10,12", [9, 11, 13], [10, 12, 14]),
    ],
)
def test_what_a_snapshot_saw(text: str, seen: list[int], unseen: list[int]) -> None:
    snapshot = Snapshot(text, "server")
    assert all(snapshot.saw(xid) for xid in seen)
    assert not any(snapshot.saw(xid) for xid in unseen)


@pytest.mark.parametrize(
    ("text", "server", "is_next"),
    [
        ("10:14:10,12", "one", True),
        ("15:20:", "one", True),
        ("10:13:", "one", False),
        ("15:20:", "two", False),
    ],
)
def test_numbers_that_began_anew(text: str, server: str, is_next: bool) -> None:
    assert Snapshot("10:14:10,12", "one").is_followed_by(Snapshot(text, server)) is is_next


@pytest.mark.db
@pytest.mark.parametrize(
    "values",
    [[], [""], ["plain", "NULL", "{a,b}"], ['"', "\\", '\\"', "\r\n\t", "' -- ; é \N{BELL}"]],
)
def test_arrays_are_read_as_they_were_meant(database_url: str, values: list[str]) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT %s::text[]", (text_array(values),)).fetchone()
    assert row == (values,)


@pytest.mark.db
@pytest.mark.parametrize("values", [[], ["1"], ["-1", "20", "0"]])
def test_plain_arrays(database_url: str, values: list[str]) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT %s::bigint[]::text[]", (plain_array(values),)).fetchone()
    assert row == (values,)


@pytest.mark.db
@pytest.mark.parametrize("open_transactions", [0, 2])
def test_it_says_what_postgresql_says(database_url: str, open_transactions: int) -> None:
    others = [psycopg.connect(database_url) for _ in range(open_transactions)]
    with psycopg.connect(database_url, autocommit=True) as connection:
        for other in others:
            other.execute("SELECT pg_current_xact_id()")
            connection.execute("SELECT pg_current_xact_id()")
        row = connection.execute("SELECT pg_current_snapshot()::text").fetchone()
        assert row is not None
        snapshot = Snapshot(row[0], "")
        for xid in range(snapshot.xmin - 2, snapshot.xmax + 2):
            found = connection.execute(
                "SELECT pg_visible_in_snapshot(%s::text::xid8, %s::pg_snapshot)",
                (str(xid), row[0]),
            ).fetchone()
            assert found == (snapshot.saw(xid),)
    for other in others:
        other.close()


async def test_one_that_is_away_is_not_asked_again_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    database = Database(NOWHERE, name="test")
    with pytest.raises(psycopg.OperationalError) as first:
        await database.connection()
    assert not isinstance(first.value, Away)
    with pytest.raises(Away):
        await database.connection()
    assert database.is_away
    assert database.backend_pid == 0
    assert len(caplog.messages) == 1
    await database.close()


@pytest.mark.db
async def test_a_connection_is_shared_and_made_again(database_url: str) -> None:
    database = Database(database_url, name="shared")
    first, second = await asyncio.gather(database.connection(), database.connection())
    assert first is second
    assert database.backend_pid == first.info.backend_pid
    administrator = Administrator(database_url)
    administrator.end_connections("fedsip proxy shared")
    administrator.close()
    with pytest.raises(psycopg.OperationalError):
        await first.execute(b"SELECT 1")
    assert await database.connection() is not first
    await database.close()


@pytest.mark.db
async def test_a_failing_reader_is_called_again_and_told_of_once(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes: list[Exception | None] = [
        ValueError("a fault"),
        ValueError("a fault"),
        psycopg.OperationalError("away"),
        None,
    ]

    async def read() -> None:
        outcome = outcomes.pop(0) if outcomes else None
        if outcome is not None:
            raise outcome

    doorbell = Doorbell(database_url, "a_test", read)
    running = asyncio.create_task(doorbell.run())
    administrator = Administrator(database_url)
    await doorbell.listening.wait()
    while outcomes:
        before = len(outcomes)
        administrator.do("NOTIFY a_test")
        await until(lambda before=before: len(outcomes) < before, "it was called")  # type: ignore[misc]
    running.cancel()
    await asyncio.wait([running])
    administrator.close()
    assert [one.levelname for one in caplog.records] == ["ERROR"]


@pytest.mark.db
async def test_our_own_bell_is_not_heard(database_url: str) -> None:
    calls = 0

    async def read() -> None:
        nonlocal calls
        calls += 1

    administrator = Administrator(database_url)
    mine = administrator.connection.info.backend_pid
    heard: list[int] = []

    def is_own(pid: int) -> bool:
        heard.append(pid)
        return pid == mine

    doorbell = Doorbell(database_url, "b_test", read, is_own)
    running = asyncio.create_task(doorbell.run())
    await doorbell.listening.wait()
    administrator.do("NOTIFY b_test")
    await until(lambda: heard == [mine], "it was rung")
    assert not doorbell._bell.is_set()
    running.cancel()
    await asyncio.wait([running])
    administrator.close()


@pytest.mark.parametrize(
    ("error", "line"),
    [(ValueError("one\ntwo"), "one"), (ValueError(), "ValueError"), (ValueError("\n x "), "x")],
)
def test_first_line(error: Exception, line: str) -> None:
    assert first_line(error) == line
