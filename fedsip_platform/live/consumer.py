"""The WebSocket of a page of the dashboard: JSON events about what the person may see.

    {"kind": "call", "what": "answered", "key": "<public id>", "text": "sip:alice@... sip:bob@..."}

`{"kind": "reload"}` says that something was missed. `?tenant=SLUG` narrows it to one tenant; else
whoever owns SIP users hears of these, too.
Nothing that the page sends is read. What the person may see is asked again every half minute, so
that one who has left a tenant, or has signed out everywhere, hears no more of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from typing import Any, Final
from urllib.parse import parse_qs

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import connections

from fedsip_platform.people import mfa
from fedsip_platform.people import services as people
from fedsip_platform.tenants.models import Person, Tenant
from fedsip_platform.tenants.scope import Scope

from .changes import Event
from .feed import Feed, Subscription

NOT_SIGNED_IN: Final = 4401
LOOK_AGAIN_SECONDS: Final = 30.0
Heard = tuple[frozenset[int] | None, frozenset[str]]
_NOTHING: Final[Heard] = (frozenset(), frozenset())

_feeds: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Feed] = weakref.WeakKeyDictionary()


def feed_here() -> Feed:
    """The feed of this process."""
    loop = asyncio.get_running_loop()
    feed = _feeds.get(loop)
    if feed is None:
        feed = _feeds[loop] = Feed(_parameters())
    return feed


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """One open page."""

    async def connect(self) -> None:
        """Whoever is not signed in is refused in the handshake."""
        self._subscription: Subscription | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._slug = parse_qs(self.scope["query_string"].decode("latin-1")).get("tenant", [""])[0]
        heard = await self._heard()
        if heard == _NOTHING:
            await self.close(NOT_SIGNED_IN)
            return
        await self.accept()
        self._subscription = feed_here().subscribe(*heard)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._send_events(self._subscription)),
            loop.create_task(self._look_again(self._subscription)),
        ]

    async def disconnect(self, code: int) -> None:
        if self._subscription is not None:
            feed_here().unsubscribe(self._subscription)
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def receive(self, *_: Any, **__: Any) -> None:
        """Pages only listen."""

    async def _send_events(self, subscription: Subscription) -> None:
        while True:
            for event in await subscription.take():
                await self.send_json(_as_json(event))

    async def _look_again(self, subscription: Subscription) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            self.scope["user"] = await get_user(self.scope)
            heard = await self._heard()
            subscription.tenants, subscription.users = heard
            if heard == _NOTHING:
                await self.close(NOT_SIGNED_IN)
                return

    @database_sync_to_async
    def _heard(self) -> Heard:
        """Whose events the person may hear: tenants, None being all, and SIP users of her own."""
        only = None
        if self._slug:
            only = Tenant.objects.filter(slug=self._slug).values_list("pk", flat=True).first()
            if only is None:
                return _NOTHING
        person = self.scope["user"]
        if not person.is_authenticated or mfa.is_missing(person):
            return _NOTHING
        scope = Scope(person, only_tenant_id=only)
        users = frozenset() if self._slug else _own(person)
        return None if scope.is_operator else frozenset(scope.roles), users


def _own(person: Person) -> frozenset[str]:
    return frozenset(people.owned(person).values_list("aor", flat=True))


def _as_json(event: Event) -> dict[str, str]:
    return {"kind": event.kind, "what": event.what, "key": event.key, "text": event.text}


def _parameters() -> dict[str, Any]:
    """Those of Django's database, for a connection of our own."""
    settings = connections["default"].settings_dict
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
    found = {ours: settings[name] for name, ours in (*names.items(), ("PORT", "port"))}
    options = {key: value for key, value in settings["OPTIONS"].items() if key != "pool"}
    found |= options | {"application_name": "fedsip live"}
    return {key: value for key, value in found.items() if value not in ("", None)}
