"""Bindings to and from PostgreSQL: group commits, batched refreshes, the feed of other nodes.

A change that a 200 waits for is committed within GROUP_SECONDS together with all others that came
meanwhile. Refreshes wait up to REFRESH_SECONDS. While PostgreSQL is away everything is kept, newest
state per binding, and written when it returns; only what must be durable before its 200 fails.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, Final

import psycopg

from proxy.postgres import Connection, Database, Doorbell
from proxy.sip.uri import Aor

from .model import Binding
from .store import Bindings, NotDurable

log = logging.getLogger(__name__)

CHANNEL: Final = "fedsip_location"
GROUP_SECONDS: Final = 0.005
REFRESH_SECONDS: Final = 0.5
COMMIT_WAIT_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 0.5
_BATCH: Final = 2000

# Column, and its type in PostgreSQL.
_COLUMN_TYPES: Final = {
    "binding_id": "text",
    "aor": "text",
    "domain_id": "bigint",
    "subscriber_id": "bigint",
    "contact": "text",
    "contact_key": "text",
    "instance": "text",
    "reg_id": "int",
    "q": "int",
    "expires_at": "timestamptz",
    "path": "text",
    "flow_token": "text",
    "node_id": "text",
    "protocol": "text",
    "received": "text",
    "nat": "bool",
    "family": "int",
    "call_id": "text",
    "cseq": "bigint",
    "user_agent": "text",
    "methods": "text",
    "gruu": "text",
    "registered_at": "timestamptz",
}
_COLUMNS: Final = list(_COLUMN_TYPES)

_PATH_SEPARATOR: Final = "\n"
_UPSERT_TEXT = (  # column names of our own; values are parameters
    "INSERT INTO proxy_binding ("  # noqa: S608 -- column names of our own
    + ", ".join(_COLUMNS)
    + ", updated_at, deleted) SELECT "
    + ", ".join(
        "array_remove(string_to_array(path, E'\\n'), '')" if name == "path" else name
        for name in _COLUMNS
    )
    + ", now(), false FROM unnest("
    + ", ".join(f"%s::{kind}[]" for kind in _COLUMN_TYPES.values())
    + ") AS new("
    + ", ".join(_COLUMNS)
    + ") ON CONFLICT (binding_id) DO UPDATE SET "
    + ", ".join(f"{name} = EXCLUDED.{name}" for name in _COLUMNS[1:])
    + ", updated_at = now(), deleted = false"
    # Another node may have a later REGISTER of the same phone already (s10.3 step 7).
    " WHERE proxy_binding.deleted OR proxy_binding.call_id <> EXCLUDED.call_id"
    " OR proxy_binding.cseq <= EXCLUDED.cseq"
)
_UPSERT: Final = _UPSERT_TEXT.encode()
_REMOVE: Final = (
    b"UPDATE proxy_binding b SET deleted = true, updated_at = now()"
    b" FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS old(binding_id, call_id, cseq)"
    b" WHERE b.binding_id = old.binding_id AND NOT b.deleted"
    b" AND (b.call_id <> old.call_id OR b.cseq <= old.cseq)"
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)}, deleted, xid::text::bigint FROM proxy_binding"  # noqa: S608
_XMIN: Final = b"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


class BindingWriter:
    """Writes what changes. One for a node; `run()` is its task."""

    __slots__ = ("_database", "_pending", "_task", "_waiters", "_wake", "is_closing")

    def __init__(self, url: str) -> None:
        self._database = Database(url, name="location writer")
        # Newest state of each binding that is to be written: itself, or None to remove `held`.
        self._pending: dict[str, tuple[Binding, bool]] = {}
        self._waiters: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.is_closing = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    @property
    def spooled(self) -> int:
        """Bindings that wait to be written."""
        return len(self._pending)

    def write(self, written: list[Binding], removed: list[Binding]) -> None:
        """Take note; it is written within a second."""
        for binding in removed:
            self._pending[binding.binding_id] = (binding, False)
        for binding in written:
            self._pending[binding.binding_id] = (binding, True)

    async def commit(self, written: list[Binding], removed: list[Binding]) -> None:
        """Write at once and return when committed; raises NotDurable after a bound."""
        before = {one.binding_id: self._pending.get(one.binding_id) for one in (*removed, *written)}
        self.write(written, removed)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._wake.set()
        done, _ = await asyncio.wait([waiter], timeout=COMMIT_WAIT_SECONDS)
        if done:
            return
        # It was not confirmed to the phone, so it must not be written later either.
        for binding_id, held in before.items():
            if held is None:
                self._pending.pop(binding_id, None)
            else:
                self._pending[binding_id] = held
        raise NotDurable("PostgreSQL did not take the change in time")

    async def close(self) -> None:
        """Write what is left, if PostgreSQL is there."""
        self.is_closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=3.0)
            self._task.cancel()
        await self._database.close()

    async def _run(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._wake.wait(), REFRESH_SECONDS)
                if not self.is_closing:
                    await asyncio.sleep(GROUP_SECONDS)  # others join the same commit
            except TimeoutError:
                pass
            self._wake.clear()
            while self._pending:
                try:
                    await self._flush()
                except psycopg.Error as error:
                    log.debug("bindings not written reason=%s", error)
                    if self.is_closing:
                        log.error("bindings lost at shutdown count=%d", len(self._pending))
                        return
                    await asyncio.sleep(_RETRY_SECONDS)
            if self.is_closing:
                return

    async def _flush(self) -> None:
        batch = dict(list(self._pending.items())[:_BATCH])
        waiters, self._waiters = self._waiters, []
        try:
            connection = await self._database.connection()
            async with connection.transaction():
                await _write(connection, batch)
        except psycopg.Error:
            self._waiters = waiters + self._waiters
            raise
        for binding_id, state in batch.items():
            if self._pending.get(binding_id) is state:
                del self._pending[binding_id]
        if self._pending and len(batch) == _BATCH:
            self._waiters = waiters + self._waiters  # theirs may be in the next batch
            return
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


async def _write(connection: Connection, batch: dict[str, tuple[Binding, bool]]) -> None:
    written = [binding for binding, is_kept in batch.values() if is_kept]
    removed = [binding for binding, is_kept in batch.values() if not is_kept]
    if removed:
        await connection.execute(
            _REMOVE,
            (
                [one.binding_id for one in removed],
                [_text(one.call_id) for one in removed],
                [one.cseq for one in removed],
            ),
        )
    if written:
        rows = [_row(binding) for binding in written]
        await connection.execute(_UPSERT, [list(column) for column in zip(*rows, strict=True)])


def _text(value: bytes) -> str:
    return (
        value.decode("utf-8", "surrogateescape")
        .replace("\0", "")
        .encode("utf-8", "backslashreplace")
        .decode()
    )


def _maybe(value: bytes | None) -> str | None:
    return None if value is None else _text(value)


def _row(one: Binding) -> tuple[Any, ...]:
    return (
        one.binding_id,
        _text(one.aor),
        one.domain_id,
        one.subscriber_id,
        _text(one.contact),
        _text(one.contact_key),
        _maybe(one.instance),
        one.reg_id,
        one.q,
        datetime.fromtimestamp(one.expires_at, UTC),
        _PATH_SEPARATOR.join(_text(value) for value in one.path),
        _maybe(one.flow_token),
        _text(one.node_id),
        one.protocol,
        _text(one.received),
        one.nat,
        one.family,
        _text(one.call_id),
        one.cseq,
        _text(one.user_agent),
        _text(one.methods),
        _maybe(one.gruu),
        datetime.fromtimestamp(one.registered_at, UTC),
    )


def _binding(row: tuple[Any, ...]) -> Binding:
    return Binding(
        binding_id=row[0],
        aor=Aor(row[1].encode()),
        domain_id=row[2],
        subscriber_id=row[3],
        contact=row[4].encode(),
        contact_key=row[5].encode(),
        instance=None if row[6] is None else row[6].encode(),
        reg_id=row[7],
        q=row[8],
        expires_at=row[9].timestamp(),
        path=tuple(value.encode() for value in row[10]),
        flow_token=None if row[11] is None else row[11].encode(),
        node_id=row[12].encode(),
        protocol=row[13],
        received=row[14].encode(),
        nat=row[15],
        family=row[16],
        call_id=row[17].encode(),
        cseq=row[18],
        user_agent=row[19].encode(),
        methods=row[20].encode(),
        gruu=None if row[21] is None else row[21].encode(),
        registered_at=row[22].timestamp(),
    )


class BindingFeed:
    """Loads all bindings at start and follows what other nodes and administrators do."""

    __slots__ = ("_bindings", "_database", "_doorbell", "_task", "_watermark")

    def __init__(self, url: str, bindings: Bindings) -> None:
        self._database = Database(url, name="location")
        self._bindings = bindings
        self._doorbell = Doorbell(url, CHANNEL, self.read)
        self._watermark = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, wall: float) -> None:
        """Load everything that lives, waiting for PostgreSQL as long as it takes."""
        while True:
            try:
                await self._load(await self._database.connection(), wall=wall)
                break
            except psycopg.OperationalError:
                await asyncio.sleep(1.0)
        self._task = asyncio.create_task(self._doorbell.run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._database.close()

    async def _load(self, connection: Connection, *, wall: float) -> None:
        put = self._bindings.put
        async with connection.transaction():
            await connection.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self._watermark = await _number(connection, _XMIN)
            async with connection.cursor(name="bindings") as cursor:
                cursor.itersize = 5000
                await cursor.execute(
                    _SELECT.encode() + b" WHERE NOT deleted AND expires_at > %s",
                    (datetime.fromtimestamp(wall, UTC),),
                )
                while rows := await cursor.fetchmany(5000):
                    for row in rows:
                        put(_binding(row))
        log.info("bindings loaded count=%d", len(self._bindings))

    async def read(self) -> None:
        """Apply what was written since the last reading, our own writes included: they are equal
        to what is in memory, or older than it."""
        connection = await self._database.connection()
        async with connection.transaction():
            await connection.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            upto = await _number(connection, _XMIN)
            cursor = await connection.execute(
                _SELECT.encode() + b" WHERE xid >= %s::text::xid8", (str(self._watermark),)
            )
            rows = await cursor.fetchall()
        self._watermark = upto
        for row in rows:
            self._apply(_binding(row), is_deleted=row[-2])

    def _apply(self, there: Binding, *, is_deleted: bool) -> None:
        here = self._bindings.get(there.binding_id)
        if here is not None and here.call_id == there.call_id and here.cseq > there.cseq:
            return  # a refresh of ours that is not written yet
        if is_deleted:
            if here is not None:
                self._bindings.forget(there.binding_id)
        elif here is None or here != there:
            if here is not None and here.expires_at > there.expires_at and here.cseq == there.cseq:
                return
            self._bindings.put(there)


async def _number(connection: Connection, query: bytes) -> int:
    row = await (await connection.execute(query)).fetchone()
    return int(row[0]) if row is not None else 0
