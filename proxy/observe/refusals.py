"""Counts what federation refused and writes it in batches, one row a day for each kind.

A row is (domain of ours, other domain, direction, why, day). Strangers choose the names that they
come under, so a domain has no more than so many of them between two writings; what is above counts
for the name "".
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import psycopg

from proxy.postgres import Database, first_line

log = logging.getLogger(__name__)

_WRITE_SECONDS: Final = 2.0
_LAST_WRITE_SECONDS: Final = 2.0
_MOST_PEERS: Final = 100
_MOST_KEYS: Final = 50_000
_LONGEST_NAME: Final = 253

_Key = tuple[int, str, str, str, str]
_COLUMNS: Final = "domain_id, peer, direction, why, day"
# One statement for a batch, as the call records have it.
_UPSERT: Final = (
    f"INSERT INTO proxy_refusal ({_COLUMNS}, amount, last_at)"  # noqa: S608 -- our own names
    f" SELECT {_COLUMNS}, amount, now() FROM json_populate_recordset(NULL::proxy_refusal, %s::json)"
    f" ON CONFLICT ({_COLUMNS}) DO UPDATE SET"
    " amount = proxy_refusal.amount + EXCLUDED.amount, last_at = now()"
).encode()


class Refusals:
    """Holds counts until they are written."""

    __slots__ = ("_counts", "_database", "_peers", "_task", "_wall")

    def __init__(self, url: str, *, wall: Callable[[], float]) -> None:
        self._database = Database(url, name="refusals")
        self._wall = wall
        self._counts: Counter[_Key] = Counter()
        self._peers: dict[int, set[str]] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def counts(self) -> dict[_Key, int]:
        """What is not written yet."""
        return dict(self._counts)

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
            log.warning("refusals lost count=%d reason=%s", self._counts.total(), error)
        await self._database.close()

    def add(self, domain_id: int, peer: bytes, direction: str, why: str) -> None:
        """Count one; "in" was asked by the peer, "out" by a user of ours."""
        name = peer.decode("ascii", "replace").replace("\0", "")[:_LONGEST_NAME]
        peers = self._peers.setdefault(domain_id, set())
        if name not in peers:
            if len(peers) >= _MOST_PEERS:
                name = ""
            else:
                peers.add(name)
        day = datetime.fromtimestamp(self._wall(), UTC).date().isoformat()
        key = (domain_id, name, direction, why, day)
        if key in self._counts or len(self._counts) < _MOST_KEYS:
            self._counts[key] += 1

    async def write(self) -> None:
        """Write all that was counted; raises psycopg.Error, and then keeps it."""
        if not self._counts:
            return
        connection = await self._database.connection()
        counts, self._counts = self._counts, Counter()
        self._peers.clear()
        try:
            await connection.execute(_UPSERT, (_as_json(counts),))
        except psycopg.IntegrityError as error:  # a domain was deleted in the meantime
            log.info("refusals of deleted domains are not kept reason=%s", first_line(error))
            await self._write_singly(connection, counts)
        except psycopg.Error:
            self._counts.update(counts)
            raise

    async def _write_singly(
        self, connection: psycopg.AsyncConnection[object], counts: Counter[_Key]
    ) -> None:
        for key, amount in counts.items():
            try:
                await connection.execute(_UPSERT, (_as_json(Counter({key: amount})),))
            except psycopg.IntegrityError as error:
                log.debug("refusal not kept domain_id=%d reason=%s", key[0], first_line(error))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            try:
                await self.write()
            except psycopg.Error as error:
                log.debug("refusals wait count=%d reason=%s", self._counts.total(), error)


def _as_json(counts: Counter[_Key]) -> str:
    names = [name.strip() for name in _COLUMNS.split(",")]
    return json.dumps(
        [{**dict(zip(names, key, strict=True)), "amount": n} for key, n in counts.items()]
    )
