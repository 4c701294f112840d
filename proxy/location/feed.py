"""Keeps the bindings as PostgreSQL has them: what other nodes and administrators write.

What this node writes itself it does not read: neither its bell nor its rows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
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

from . import rows
from .store import Bindings
from .writer import BindingWriter

log = logging.getLogger(__name__)

CHANNEL: Final = "fedsip_location"
_RETRY_SECONDS: Final = 0.5
_BATCH: Final = 1000
_LONG_AWAY_SECONDS: Final = 3600.0
"""Tombstones are kept for a day: after an hour without reading, all rows are compared."""

_NOW: Final = f"SELECT {SNAPSHOT_COLUMNS}".encode()


class BindingFeed:
    """Loads all bindings at start and follows what others do to them."""

    __slots__ = (
        "_aor_of",
        "_bindings",
        "_database",
        "_doorbell",
        "_read_at",
        "_seen",
        "_task",
        "_writer",
    )

    def __init__(
        self,
        url: str,
        bindings: Bindings,
        writer: BindingWriter,
        aor_of: rows.AorOf = lambda subscriber_id: None,
    ) -> None:
        self._aor_of = aor_of
        self._database = Database(url, name="location")
        self._bindings = bindings
        self._writer = writer
        self._doorbell = Doorbell(url, CHANNEL, self.read, lambda pid: pid == writer.backend_pid)
        self._seen: Snapshot | None = None
        self._read_at = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def listening(self) -> asyncio.Event:
        """Set while changes are heard of at once, and not only by the poll."""
        return self._doorbell.listening

    async def start(self) -> None:
        """Load everything that lives, waiting for PostgreSQL as long as it takes; then follow."""
        said = ""
        while self._seen is None:
            try:
                await self.read()
            except psycopg.Error as error:
                if not self._database.is_away and first_line(error) != said:
                    said = first_line(error)  # the views may not have been made yet
                    log.warning("registrations cannot be read yet reason=%s", said)
                await asyncio.sleep(_RETRY_SECONDS)
        self._task = asyncio.create_task(self._doorbell.run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._database.close()

    async def read(self) -> None:
        """Apply what was written since the last reading; the first one loads everything."""
        connection = await self._database.connection()
        began = asyncio.get_running_loop().time()
        if self._seen is None:
            await self._load(connection)
        elif began - self._read_at > _LONG_AWAY_SECONDS:
            await self._compare(connection)
        else:
            await self._follow(connection, self._seen)
        self._read_at = began

    async def _follow(self, connection: Connection, seen: Snapshot) -> None:
        own = [str(xid) for xid in self._writer.own]
        cursor = await connection.execute(rows.CHANGES, {"seen": seen.text, "own": own})
        changes = await cursor.fetchall()
        now = Snapshot(*changes[0][:2])
        if not seen.is_followed_by(now) or len(changes) == rows.MOST_CHANGES:
            await self._compare(connection)
            return
        for row in changes:
            if row[2] is not None:
                self._apply(row[2:], now)
        self._seen = now
        self._writer.forget_own(now)

    def _apply(self, row: rows.Row, snapshot: Snapshot) -> None:
        there, is_deleted = rows.binding_of(row, self._aor_of), row[-1]
        if self._writer.outdates(there, snapshot, is_deleted=is_deleted):
            return
        if is_deleted or there.expires_at <= time.time():
            self._bindings.forget(there.aor, there.binding_id)
        elif self._bindings.get(there.aor, there.binding_id) != there:
            self._bindings.put(there)

    # -- all rows

    async def _load(self, connection: Connection) -> None:
        now = await _snapshot(connection)
        async with connection.transaction():
            async for batch in _batches(connection, rows.LOAD + rows.LIVE, (time.time(),)):
                for row in batch:
                    self._bindings.put(rows.binding_of(row, self._aor_of))
        self._seen = now
        log.info("bindings loaded count=%d", len(self._bindings))

    async def _compare(self, connection: Connection) -> None:
        """All rows with all in memory: after a long absence, or with another server.

        What is here and not there the server has lost: it is written again.
        """
        now = await _snapshot(connection)
        there: set[str] = set()
        async with connection.transaction():
            async for batch in _batches(connection, rows.LOAD, ()):
                for row in batch:
                    there.add(row[0])
                    self._apply(row, now)
        lost = [one for one in self._bindings if one.binding_id not in there]
        self._writer.restore(lost)
        self._seen = now
        self._writer.forget_own(now)
        log.info("bindings compared count=%d lost=%d", len(self._bindings), len(lost))


async def _snapshot(connection: Connection) -> Snapshot:
    row = await (await connection.execute(_NOW)).fetchone()
    assert row is not None  # noqa: S101 -- a SELECT of functions gives a row
    return Snapshot(*row)


async def _batches(
    connection: Connection, query: bytes, values: tuple[object, ...]
) -> AsyncIterator[list[rows.Row]]:
    """Rows by a server-side cursor; the caller has a transaction open."""
    async with connection.cursor(name="bindings") as cursor:
        await cursor.execute(query, values)
        while batch := await cursor.fetchmany(_BATCH):
            yield batch
