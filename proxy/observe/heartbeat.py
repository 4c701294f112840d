"""Writes this node's row each second: that it lives, and what it carries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from proxy.postgres import Database

log = logging.getLogger(__name__)

_SECONDS: Final = 1.0
_UPSERT: Final = (
    b"INSERT INTO proxy_node"
    b" (node_id, started_at, seen_at, version, address, flows, bindings, calls, relays)"
    b" VALUES (%s, now(), now(), %s, %s, %s, %s, %s, %s) ON CONFLICT (node_id) DO UPDATE SET"
    b" started_at = CASE WHEN %s THEN now() ELSE proxy_node.started_at END, seen_at = now(),"
    b" version = EXCLUDED.version, address = EXCLUDED.address, flows = EXCLUDED.flows,"
    b" bindings = EXCLUDED.bindings, calls = EXCLUDED.calls, relays = EXCLUDED.relays"
)


class Heartbeat:
    """`facts()` gives (flows, bindings, calls, relays by name)."""

    __slots__ = ("_address", "_database", "_facts", "_is_first", "_node_id", "_task", "_version")

    def __init__(
        self,
        url: str,
        *,
        node_id: str,
        version: str,
        facts: Callable[[], tuple[int, int, int, dict[str, Any]]],
    ) -> None:
        self._database = Database(url, name="heartbeat")
        self._node_id = node_id
        self._version = version
        self._address = ""
        self._facts = facts
        self._is_first = True
        self._task: asyncio.Task[None] | None = None

    def start(self, address: str) -> None:
        """Begin; `address` is where other nodes reach this one."""
        self._address = address
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._database.close()

    async def _run(self) -> None:
        while True:
            flows, bindings, calls, relays = self._facts()
            try:
                connection = await self._database.connection()
                await connection.execute(
                    _UPSERT,
                    (
                        self._node_id,
                        self._version,
                        self._address,
                        flows,
                        bindings,
                        calls,
                        Jsonb(relays),
                        self._is_first,
                    ),
                )
                self._is_first = False
            except psycopg.Error as error:
                log.debug("heartbeat not written reason=%s", error)
            await asyncio.sleep(_SECONDS)
