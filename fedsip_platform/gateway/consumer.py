"""The WebSocket endpoint for SIP (RFC 7118): a pipe between a browser and the proxy.

It knows no SIP: a message is whatever one WebSocket message holds. Each browser has one link of its
own to the proxy, which so sees one more connection, with the browser's true address. An ASGI
application as Channels' consumers are, without their dispatch, which makes Tasks for each message.

Refused in the handshake: 400 without subprotocol `sip`, 403 from the page of a stranger, 503 while
the proxy is away. Ended later: 1009 after a message that is too large, 1008 for whoever says
nothing at first, 1012 when the proxy ends the link (it restarts, or knows the browser to be dead).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from fedsip_platform.environment import WebSettings
from proxy.transport.gateway_frames import GatewayError

from . import link as links
from .origins import Origins
from .peer import preamble_of
from .rate import Pace

log = logging.getLogger(__name__)

SUBPROTOCOL: Final = "sip"
FIRST_MESSAGE_SECONDS: Final = 30.0

POLICY: Final = 1008
TOO_LARGE: Final = 1009
RESTARTING: Final = 1012

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class SipConsumer:
    """One for the process; called once for each WebSocket."""

    __slots__ = ("_first_seconds", "_origins", "_settings")

    def __init__(
        self,
        settings: WebSettings,
        origins: Origins,
        *,
        first_seconds: float = FIRST_MESSAGE_SECONDS,
    ) -> None:
        self._settings = settings
        self._origins = origins
        self._first_seconds = first_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        headers = dict(scope["headers"])
        if SUBPROTOCOL not in (name.lower() for name in scope["subprotocols"]):
            await refuse(scope, send, HTTPStatus.BAD_REQUEST, "Subprotocol sip is needed.")
            return
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        tenants = await self._origins.tenants_for(origin, host)
        if tenants is None:
            log.info("origin refused origin=%.200r", origin)
            await refuse(scope, send, HTTPStatus.FORBIDDEN, "This page may not use our telephony.")
            return
        try:
            link = await links.connect(
                self._settings.gateway,
                preamble_of(scope, tenants),
                max_message=self._settings.max_message,
            )
        except (links.LinkLost, GatewayError) as error:
            log.warning("browser refused reason=%s", error)
            await refuse(scope, send, HTTPStatus.SERVICE_UNAVAILABLE, "Telephony is away.")
            return
        try:
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            await self._carry(link, receive, send)
        finally:
            link.close()

    async def _carry(self, link: links.Link, receive: Receive, send: Send) -> None:
        """Both directions until either ends."""
        inward = asyncio.create_task(self._inward(link, receive))
        outward = asyncio.create_task(_outward(link, send))
        both = (inward, outward)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            codes = await asyncio.gather(*both, return_exceptions=True)
        for code in codes:
            if isinstance(code, int):
                await send({"type": "websocket.close", "code": code})
                return
            if isinstance(code, Exception):
                raise code

    async def _inward(self, link: links.Link, receive: Receive) -> int | None:
        """From the browser to the proxy; the code to close with, None if the browser has gone."""
        loop = asyncio.get_running_loop()
        settings = self._settings
        per_second = settings.messages_per_second
        pace = Pace(per_second, 4 * per_second, now=loop.time())
        try:
            async with asyncio.timeout(self._first_seconds):
                event = await receive()
        except TimeoutError:
            return POLICY
        while event["type"] == "websocket.receive":
            message = event.get("bytes") or (event.get("text") or "").encode()
            if len(message) > settings.max_message:
                return TOO_LARGE
            if wait_seconds := pace.wait_seconds(now=loop.time()):
                await asyncio.sleep(wait_seconds)
            try:
                await link.send(message)
            except links.LinkLost:
                return RESTARTING
            event = await receive()
        return None


async def _outward(link: links.Link, send: Send) -> int:
    """From the proxy to the browser, as text wherever it is text (RFC 7118 s4.2 allows both)."""
    while True:
        try:
            message = await link.receive()
        except links.LinkLost:
            return RESTARTING
        try:
            await send({"type": "websocket.send", "text": message.decode()})
        except UnicodeDecodeError:
            await send({"type": "websocket.send", "bytes": message})


async def refuse(scope: Scope, send: Send, status: HTTPStatus, text: str) -> None:
    """End a handshake with this status, or with 403 where the server cannot choose."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": POLICY})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": text.encode()})
