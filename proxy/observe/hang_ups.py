"""Wishes of people to end a call: heard by NOTIFY, else within half a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from proxy.postgres import Database, Doorbell

log = logging.getLogger(__name__)

CHANNEL: Final = "fedsip_hang_up"
_WANTED: Final = (
    b"SELECT hang_up_id, public_id::text FROM proxy_hang_up"
    b" WHERE node_id = %s AND done_at IS NULL ORDER BY hang_up_id LIMIT 1000"
)
_DONE: Final = b"UPDATE proxy_hang_up SET done_at = now(), outcome = %s WHERE hang_up_id = %s"


class HangUps:
    """Calls `hang_up(public_id)` for each wish that is this node's, and notes what it says."""

    __slots__ = ("_database", "_doorbell", "_hang_up", "_node_id", "_task")

    def __init__(self, url: str, *, node_id: str, hang_up: Callable[[str], str]) -> None:
        self._database = Database(url, name="hang-ups")
        self._doorbell = Doorbell(url, CHANNEL, self.read)
        self._node_id = node_id
        self._hang_up = hang_up
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._doorbell.run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._database.close()

    async def read(self) -> None:
        """Do what is wanted now."""
        connection = await self._database.connection()
        cursor = await connection.execute(_WANTED, (self._node_id,))
        for hang_up_id, public_id in await cursor.fetchall():
            outcome = self._hang_up(public_id.replace("-", ""))
            log.info("hang up call=%s outcome=%s", public_id, outcome)
            await connection.execute(_DONE, (outcome, hang_up_id))
