"""Daphne, whose applications feel the browser's socket: `python -m fedsip_platform.web_server`.

It takes Daphne's own words. What it adds for WebSockets: `send` waits while the browser does not
read, the browser is not read while the application has messages waiting, a handshake can be refused
with any status (ASGI's websocket.http.response), the scheme is told, and no WebSocket is cut for
being a day old. Dead browsers are found by Daphne's pings. It takes as many open files as the
system lets it, for each browser's WebSocket is two.
"""

from __future__ import annotations

import asyncio
import resource
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from autobahn.twisted.websocket import ConnectionDeny
from daphne.cli import CommandLineInterface
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.interfaces import ISSLTransport

MOST_WAITING: Final = 32
"""Messages of one browser that wait for the application; above it the browser is not read."""
MAX_MESSAGE: Final = 256 * 1024
"""Larger ones end the connection. Endpoints have smaller limits of their own."""


class WebServer(Server):
    """Daphne's server with back-pressure."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options |= {
            "websocket_timeout": -1,
            "websocket_max_message_size": MAX_MESSAGE,
            "websocket_max_frame_size": MAX_MESSAGE,
        }
        super().__init__(*args, **options)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if not isinstance(protocol, WebSocketProtocol):
            return super().create_application(protocol, scope)
        transport = protocol.transport
        transport.unregisterProducer()  # the HTTP channel's, which the upgrade has left there
        scope["scheme"] = "wss" if ISSLTransport.providedBy(transport) else "ws"
        scope["extensions"] = {"websocket.http.response": {}}
        scope["asgi"] = {"version": "3.0"}
        inbox = _Inbox(transport)
        connection = self.connections[protocol]
        connection["outflow"] = _Outflow(transport)
        connection["application_instance"] = asyncio.ensure_future(
            self.application(scope, inbox.get, partial(self.handle_reply, protocol))
        )
        return inbox

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "websocket.http.response.start":
            _refuse(protocol, message["status"])
            self.protocol_disconnected(protocol)
        elif kind == "websocket.send" and protocol in self.connections:
            outflow: _Outflow = self.connections[protocol]["outflow"]
            async with outflow:
                await super().handle_reply(protocol, message)
        elif kind == "websocket.close" and protocol.state == protocol.STATE_OPEN:
            # Autobahn's sendClose refuses the codes that RFC 6455 s7.4.1 has for servers.
            protocol.sendCloseFrame(code=message.get("code", 1000))
        elif kind != "websocket.http.response.body":
            await super().handle_reply(protocol, message)


def _refuse(protocol: Any, status: int) -> None:
    protocol.handshake_deferred.errback(
        ConnectionDeny(code=int(status), reason=HTTPStatus(status).phrase)
    )
    del protocol.handshake_deferred


class _Inbox(asyncio.Queue[dict[str, Any]]):
    """What the browser has sent; it is not read while too much waits here."""

    def __init__(self, transport: Any) -> None:
        super().__init__()
        self._transport = transport
        self._is_paused = False

    def _put(self, item: dict[str, Any]) -> None:
        super()._put(item)
        if not self._is_paused and self.qsize() >= MOST_WAITING:
            self._is_paused = True
            self._transport.pauseProducing()

    def _get(self) -> dict[str, Any]:
        item: dict[str, Any] = super()._get()
        if self._is_paused and self.qsize() <= MOST_WAITING // 2:
            self._is_paused = False
            self._transport.resumeProducing()
        return item


class _Outflow:
    """Around each message to the browser. Registered as the socket's producer (Twisted's
    IPushProducer), it is told when the socket's buffer is full and waits until it is empty.

    Not registered for longer: Twisted's TLS does not close while a producer is there.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._one = asyncio.Lock()

    async def __aenter__(self) -> None:
        await self._one.acquire()
        self._transport.registerProducer(self, True)

    async def __aexit__(self, *exc: object) -> None:
        try:
            if not self._has_room.is_set():
                await self._has_room.wait()
        finally:
            self._transport.unregisterProducer()
            self._one.release()

    def pauseProducing(self) -> None:
        self._has_room.clear()

    def resumeProducing(self) -> None:
        self._has_room.set()

    def stopProducing(self) -> None:
        """The connection is gone."""
        self._has_room.set()


class CommandLine(CommandLineInterface):
    """Daphne's command line with this server."""

    server_class = WebServer


if __name__ == "__main__":
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    CommandLine.entrypoint()
