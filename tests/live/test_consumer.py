"""The WebSocket of open pages, through the whole ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections

from fedsip_platform.live import consumer
from fedsip_platform.live.models import publish
from fedsip_platform.tenants.models import Person
from tests.harness.committing import audit_log_is_emptied as audit_log_is_emptied
from tests.platform.world import World, make_live_call, make_person, make_world

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]


def application() -> Any:
    options = connections["default"].settings_dict["OPTIONS"]
    from fedsip_platform.asgi import application

    options.pop("pool", None)  # the tests' connections are not the pool's
    return application


def cookie_of(person: Person) -> bytes:
    """The cookie of somebody who has signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}".encode()


class Page:
    """One open page."""

    def __init__(self, cookie: bytes = b"", query: str = "", origin: bytes = b"") -> None:
        headers = [(b"host", b"localhost"), (b"origin", origin or b"https://localhost")]
        headers += [(b"cookie", cookie)] if cookie else []
        self._socket = WebsocketCommunicator(application(), f"/live{query}", headers)

    async def opens(self) -> bool:
        accepted, _ = await self._socket.connect(timeout=60)
        return bool(accepted)

    async def hears(self) -> dict[str, str]:
        return dict(await self._socket.receive_json_from(timeout=60))

    async def says(self, text: str) -> None:
        await self._socket.send_to(text_data=text)

    async def is_closed(self) -> bool:
        return bool((await self._socket.receive_output(timeout=60))["type"] == "websocket.close")

    async def leaves(self) -> None:
        await self._socket.disconnect()


@pytest.fixture
async def worlds() -> AsyncIterator[dict[str, World]]:
    make = sync_to_async(make_world)
    made = {"acme": await make("acme", "example.com"), "rival": await make("rival", "example.net")}
    yield made
    await sync_to_async(connections.close_all)()  # those of the threads, too


async def page_of(person: Person, query: str = "") -> Page:
    page = Page(await sync_to_async(cookie_of)(person), query)
    assert await page.opens()
    assert (await page.hears())["kind"] == "reload"
    return page


async def test_each_tenant_hears_its_own(worlds: dict[str, World]) -> None:
    acme, rival = worlds["acme"], worlds["rival"]
    ours = await page_of(acme.people["viewer"])
    operator = await sync_to_async(make_person)("op@example.org", is_operator=True)
    everything, narrowed = await page_of(operator), await page_of(operator, "?tenant=acme")
    call = sync_to_async(make_live_call)
    theirs = await call(rival.tenant, rival.domain, call_id="theirs")
    made = await call(acme.tenant, acme.domain, call_id="made")
    assert (await everything.hears())["key"] == str(theirs.public_id)
    heard = await ours.hears()
    assert (heard["kind"], heard["what"], heard["key"]) == ("call", "answered", str(made.public_id))
    assert (await narrowed.hears())["key"] == str(made.public_id)
    for page in (ours, everything, narrowed):
        await page.leaves()


async def test_what_is_published_is_heard(worlds: dict[str, World]) -> None:
    acme = worlds["acme"]
    page = await page_of(acme.people["owner"])
    await page.says('{"kind": "whatever"}')  # pages only listen
    await sync_to_async(publish)(
        "domain_check", "failed", tenant=acme.tenant, key="example.com", text="no SRV"
    )
    assert await page.hears() == {
        "kind": "domain_check",
        "what": "failed",
        "key": "example.com",
        "text": "no SRV",
    }
    await page.leaves()


async def test_strangers_and_other_sites_are_refused(worlds: dict[str, World]) -> None:
    assert not await Page().opens()
    assert not await Page(b"__Host-fedsip-session=forged").opens()
    cookie = await sync_to_async(cookie_of)(worlds["acme"].people["owner"])
    assert not await Page(cookie, origin=b"https://evil.example").opens()
    assert not await Page(cookie, "?tenant=rival").opens()
    assert not await Page(cookie, "?tenant=nobody").opens()
    nobody = await sync_to_async(make_person)("nobody@example.org")
    assert not await Page(await sync_to_async(cookie_of)(nobody)).opens()


async def test_who_leaves_the_tenant_hears_no_more(
    worlds: dict[str, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "LOOK_AGAIN_SECONDS", 0.05)
    owner = worlds["acme"].people["owner"]
    page = await page_of(owner)
    await sync_to_async(owner.memberships.all().delete)()
    assert await asyncio.wait_for(page.is_closed(), 20)
