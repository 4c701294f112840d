"""Keeps the directory as PostgreSQL has it: loaded once, then changed row by row.

A reader whose watermark is older than the oldest change that is kept loads everything again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import psycopg

from proxy.postgres import Connection, Database, Doorbell

from . import load
from .store import Directory
from .translate import Rules

log = logging.getLogger(__name__)

CHANNEL: Final = "fedsip_directory"
_RETRY_SECONDS: Final = 1.0
_COMPILE_IN_THREAD: Final = 1000
"""Rules of a domain from which on compiling would be felt by calls."""

_CHANGES: Final = (
    b"SELECT kind, row_id, xid::text::bigint FROM proxy_change WHERE xid >= %s::text::xid8"
)
_XMIN: Final = b"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_HORIZON: Final = b"SELECT coalesce(max(xid::text::bigint), 0) FROM proxy_watermark"


class DirectoryFeed:
    """Owns the connection by which the directory is read."""

    __slots__ = ("_database", "_directory", "_doorbell", "_seen", "_task", "_watermark")

    def __init__(self, url: str, directory: Directory) -> None:
        self._database = Database(url, name="directory")
        self._directory = directory
        self._doorbell = Doorbell(url, CHANNEL, self.read)
        self._watermark = 0
        self._seen: set[tuple[str, int, int]] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load everything, waiting for PostgreSQL as long as it takes; then follow changes."""
        while True:
            try:
                await self._load(await self._database.connection())
                break
            except psycopg.OperationalError:
                await asyncio.sleep(_RETRY_SECONDS)
        self._task = asyncio.create_task(self._doorbell.run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._database.close()

    async def _load(self, connection: Connection) -> None:
        async with connection.transaction():
            await connection.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self._watermark = await _number(connection, _XMIN)
            fresh = Directory()
            async for domains in load.all_domains(connection):
                fresh.put_domains(domains)
            async for subscribers in load.all_subscribers(connection):
                fresh.put_subscribers(subscribers)
            stale: set[int] = set()
            async for translations in load.all_translations(connection):
                stale |= fresh.put_translations(translations)
        self._seen.clear()
        await self._compile(fresh, stale)
        self._directory.become(fresh)
        log.info("directory loaded domains=%d subscribers=%d translations=%d", *fresh.counts)

    async def read(self) -> None:
        """Apply what has changed since the last reading."""
        connection = await self._database.connection()
        async with connection.transaction():
            await connection.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            upto = await _number(connection, _XMIN)
            if await _number(connection, _HORIZON) > self._watermark:
                changed = None
            else:
                cursor = await connection.execute(_CHANGES, (str(self._watermark),))
                rows = {(kind, row_id, xid) for kind, row_id, xid in await cursor.fetchall()}
                changed = rows - self._seen
                self._seen = {row for row in rows if row[2] >= upto}
                stale = await self._apply(connection, changed)
                self._watermark = upto
        if changed is None:
            await self._load(connection)
            return
        await self._compile(self._directory, stale)
        if changed:
            log.info("directory changed rows=%d", len(changed))

    async def _apply(self, connection: Connection, changed: set[tuple[str, int, int]]) -> set[int]:
        directory = self._directory
        stale: set[int] = set()
        ids: dict[str, set[int]] = {}
        for kind, row_id, _ in changed:
            ids.setdefault(kind, set()).add(row_id)
        if wanted := ids.get("domain"):
            domains = await load.domains(connection, list(wanted))
            directory.put_domains(domains, wanted - {row.domain_id for row in domains})
        if wanted := ids.get("subscriber"):
            subscribers = await load.subscribers(connection, list(wanted))
            there = {row.subscriber_id for row in subscribers}
            directory.put_subscribers(subscribers, wanted - there)
        if wanted := ids.get("translation"):
            rules = await load.translations(connection, list(wanted))
            stale = directory.put_translations(
                rules, wanted - {row.translation_id for row in rules}
            )
        return stale

    async def _compile(self, directory: Directory, domain_ids: set[int]) -> None:
        for domain_id in domain_ids:
            rows = directory.rule_rows(domain_id)
            if len(rows) < _COMPILE_IN_THREAD:
                rules = Rules(rows)
            else:
                rules = await asyncio.to_thread(Rules, rows)
            directory.set_rules(domain_id, rules)


async def _number(connection: Connection, query: bytes) -> int:
    row = await (await connection.execute(query)).fetchone()
    return int(row[0]) if row is not None else 0
