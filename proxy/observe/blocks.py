"""Shares with all nodes who is ignored, and counts failed sign-ins, in batches.

What this node noticed is written once a second. What others noticed, what people blocked, lifted or
allowed is read by snapshot, when the bell rings or within half a second, and put into force here. A
node that starts reads all that is in force.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final, Protocol

import psycopg

from proxy.postgres import SNAPSHOT_COLUMNS, Connection, Database, Doorbell, Snapshot, first_line

from .text import as_instant, as_text

log = logging.getLogger(__name__)

CHANNEL: Final = "fedsip_block"
_WRITE_SECONDS: Final = 1.0
_LAST_WRITE_SECONDS: Final = 2.0
_MOST_NOTICED: Final = 10_000
_MOST_SIGN_INS: Final = 10_000
_MOST_CHANGES: Final = 5000

_BLOCK: Final = b"""
INSERT INTO proxy_block
    (address, node_id, reason, evidence, hits, first_seen_at, last_seen_at, blocked_until)
SELECT address, node_id, reason, evidence, hits, now(), now(), blocked_until
FROM json_populate_recordset(NULL::proxy_block, %s::json)
ON CONFLICT (address) DO UPDATE SET
    node_id = EXCLUDED.node_id, reason = EXCLUDED.reason, evidence = EXCLUDED.evidence,
    hits = proxy_block.hits + EXCLUDED.hits, last_seen_at = now(), lifted_at = NULL,
    blocked_until = greatest(proxy_block.blocked_until, EXCLUDED.blocked_until)
"""
_SIGN_INS: Final = b"""
INSERT INTO proxy_failed_sign_in (domain_id, aor, address, hour, attempts, user_agent, last_at)
SELECT domain_id, aor, address, hour, attempts, user_agent, now()
FROM json_populate_recordset(NULL::proxy_failed_sign_in, %s::json)
ON CONFLICT (aor, address, hour) DO UPDATE SET
    attempts = proxy_failed_sign_in.attempts + EXCLUDED.attempts,
    user_agent = EXCLUDED.user_agent, last_at = now()
"""
_ROW: Final = (
    "host(b.address), extract(epoch FROM b.blocked_until - now())::float8,"
    " b.lifted_at IS NOT NULL, b.reason"
)
_LOAD: Final = (
    f"SELECT {SNAPSHOT_COLUMNS}, {_ROW} FROM (SELECT 1) AS once"  # noqa: S608 -- our own words
    " LEFT JOIN proxy_block b ON b.lifted_at IS NULL AND b.blocked_until > now()"
).encode()
_CHANGES: Final = (
    f"SELECT {SNAPSHOT_COLUMNS}, {_ROW} FROM (SELECT 1) AS once"  # noqa: S608
    " LEFT JOIN proxy_block b ON b.xid >= pg_snapshot_xmin(%(seen)s::pg_snapshot)"
    " AND NOT pg_visible_in_snapshot(b.xid, %(seen)s::pg_snapshot)"
    f" LIMIT {_MOST_CHANGES}"
).encode()
_ALLOWED: Final = b"SELECT network FROM proxy_allowed_source"

Network = IPv4Network | IPv6Network
_SignIn = tuple[int, str, str, str]


class Screen(Protocol):
    """Who is not listened to, as routing keeps it."""

    def block(self, host: str, *, seconds: float, is_manual: bool) -> None:
        """Ignore an address for so long; what people say holds for authenticated flows, too."""

    def lift(self, host: str) -> bool:
        """Listen to an address again."""

    def allow(self, networks: Iterable[Network]) -> None:
        """Networks that are never ignored, beside those of the settings."""


class Blocks:
    """What waits to be written, and the ear for what others write."""

    __slots__ = (
        "_database",
        "_doorbell",
        "_node_id",
        "_noticed",
        "_reader",
        "_screen",
        "_seen",
        "_sign_ins",
        "_tasks",
        "_wall",
    )

    def __init__(
        self, url: str, screen: Screen, *, node_id: str, wall: Callable[[], float]
    ) -> None:
        self._database = Database(url, name="blocks")
        self._reader = Database(url, name="blocks read")
        self._doorbell = Doorbell(url, CHANNEL, self.read)
        self._screen = screen
        self._node_id = node_id
        self._wall = wall
        self._noticed: dict[str, dict[str, Any]] = {}
        self._sign_ins: dict[_SignIn, dict[str, Any]] = {}
        self._seen: Snapshot | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._doorbell.run()), loop.create_task(self._run())]

    async def close(self) -> None:
        """Write what waits, if PostgreSQL is there."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        try:
            async with asyncio.timeout(_LAST_WRITE_SECONDS):
                await self.write()
        except (TimeoutError, psycopg.Error) as error:
            log.warning("blocks not shared count=%d reason=%s", len(self._noticed), error)
        await self._database.close()
        await self._reader.close()

    # -- on the call path

    def noticed(self, host: str, reason: str, evidence: str, *, seconds: float) -> None:
        """This node has begun to ignore an address, and why."""
        known = self._noticed.get(host)
        if known is None:
            if len(self._noticed) >= _MOST_NOTICED:
                return
            known = self._noticed[host] = {"address": host, "node_id": self._node_id, "hits": 0}
        known["hits"] += 1
        known["reason"], known["evidence"] = reason, as_text(evidence.encode())
        known["blocked_until"] = as_instant(self._wall() + seconds)

    def failed_sign_in(self, domain_id: int, aor: bytes, host: str, agent: bytes) -> None:
        """Somebody gave wrong credentials."""
        hour = datetime.fromtimestamp(self._wall() // 3600 * 3600, UTC).isoformat()
        key = (domain_id, as_text(aor), host, hour)
        if key not in self._sign_ins and len(self._sign_ins) >= _MOST_SIGN_INS:
            key = (domain_id, "", host, hour)  # whoever guesses names does not fill our memory
        known = self._sign_ins.get(key)
        if known is None:
            known = self._sign_ins[key] = {
                **dict(zip(("domain_id", "aor", "address", "hour"), key, strict=True)),
                "attempts": 0,
            }
        known["attempts"] += 1
        known["user_agent"] = as_text(agent)

    # -- behind it

    async def write(self) -> None:
        """Write all that waits; raises psycopg.Error, and then keeps it."""
        if self._noticed:
            noticed, self._noticed = self._noticed, {}
            try:
                await self._execute(_BLOCK, list(noticed.values()))
            except psycopg.Error:
                self._noticed = noticed | self._noticed
                raise
        if self._sign_ins:
            sign_ins, self._sign_ins = self._sign_ins, {}
            try:
                await self._execute(_SIGN_INS, list(sign_ins.values()))
            except psycopg.Error:
                for key, row in self._sign_ins.items():
                    if key in sign_ins:
                        row["attempts"] += sign_ins[key]["attempts"]
                self._sign_ins = sign_ins | self._sign_ins
                raise

    async def read(self) -> None:
        """Put into force what changed since the last reading; the first one reads all."""
        connection = await self._reader.connection()
        rows = await self._changed(connection)
        now = Snapshot(*rows[0][:2])
        if self._seen is not None and (
            len(rows) >= _MOST_CHANGES or not self._seen.is_followed_by(now)
        ):
            self._seen = None
            rows = await self._changed(connection)
            now = Snapshot(*rows[0][:2])
        for _, _, host, seconds, is_lifted, reason in rows:
            if host is None:
                continue
            if is_lifted or seconds <= 0:
                if self._screen.lift(host):
                    log.info("block lifted source=%s", host)
            else:
                self._screen.block(host, seconds=seconds, is_manual=reason == "manual")
        cursor = await connection.execute(_ALLOWED)
        self._screen.allow([ip_network(text) for (text,) in await cursor.fetchall()])
        self._seen = now

    async def _changed(self, connection: Connection) -> list[tuple[Any, ...]]:
        if self._seen is None:
            cursor = await connection.execute(_LOAD)
        else:
            cursor = await connection.execute(_CHANGES, {"seen": self._seen.text})
        return await cursor.fetchall()

    async def _execute(self, statement: bytes, rows: list[dict[str, Any]]) -> None:
        connection = await self._database.connection()
        await connection.execute(statement, (json.dumps(rows),))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            try:
                await self.write()
            except psycopg.Error as error:
                log.debug("blocks wait reason=%s", first_line(error))
