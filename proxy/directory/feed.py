"""Keeps the directory as PostgreSQL has it: loaded once, then changed row by row.

Each reading asks for the changes that were not visible in the snapshot of the one before, and loads
the rows that they name anew: reading a change twice does no harm. Everything is loaded again when
changes were pruned that this reader has not seen, and when the server may count its transactions
anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Final

import psycopg

from proxy.postgres import (
    SNAPSHOT_COLUMNS,
    Connection,
    Database,
    Doorbell,
    Snapshot,
    first_line,
)

from . import load, load_routes, rule_changes
from .store import Directory

log = logging.getLogger(__name__)

CHANNEL: Final = "fedsip_directory"
_RETRY_SECONDS: Final = 0.5
_NOW: Final = f"SELECT {SNAPSHOT_COLUMNS}".encode()
# One row at least, for the snapshot; one statement, so that all of it is of that snapshot.
_CHANGES: Final = (
    f"SELECT {SNAPSHOT_COLUMNS},"  # noqa: S608 -- names of our own
    " (SELECT max(xid::text::bigint) FROM proxy_watermark), c.kind, array_agg(DISTINCT c.row_id)"
    " FROM (SELECT 1) AS once LEFT JOIN proxy_change c"
    " ON c.xid >= pg_snapshot_xmin(%(seen)s::pg_snapshot)"
    " AND NOT pg_visible_in_snapshot(c.xid, %(seen)s::pg_snapshot) GROUP BY c.kind"
).encode()
_BATCH: Final = 250
"""Rows that are put in force at a time: an import of 100,000 must not make calls wait."""


class DirectoryFeed:
    """Owns the connection by which the directory is read."""

    __slots__ = ("_database", "_directory", "_doorbell", "_seen", "_task")

    def __init__(self, url: str, directory: Directory) -> None:
        self._database = Database(url, name="directory")
        self._directory = directory
        self._doorbell = Doorbell(url, CHANNEL, self.read)
        self._seen: Snapshot | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def listening(self) -> asyncio.Event:
        """Set while changes are heard of at once, and not only by the poll."""
        return self._doorbell.listening

    async def start(self) -> None:
        """Load everything, waiting for PostgreSQL as long as it takes; then follow changes."""
        said = ""
        while self._seen is None:
            try:
                await self.read()
            except psycopg.Error as error:
                if not self._database.is_away and first_line(error) != said:
                    said = first_line(error)  # the views may not have been made yet
                    log.warning("the directory cannot be read yet reason=%s", said)
                await asyncio.sleep(_RETRY_SECONDS)
        self._task = asyncio.create_task(self._doorbell.run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._database.close()

    async def read(self) -> None:
        """Apply what has changed since the last reading; the first one loads everything."""
        connection = await self._database.connection()
        if self._seen is None:
            await self._load(connection)
            return
        cursor = await connection.execute(_CHANGES, {"seen": self._seen.text})
        rows = await cursor.fetchall()
        text, server, horizon, *_ = rows[0]
        now = Snapshot(text, server)
        if not self._seen.is_followed_by(now) or (horizon or 0) > self._seen.xmin:
            log.info("the directory is read anew, changes of before may be missing")
            await self._load(connection)
            return
        changed = {kind: ids for *_, kind, ids in rows if kind is not None}
        if changed:
            await self._apply(connection, changed)
            log.info("directory changed rows=%d", sum(map(len, changed.values())))
        self._seen = now

    async def _load(self, connection: Connection) -> None:
        row = await (await connection.execute(_NOW)).fetchone()
        assert row is not None  # noqa: S101 -- a SELECT of functions gives a row
        fresh = Directory()
        async with connection.transaction():
            async for domains in load.all_domains(connection):
                fresh.put_domains(domains)
            async for subscribers in load.all_subscribers(connection):
                fresh.put_subscribers(subscribers)
            async for translations in load.all_translations(connection):
                await rule_changes.load(fresh, translations)
            async for peers in load.all_federation_rules(connection):
                fresh.federation_rules.put(peers)
            for kind, table in fresh.routes.tables.items():
                async for rows in load_routes.all_rows(connection, kind):
                    table.put(rows)
        await rule_changes.compile_all(fresh)
        self._directory.become(fresh)
        self._seen = Snapshot(*row)
        log.info("directory loaded domains=%d subscribers=%d translations=%d", *fresh.counts)

    async def _apply(self, connection: Connection, changed: dict[str, list[int]]) -> None:
        """Load the rows that changed and put them in force; those that are not there are gone."""
        directory = self._directory
        for ids in _batches(changed.get("domain", [])):
            domains = await load.domains(connection, ids)
            directory.put_domains(domains, set(ids) - {row.domain_id for row in domains})
        for ids in _batches(changed.get("subscriber", [])):
            users = await load.subscribers(connection, ids)
            directory.put_subscribers(users, set(ids) - {row.subscriber_id for row in users})
        for ids in _batches(changed.get("federation_rule", [])):
            peers = await load.federation_rules(connection, ids)
            directory.federation_rules.put(peers, set(ids) - {row.rule_id for row in peers})
        changed_rules = changed.get("translation", [])
        rules = [
            rule
            for ids in _batches(changed_rules)
            for rule in await load.translations(connection, ids)
        ]
        gone = set(changed_rules) - {rule.translation_id for rule in rules}
        for kind, table in directory.routes.tables.items():
            for ids in _batches(changed.get(kind, [])):
                table.put(*await load_routes.rows(connection, kind, ids))
        await rule_changes.put_in_force(directory, rules, list(gone))


def _batches(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
