"""Writes call records to PostgreSQL in batches, behind the calls and never in their way."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

import psycopg

from proxy.postgres import Database

log = logging.getLogger(__name__)

_MOST_WAITING: Final = 200_000
_WRITE_SECONDS: Final = 1.0
_LAST_WRITE_SECONDS: Final = 2.0
_BATCH: Final = 1000
_LONGEST_TEXT: Final = 500


class CallRecord(NamedTuple):
    """A call that has ended. Fields are the columns of proxy_call, instants epoch seconds."""

    call_id: bytes
    tenant_id: int | None
    domain_id: int | None
    caller: bytes
    callee: bytes
    request_uri: bytes
    started_at: float
    answered_at: float | None
    ended_at: float
    status: int
    reason: bytes
    ended_by: str
    node_id: str
    relay_id: str
    user_agent: bytes
    rule_id: int | None


_COLUMNS: Final = ", ".join(CallRecord._fields)
# One statement with one parameter for a whole batch: a tenth of what a statement per row costs.
_INSERT: Final = (
    f"INSERT INTO proxy_call ({_COLUMNS})"  # noqa: S608 -- our own names
    f" SELECT {_COLUMNS} FROM json_populate_recordset(NULL::proxy_call, %s::json)"
).encode()


class Records:
    """Holds records until they are written, as many as memory may take while PostgreSQL is away."""

    __slots__ = ("_database", "_task", "_waiting", "lost")

    def __init__(self, url: str) -> None:
        self._database = Database(url, name="calls")
        self._waiting: deque[CallRecord] = deque()
        self._task: asyncio.Task[None] | None = None
        self.lost = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Write what waits, if PostgreSQL is there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            await asyncio.wait_for(self.write(), _LAST_WRITE_SECONDS)
        except (TimeoutError, psycopg.Error) as error:
            log.error("call records lost at the end count=%d reason=%s", len(self), error)
        await self._database.close()

    def add(self, record: CallRecord) -> None:
        """Take a record; when too many wait the oldest is given up."""
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(record)

    async def write(self) -> None:
        """Write all that wait; raises psycopg.OperationalError when PostgreSQL is away."""
        while self._waiting:
            batch = list(islice(self._waiting, _BATCH))
            connection = await self._database.connection()
            try:
                await connection.execute(_INSERT, (_as_json(batch),))
            except (psycopg.DataError, psycopg.IntegrityError):
                await self._write_singly(connection, batch)
            for record in batch:
                if self._waiting and self._waiting[0] is record:
                    self._waiting.popleft()

    async def _write_singly(
        self, connection: psycopg.AsyncConnection[Any], batch: list[CallRecord]
    ) -> None:
        """One of them is refused, as when its domain was deleted: the others are kept."""
        for record in batch:
            try:
                await connection.execute(_INSERT, (_as_json([record]),))
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                self.lost += 1
                log.warning("call record refused call_id=%s reason=%s", as_text(record.call_id),
                            str(error).partition("\n")[0])  # fmt: skip

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            try:
                await self.write()
            except psycopg.Error as error:
                log.debug("call records wait count=%d reason=%s", len(self), error)


def as_text(value: bytes) -> str:
    """Bytes of the protocol for the database and the log: never a NUL, never endless."""
    return value.decode("utf-8", "replace").replace("\0", "")[:_LONGEST_TEXT]


def _as_json(batch: Sequence[CallRecord]) -> str:
    return json.dumps([_row(record) for record in batch])


def _row(record: CallRecord) -> dict[str, object]:
    row: dict[str, object] = {
        name: as_text(value) if isinstance(value, bytes) else value
        for name, value in zip(record._fields, record, strict=True)
    }
    row["started_at"] = _instant(record.started_at)
    row["ended_at"] = _instant(record.ended_at)
    if record.answered_at is not None:
        row["answered_at"] = _instant(record.answered_at)
    return row


def _instant(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat()
