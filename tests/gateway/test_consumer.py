"""The WebSocket endpoint: ASGI at one end, a real Unix socket at the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fedsip_platform.environment import WebSettings
from fedsip_platform.gateway.consumer import SipConsumer
from fedsip_platform.gateway.origins import Origins

from .conftest import BOUND_SECONDS, Proxy


class Browser:
    """A WebSocket as an ASGI server hands it to the application."""

    def __init__(self, consumer: SipConsumer, **scope: Any) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.events.put_nowait({"type": "websocket.connect"})
        given = {
            "type": "websocket",
            "scheme": "wss",
            "client": ["198.51.100.7", 40000],
            "server": ["192.0.2.1", 443],
            "subprotocols": ["sip"],
            "headers": [(b"host", b"sip.example.com")],
            "extensions": {"websocket.http.response": {}},
        } | scope
        self.task = asyncio.ensure_future(consumer(given, self.events.get, self.received.put))

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.received.get(), BOUND_SECONDS)

    def says(self, text: str | bytes) -> None:
        kind = "text" if isinstance(text, str) else "bytes"
        self.events.put_nowait({"type": "websocket.receive", kind: text})

    async def refused(self) -> int:
        start = await self.next()
        assert start["type"] == "websocket.http.response.start"
        assert (await self.next())["type"] == "websocket.http.response.body"
        await asyncio.wait_for(self.task, BOUND_SECONDS)
        return int(start["status"])


async def listers(origin: str) -> list[int]:
    return {"https://shop.example": [7]}.get(origin, [])


OpenBrowser = Callable[..., Browser]


@pytest.fixture
def browser(proxy: Proxy) -> OpenBrowser:
    """Opens a WebSocket; `settings` are names of the environment, all else the ASGI scope's."""

    def open_one(
        settings: dict[str, str] | None = None, first_seconds: float = 30.0, **scope: Any
    ) -> Browser:
        environment = {
            "DATABASE_URL": "postgresql:///x",
            "FEDSIP_WEB_SECRET_KEY": "s" * 50,
            "FEDSIP_SIP_GATEWAY": str(proxy.path),
            **(settings or {}),
        }
        consumer = SipConsumer(
            WebSettings.from_env(environment),
            Origins(["sip.example.com"], listers),
            first_seconds=first_seconds,
        )
        return Browser(consumer, **scope)

    return open_one


async def test_accepted_with_the_subprotocol_and_carried_both_ways(
    browser: OpenBrowser, proxy: Proxy
) -> None:
    one = browser()
    side = await proxy.link()
    assert await one.next() == {"type": "websocket.accept", "subprotocol": "sip"}
    preamble = await side.preamble()
    assert (preamble.source, preamble.is_secure) == (("198.51.100.7", 40000), True)
    one.says("OPTIONS å")
    one.says(b"\x00binary")
    one.says("\r\n\r\n")
    assert await side.message() == "OPTIONS å".encode()
    assert await side.message() == b"\x00binary"
    assert await side.message() == b"\r\n\r\n"
    side.send("SIP/2.0 200 å".encode())
    side.send(b"SIP/2.0 200 \xff")
    assert await one.next() == {"type": "websocket.send", "text": "SIP/2.0 200 å"}
    assert await one.next() == {"type": "websocket.send", "bytes": b"SIP/2.0 200 \xff"}


async def test_the_link_ends_with_the_browser(browser: OpenBrowser, proxy: Proxy) -> None:
    one = browser()
    side = await proxy.link()
    await side.preamble()
    one.says("last words")
    one.events.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await asyncio.wait_for(one.task, BOUND_SECONDS)
    assert await side.message() == b"last words"
    assert await side.ended()


async def test_the_browser_is_told_that_the_proxy_restarts(
    browser: OpenBrowser, proxy: Proxy
) -> None:
    one = browser()
    side = await proxy.link()
    await one.next()
    side.send(b"last words")
    side.writer.close()
    assert await one.next() == {"type": "websocket.send", "text": "last words"}
    assert await one.next() == {"type": "websocket.close", "code": 1012}
    await asyncio.wait_for(one.task, BOUND_SECONDS)


@pytest.mark.parametrize("subprotocols", [[], ["chat"], ["sip2"]])
async def test_without_the_subprotocol(browser: OpenBrowser, subprotocols: list[str]) -> None:
    assert await browser(subprotocols=subprotocols).refused() == 400


async def test_the_subprotocol_among_others(browser: OpenBrowser) -> None:
    one = browser(subprotocols=["chat", "SIP"])
    assert (await one.next())["type"] == "websocket.accept"


async def test_a_page_of_a_stranger(browser: OpenBrowser) -> None:
    headers = [(b"host", b"sip.example.com"), (b"origin", b"https://evil.example")]
    assert await browser(headers=headers).refused() == 403


async def test_a_page_that_one_tenant_has_listed(browser: OpenBrowser, proxy: Proxy) -> None:
    browser(headers=[(b"host", b"sip.example.com"), (b"origin", b"https://shop.example")])
    assert (await (await proxy.link()).preamble()).tenants == (7,)


async def test_without_a_proxy(browser: OpenBrowser) -> None:
    assert await browser({"FEDSIP_SIP_GATEWAY": "/nonexistent"}).refused() == 503


async def test_a_server_that_cannot_choose_the_status(browser: OpenBrowser) -> None:
    one = browser(subprotocols=[], extensions={})
    assert (await one.next())["type"] == "websocket.close"


async def test_a_message_that_is_too_large(browser: OpenBrowser, proxy: Proxy) -> None:
    one = browser({"FEDSIP_SIP_MAX_MESSAGE": "100"})
    side = await proxy.link()
    await one.next()
    one.says("x" * 100)
    one.says("x" * 101)
    assert await one.next() == {"type": "websocket.close", "code": 1009}
    await side.preamble()
    assert await side.message() == b"x" * 100
    assert await side.ended()


async def test_who_says_nothing_at_first_is_sent_away(browser: OpenBrowser, proxy: Proxy) -> None:
    one = browser(first_seconds=0.01)
    await one.next()
    assert await one.next() == {"type": "websocket.close", "code": 1008}


async def test_a_fast_one_waits_and_loses_nothing(browser: OpenBrowser, proxy: Proxy) -> None:
    one = browser({"FEDSIP_WEB_SIP_MESSAGES_PER_SECOND": "200"})
    side = await proxy.link()
    await side.preamble()
    began = asyncio.get_running_loop().time()
    for number in range(900):
        one.says(str(number))
    assert [await side.message() for _ in range(900)] == [b"%d" % n for n in range(900)]
    assert asyncio.get_running_loop().time() - began >= 0.49  # 100 above the burst of 800
