"""Writes how this node finds the gateways of trunks, and how its registrations there stand, for
people to see."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol, TypeVar

import psycopg

from proxy.postgres import Database

log = logging.getLogger(__name__)

_SECONDS: Final = 5.0
_UPSERT_HEALTH: Final = (
    b"INSERT INTO proxy_gateway_health"
    b" (node_id, gateway_id, is_alive, status, round_trip_ms, checked_at, changed_at)"
    b" VALUES (%s, %s, %s, %s, %s, to_timestamp(%s), to_timestamp(%s))"
    b" ON CONFLICT (node_id, gateway_id) DO UPDATE SET is_alive = EXCLUDED.is_alive,"
    b" status = EXCLUDED.status, round_trip_ms = EXCLUDED.round_trip_ms,"
    b" checked_at = EXCLUDED.checked_at, changed_at = EXCLUDED.changed_at"
)
_UPSERT_REGISTRATION: Final = (
    b"INSERT INTO proxy_gateway_registration"
    b" (node_id, gateway_id, status, reason, until, checked_at, changed_at)"
    b" VALUES (%s, %s, %s, %s, to_timestamp(%s), to_timestamp(%s), to_timestamp(%s))"
    b" ON CONFLICT (node_id, gateway_id) DO UPDATE SET status = EXCLUDED.status,"
    b" reason = EXCLUDED.reason, until = EXCLUDED.until,"
    b" checked_at = EXCLUDED.checked_at, changed_at = EXCLUDED.changed_at"
)
_FORGET_REGISTRATIONS: Final = (
    b"DELETE FROM proxy_gateway_registration WHERE node_id = %s AND NOT gateway_id = ANY(%s)"
)


class Finding(Protocol):
    """What is found of a gateway. Times are seconds since the epoch."""

    @property
    def gateway_id(self) -> int: ...
    @property
    def status(self) -> int: ...
    @property
    def checked_at(self) -> float: ...
    @property
    def changed_at(self) -> float: ...


class Health(Finding, Protocol):
    """Whether it lives."""

    @property
    def is_alive(self) -> bool: ...
    @property
    def round_trip_ms(self) -> int: ...


class Registration(Finding, Protocol):
    """How a registration with it stands."""

    @property
    def reason(self) -> str: ...
    @property
    def until(self) -> float: ...


Found = TypeVar("Found", bound=Finding)


class GatewayHealthWriter:
    """Writes what `findings()` and `registrations()` give, when it is newer than what was written.
    A registration that is given no more is taken away."""

    __slots__ = (
        "_database",
        "_findings",
        "_node_id",
        "_registered",
        "_registrations",
        "_task",
        "_written",
    )

    def __init__(
        self,
        url: str,
        *,
        node_id: str,
        findings: Callable[[], Iterable[Health]],
        registrations: Callable[[], Iterable[Registration]],
    ) -> None:
        self._database = Database(url, name="gateway-health")
        self._node_id = node_id
        self._findings = findings
        self._registrations = registrations
        self._written: dict[int, float] = {}
        self._registered: dict[int, float] | None = None  # None: of an earlier life, unknown
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
        new = _newer(found, self._written)
        await self._execute(_UPSERT_HEALTH, [self._of_health(one) for one in new])
        self._written = {one.gateway_id: one.checked_at for one in found}

        standing = list(self._registrations())
        times = {one.gateway_id: one.checked_at for one in standing}
        if self._registered is None or not self._registered.keys() <= times.keys():
            await self._execute(_FORGET_REGISTRATIONS, [(self._node_id, list(times))])
        rows = [self._of_registration(one) for one in _newer(standing, self._registered or {})]
        await self._execute(_UPSERT_REGISTRATION, rows)
        self._registered = times

    async def _execute(self, statement: bytes, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        connection = await self._database.connection()
        async with connection.cursor() as cursor:
            await cursor.executemany(statement, rows)

    def _of_health(self, one: Health) -> tuple[object, ...]:
        return (
            *(self._node_id, one.gateway_id, one.is_alive, one.status, one.round_trip_ms),
            *(one.checked_at, one.changed_at),
        )

    def _of_registration(self, one: Registration) -> tuple[object, ...]:
        return (
            *(self._node_id, one.gateway_id, one.status, one.reason.replace("\0", "")),
            *(one.until or None, one.checked_at, one.changed_at),
        )


def _newer(found: Iterable[Found], written: dict[int, float]) -> list[Found]:
    return [one for one in found if written.get(one.gateway_id) != one.checked_at]
