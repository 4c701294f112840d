"""Writes calls to PostgreSQL in batches, behind the calls and never in their way.

A batch is one statement: live rows, records of calls that ended, and the live rows that they end.
While PostgreSQL is away batches go to a spool on disk, and later from there, in order; until then
a journal has what began, was answered and ended, so that a kill loses none. All of it may be
written twice without harm: rows are known by the call's public id, and none goes back in time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from proxy.postgres import Database, first_line

from .call import Call, Row, call_of
from .encoding import encoded
from .journal import Journal
from .spool import Batch, Spool

log = logging.getLogger(__name__)

_WRITE_SECONDS: Final = 0.5
_LAST_WRITE_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 0.5
_BATCH: Final = 1000
_MOST_WAITING: Final = 200_000

_ROUTE: Final = (
    *("public_id", "call_id", "tenant_id", "domain_id", "caller", "callee", "request_uri"),
    *("target", "caller_address", "hop", "started_at", "ringing_at", "answered_at", "node_id"),
    *("relay_id", "user_agent", "rule_id"),
)
_RECORD: Final = (*_ROUTE, "ended_at", "status", "reason", "ended_by", "media", "mos", "codec")
_LIVE: Final = (*_ROUTE, "dialog", "hops", "policies")
_HOPS: Final = "coalesce((hops #>> '{}')::jsonb, '[]')"
"""They come as the text of a list: it is encoded once, however often the call is written."""
_OF_ITS_DIALOG: Final = """
    (bye.tags IS NULL OR NOT l.dialog ? 'to' OR NOT EXISTS (
        SELECT FROM unnest(bye.tags) AS tag
        WHERE strpos(concat(l.dialog ->> 'from', l.dialog ->> 'to'), tag) = 0))
"""
"""Several calls may have one Call-ID: a BYE is of the one that has both its tags."""
_POLICIES: Final = "coalesce(policies, '')"  # a spool of an older version has none
_CHANGES: Final = (
    *("target", "hop", "hops", "policies", "ringing_at", "answered_at", "relay_id", "dialog"),
)

# Statements of our own column names, with one parameter for a whole batch: a tenth of what a
# statement for each row costs.
_WRITE: Final = f"""
WITH ended AS (
    INSERT INTO proxy_call ({", ".join(_RECORD)}, verdict, verdict_text, hops, policies)
    SELECT {", ".join(_RECORD)}, verdict, coalesce(verdict_text, '{{}}'), {_HOPS}, {_POLICIES}
    FROM json_populate_recordset(NULL::proxy_call, %(calls)s::json)
    ON CONFLICT (public_id) DO NOTHING
), gone AS (
    DELETE FROM proxy_live_call WHERE public_id = ANY (%(gone)s::uuid[])
), left_elsewhere AS (
    DELETE FROM proxy_live_call l USING json_to_recordset(%(elsewhere)s::json)
        AS bye(call_id text, tags text[], ended_at timestamptz, ended_by text)
    WHERE l.call_id = bye.call_id AND l.answered_at IS NOT NULL AND {_OF_ITS_DIALOG}
    RETURNING {", ".join(f"l.{name}" for name in _ROUTE)}, l.hops, l.policies, bye.ended_at,
        bye.ended_by
), ended_elsewhere AS (
    INSERT INTO proxy_call (
        {", ".join(_ROUTE)}, hops, policies, ended_at, status, reason, ended_by
    )
    SELECT {", ".join(_ROUTE)}, hops, policies, ended_at, 200, 'BYE', ended_by FROM left_elsewhere
    ON CONFLICT (public_id) DO NOTHING
)
INSERT INTO proxy_live_call AS held ({", ".join(_ROUTE)}, dialog, hops, policies)
SELECT {", ".join(_ROUTE)}, dialog, {_HOPS}, {_POLICIES}
FROM json_populate_recordset(NULL::proxy_live_call, %(live)s::json)
ON CONFLICT (public_id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _CHANGES)}
WHERE coalesce(EXCLUDED.answered_at, EXCLUDED.ringing_at, EXCLUDED.started_at)
    >= coalesce(held.answered_at, held.ringing_at, held.started_at)
""".encode()  # noqa: S608
_INSTANTS: Final = ("started_at", "ringing_at", "answered_at")
_OPEN: Final = (
    "SELECT "  # noqa: S608
    + ", ".join(
        f"extract(epoch FROM {name})::float8 AS {name}" if name in _INSTANTS else name
        for name in _LIVE
    )
    + " FROM proxy_live_call WHERE node_id = %s"
).encode()


class Records:
    """What waits to be written. `shows_live`: also the calls that still go on. Where the spool is
    full, `most_waiting` records wait in memory; beyond them the oldest are `lost`."""

    __slots__ = (
        "_changed",
        "_database",
        "_elsewhere",
        "_ended",
        "_ending",
        "_is_losing",
        "_is_spool_full",
        "_journal",
        "_most_waiting",
        "_node_id",
        "_shows_live",
        "_spool",
        "_task",
        "lost",
    )

    def __init__(
        self,
        url: str,
        spool: Spool,
        journal: Journal,
        *,
        node_id: str,
        shows_live: bool = True,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._database = Database(url, name="calls")
        self._spool = spool
        self._node_id = node_id
        self._shows_live = shows_live
        self._most_waiting = most_waiting
        self._changed: dict[str, Call] = {}
        self._ended: deque[Batch] = deque()
        self._ending: dict[str, bytes] = {}  # lines of the journal
        self._journal = journal
        self._elsewhere: list[Row] = []
        self._is_spool_full = False
        self._is_losing = False
        self._task: asyncio.Task[None] | None = None
        self.lost = 0

    def __len__(self) -> int:
        return len(self._ended)

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Write what waits, to disk if PostgreSQL is not there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            async with asyncio.timeout(_LAST_WRITE_SECONDS):
                await self.write()
        except (TimeoutError, psycopg.Error) as error:
            self.keep()
            log.warning("call records wait on disk reason=%s", first_line(error))
        self._journal.close()
        await self._database.close()

    def changed(self, call: Call) -> None:
        """A call began, rings or was answered."""
        if not self._shows_live:
            return
        self._changed[call.public_id] = call
        if call.ringing_at is None or call.answered_at is not None:
            self._journal.add({"live": [call.live_row(self._node_id)]})

    def ending(self, call: Call) -> None:
        """A call is over, and what its relay says of it is still to come."""
        self._ending[call.public_id] = self._note_end(call, self._end_of(call))

    def ended(self, call: Call) -> None:
        """A call is over."""
        self._changed.pop(call.public_id, None)
        end = self._end_of(call)
        if self._ending.pop(call.public_id, None) is None:
            self._note_end(call, end)
        if len(self._ended) >= self._most_waiting:
            self._ended.popleft()
            self._lose()
        self._ended.append(end)

    def ended_elsewhere(
        self, call_id: str, tags: list[str], *, ended_at: str, ended_by: str
    ) -> None:
        """A BYE passed here for a call that another node, or an earlier life of this one, began."""
        bye = {"call_id": call_id, "tags": tags, "ended_at": ended_at, "ended_by": ended_by}
        self._journal.add({"elsewhere": [bye]})
        if len(self._elsewhere) >= self._most_waiting:
            self._lose()
        else:
            self._elsewhere.append(bye)

    async def open_calls(self) -> list[Call]:
        """The calls of this node's earlier life, waiting for PostgreSQL as long as it takes; what
        waits on disk of them is written before."""
        while True:
            try:
                await self._write_spooled()
                for batch in self._journal.batches():
                    await self._execute(batch)
                connection = await self._database.connection()
                cursor = connection.cursor(row_factory=dict_row)
                await cursor.execute(_OPEN, (self._node_id,))
                return [call_of(row) for row in await cursor.fetchall()]
            except psycopg.Error as error:
                log.warning("open calls cannot be read yet reason=%s", first_line(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def write(self) -> None:
        """Write all that waits; raises psycopg.OperationalError when PostgreSQL is away."""
        await self._write_spooled()
        while self._changed or self._ended or self._elsewhere:
            taken = self._take()
            try:
                await self._execute(self._batch(*taken))
            except BaseException:
                self._put_back(*taken)
                raise
        self._journal.keep_only(self._ending.values())
        self._is_spool_full = False
        if self._is_losing:
            self._is_losing = False
            log.error("call records are written again, lost since the start count=%d", self.lost)

    def keep(self) -> None:
        """Put all that waits on disk."""
        while self._changed or self._ended or self._elsewhere:
            taken = self._take()
            if not self._spool.append(self._batch(*taken)):
                self._put_back(*taken)
                if not self._is_spool_full:
                    self._is_spool_full = True
                    log.error("spool is full, call records wait in memory count=%d", len(self))
                return
        self._journal.keep_only(self._ending.values())

    def _lose(self) -> None:
        self.lost += 1
        if not self._is_losing:
            self._is_losing = True
            log.error("disk and memory are full, the oldest call records are lost")

    def _take(self) -> tuple[list[Call], list[Batch], list[Row]]:
        changed = list(islice(self._changed.values(), _BATCH))
        for call in changed:
            del self._changed[call.public_id]
            call.is_written = True  # its end must take the row away, whenever it comes
        ended = [self._ended.popleft() for _ in range(min(_BATCH, len(self._ended)))]
        elsewhere = self._elsewhere[:_BATCH]
        del self._elsewhere[:_BATCH]
        return changed, ended, elsewhere

    def _put_back(self, changed: list[Call], ended: list[Batch], elsewhere: list[Row]) -> None:
        self._changed.update((call.public_id, call) for call in changed if not call.ended_at)
        self._ended.extendleft(reversed(ended))
        self._elsewhere[:0] = elsewhere

    def _end_of(self, call: Call) -> Batch:
        gone = [call.public_id] if call.is_written else []
        return {"calls": [call.record(self._node_id)], "gone": gone}

    def _note_end(self, call: Call, end: Batch) -> bytes:
        """In the journal, where its begin may stand as well."""
        return self._journal.add({**end, "gone": [call.public_id]})

    def _batch(self, changed: list[Call], ended: list[Batch], elsewhere: list[Row]) -> Batch:
        return {
            "live": [call.live_row(self._node_id) for call in changed],
            "calls": [row for end in ended for row in end["calls"]],
            "gone": [public_id for end in ended for public_id in end["gone"]],
            "elsewhere": elsewhere,
        }

    async def _write_spooled(self) -> None:
        if not self._spool.waiting_bytes:
            return
        for batch in self._spool.batches():
            await self._execute(batch)
        log.info("call records that waited on disk are written")

    async def _execute(self, batch: Batch) -> None:
        connection = await self._database.connection()
        try:
            await connection.execute(_WRITE, _parameters(batch))
        except (psycopg.DataError, psycopg.IntegrityError):
            await self._write_singly(connection, batch)

    async def _write_singly(self, connection: psycopg.AsyncConnection[Any], batch: Batch) -> None:
        """One of them is refused: the others are kept."""
        singles: list[Batch] = [{"live": [row]} for row in batch.get("live", [])]
        singles += [{"calls": [row], "gone": [row["public_id"]]} for row in batch.get("calls", [])]
        singles += [{"elsewhere": [row]} for row in batch.get("elsewhere", [])]
        for single in singles:
            try:
                await connection.execute(_WRITE, _parameters(single))
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                self.lost += 1
                log.warning("call record refused row=%s reason=%s", single, first_line(error))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            try:
                await self.write()
            except psycopg.Error as error:
                self.keep()
                log.debug("call records wait reason=%s", first_line(error))


def _parameters(batch: Batch) -> dict[str, Any]:
    return {
        "live": encoded(batch.get("live", [])).decode(),
        "calls": encoded(batch.get("calls", [])).decode(),
        "elsewhere": encoded(batch.get("elsewhere", [])).decode(),
        "gone": batch.get("gone", []),
    }
