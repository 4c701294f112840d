"""PostgreSQL for the proxy: a connection that comes back, a doorbell, a watermark.

Changes are read by transaction number: the next watermark is pg_snapshot_xmin of the transaction
that read, so that a row that commits late is read again and never missed (HOUSE s1.9). NOTIFY only
shortens the wait for the poll.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

log = logging.getLogger(__name__)

Connection = AsyncConnection[Any]

_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 5.0
POLL_SECONDS: Final = 0.5


class Database:
    """One connection of the proxy under a name, made again whenever it breaks."""

    __slots__ = ("_connection", "_lock", "_name", "_url", "is_away")

    def __init__(self, url: str, *, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()
        self.is_away = False

    async def connection(self) -> Connection:
        """An open connection; raises psycopg.OperationalError when there is none to be had."""
        async with self._lock:
            if self._connection is None or self._connection.closed or self._connection.broken:
                try:
                    self._connection = await AsyncConnection.connect(
                        self._url,
                        autocommit=True,
                        connect_timeout=5,
                        application_name=f"fedsip proxy {self._name}",
                    )
                except psycopg.OperationalError as error:
                    if not self.is_away:
                        self.is_away = True
                        log.warning(
                            "PostgreSQL is away, going on from memory connection=%s reason=%s",
                            self._name,
                            str(error).strip().splitlines()[0] if str(error).strip() else "unknown",
                        )
                    raise
                if self.is_away:
                    self.is_away = False
                    log.info("PostgreSQL is back connection=%s", self._name)
            return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.OperationalError):
                await self._connection.close()


class Doorbell:
    """Calls `read()` whenever the channel is notified, and every POLL_SECONDS anyway."""

    __slots__ = ("_bell", "_channel", "_database", "_read")

    def __init__(self, url: str, channel: str, read: Callable[[], Awaitable[None]]) -> None:
        self._database = Database(url, name=f"listen {channel}")
        self._channel = channel
        self._read = read
        self._bell = asyncio.Event()

    async def run(self) -> None:
        """For ever; cancel to end."""
        listener = asyncio.create_task(self._listen())
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._bell.wait(), POLL_SECONDS)
                self._bell.clear()
                try:
                    await self._read()
                except psycopg.Error as error:
                    log.debug("read failed channel=%s reason=%s", self._channel, error)
        finally:
            listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listener
            await self._database.close()

    async def _listen(self) -> None:
        wait = _FIRST_WAIT
        while True:
            try:
                connection = await self._database.connection()
                await connection.execute(f"LISTEN {self._channel}".encode())
                wait = _FIRST_WAIT
                self._bell.set()
                async for _ in connection.notifies():
                    self._bell.set()
            except psycopg.Error as error:
                log.debug("listening ended channel=%s reason=%s", self._channel, error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
