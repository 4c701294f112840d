"""Writes how this node finds the gateways of trunks, for people to see."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final, Protocol

import psycopg

from proxy.postgres import Database

log = logging.getLogger(__name__)

_SECONDS: Final = 5.0
_UPSERT: Final = (
    b"INSERT INTO proxy_gateway_health"
    b" (node_id, gateway_id, is_alive, status, round_trip_ms, checked_at, changed_at)"
    b" VALUES (%s, %s, %s, %s, %s, to_timestamp(%s), to_timestamp(%s))"
    b" ON CONFLICT (node_id, gateway_id) DO UPDATE SET is_alive = EXCLUDED.is_alive,"
    b" status = EXCLUDED.status, round_trip_ms = EXCLUDED.round_trip_ms,"
    b" checked_at = EXCLUDED.checked_at, changed_at = EXCLUDED.changed_at"
)


class Finding(Protocol):
    """What is written of a gateway."""

    @property
    def gateway_id(self) -> int: ...
    @property
    def is_alive(self) -> bool: ...
    @property
    def status(self) -> int: ...
    @property
    def round_trip_ms(self) -> int: ...
    @property
    def checked_at(self) -> float: ...
    @property
    def changed_at(self) -> float: ...


class GatewayHealthWriter:
    """Writes what `findings()` gives, when it is newer than what was written."""

    __slots__ = ("_database", "_findings", "_node_id", "_task", "_written")

    def __init__(
        self, url: str, *, node_id: str, findings: Callable[[], Iterable[Finding]]
    ) -> None:
        self._database = Database(url, name="gateway-health")
        self._node_id = node_id
        self._findings = findings
        self._written: dict[int, float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._database.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS)
            try:
                await self.write()
            except psycopg.Error as error:
                log.debug("gateway health not written reason=%s", error)

    async def write(self) -> None:
        """Write what is new."""
        found = list(self._findings())
        new = [one for one in found if self._written.get(one.gateway_id) != one.checked_at]
        if new:
            connection = await self._database.connection()
            async with connection.cursor() as cursor:
                await cursor.executemany(_UPSERT, [self._row(one) for one in new])
        self._written = {one.gateway_id: one.checked_at for one in found}

    def _row(self, one: Finding) -> tuple[object, ...]:
        return (
            *(self._node_id, one.gateway_id, one.is_alive, one.status, one.round_trip_ms),
            *(one.checked_at, one.changed_at),
        )
