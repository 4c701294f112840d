"""One ear for all open pages of a web process: listens to PostgreSQL while anybody watches.

What is heard is handed to each subscription that may see it, in memory. A subscription is bounded:
a page that does not take its events in time is told once to load anew. Proxies notice nothing of
it: they write what they write anyway.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import psycopg

from . import changes
from .changes import Event

log = logging.getLogger(__name__)

CHANNELS: Final = ("fedsip_live", "fedsip_location", "fedsip_block")
MOST_WAITING: Final = 1000
REST_SECONDS: Final = 0.1
"""Between two readings, however often the bell rings."""
POLL_SECONDS: Final = 1.0
"""Longest wait for a change when the bell is broken."""
_RETRY_SECONDS: Final = 1.0

RELOAD: Final = Event("reload", "", "", None, "")
"""Something was missed: what the page shows may be old."""


class Subscription:
    """What one page may hear. `tenants` None: all of them, and what belongs to no tenant; `users`:
    addresses of phones that are the person's own."""

    __slots__ = ("_waiting", "_wakened", "tenants", "users")

    def __init__(self, tenants: frozenset[int] | None, users: frozenset[str] = frozenset()) -> None:
        self.tenants = tenants
        self.users = users
        self._waiting: deque[Event] = deque()
        self._wakened = asyncio.Event()

    def offer(self, event: Event) -> None:
        """Take an event if it is for this page."""
        if event is not RELOAD and not self._may_hear(event):
            return
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            event = RELOAD
        self._waiting.append(event)
        self._wakened.set()

    def _may_hear(self, event: Event) -> bool:
        if self.tenants is None or event.tenant_id in self.tenants:
            return True
        return bool(self.users) and not self.users.isdisjoint(event.addresses)

    async def take(self) -> list[Event]:
        """All that waits; waits for the first."""
        await self._wakened.wait()
        self._wakened.clear()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


class Feed:
    """Reads and hands out. `parameters` are those of the database."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = dict(parameters)
        self._subscriptions: set[Subscription] = set()
        self._task: asyncio.Task[None] | None = None
        self._is_listening = False
        self.readings = 0

    def subscribe(
        self, tenants: frozenset[int] | None, users: frozenset[str] = frozenset()
    ) -> Subscription:
        """Begin to hear; `unsubscribe` must follow. The first event is RELOAD: from then on nothing
        is missed."""
        subscription = Subscription(tenants, users)
        self._subscriptions.add(subscription)
        if self._is_listening:
            subscription.offer(RELOAD)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Hear no more; with the last one the ear closes."""
        self._subscriptions.discard(subscription)
        if not self._subscriptions and self._task is not None:
            self._task.cancel()
            self._task = None
            self._is_listening = False

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                self._is_listening = False
                log.warning("live feed interrupted reason=%s", str(error).partition("\n")[0])
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(**self._parameters, autocommit=True)
        async with connection:
            for channel in CHANNELS:
                await connection.execute(f"LISTEN {channel}".encode())
            seen = await changes.present(connection)
            self._is_listening = True
            self._hand_out([RELOAD])
            while True:
                async for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                    pass
                await asyncio.sleep(REST_SECONDS)
                events, seen = await changes.since(connection, seen)
                self.readings += 1
                self._hand_out([RELOAD] if events is None else events)

    def _hand_out(self, events: list[Event]) -> None:
        for subscription in self._subscriptions:
            for event in events:
                subscription.offer(event)
