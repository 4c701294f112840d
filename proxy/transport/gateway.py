"""Links of the web process: each browser is one more connection, its flow "ws" or "wss".

The web process terminates WebSocket and says by the preamble who is at the other end; closing,
backpressure and liveness of the link are the kernel's. Only the owner of the state folder and its
group may connect, because whoever can may claim any source address.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any, Final, cast

from .flow import Flow, FlowFailed
from .gateway_frames import FrameReader, GatewayError, PreambleReader, frame
from .stream import WRITE_LIMIT, Owner

log = logging.getLogger(__name__)

_ACCESS: Final = 0o660
_PING: Final = b"\r\n\r\n"
_PONG: Final = b"\r\n"


class GatewayLink(asyncio.Protocol):
    """One browser. It is a Stream: see there."""

    __slots__ = (
        "_clock",
        "_frames",
        "_heard_at",
        "_owner",
        "_preamble",
        "_transport",
        "certificate",
        "connection_id",
        "flow",
        "is_outbound",
    )

    def __init__(
        self,
        owner: Owner,
        connection_id: int,
        *,
        max_message: int,
        clock: Callable[[], float],
    ) -> None:
        self._owner = owner
        self._frames = FrameReader(max_message)
        self._preamble: PreambleReader | None = PreambleReader()
        self._transport: asyncio.Transport | None = None
        self._clock = clock
        self._heard_at = clock()
        self.certificate: Mapping[str, Any] = {}  # browsers show none
        self.connection_id = connection_id
        self.is_outbound = False
        self.flow = Flow("ws", ("", 0), ("", 0), connection_id)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # As for Connection: uvloop's transport is no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._clock()
        try:
            if self._preamble is not None:
                found = self._preamble.feed(data)
                if found is None:
                    return
                preamble, data = found
                self._preamble = None
                protocol = "wss" if preamble.is_secure else "ws"
                self.flow = Flow(
                    protocol,
                    preamble.local,
                    preamble.source,
                    self.connection_id,
                    preamble.tenants,
                )
                if not self._owner.opened(self):
                    self.abort()
                    return
            messages = self._frames.feed(data)
        except GatewayError as error:
            log.warning("gateway link broken reason=%s", error)
            self.abort()
            return
        for message in messages:
            if message.strip(b"\r\n"):
                self._owner.message_came(message, self)
            elif message == _PING and self._transport is not None:
                # RFC 7118 s6: pages cannot ping, so they send CRLF keep-alives as messages.
                self._transport.write(frame(_PONG))

    def write(self, data: bytes) -> None:
        """Send one message; raises FlowFailed when the link is closing or its reader too slow."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise FlowFailed(f"{self.flow.protocol} link to {self.flow.remote[0]} is closed")
        transport.write(frame(data))
        if transport.get_write_buffer_size() > WRITE_LIMIT:
            transport.abort()
            raise FlowFailed(f"{self.flow.remote[0]} does not read what it is sent")

    def ping(self) -> None:
        """The web process pings its browsers itself; raises FlowFailed when the link is closed."""
        if self._transport is None or self._transport.is_closing():
            raise FlowFailed(f"{self.flow.protocol} link to {self.flow.remote[0]} is closed")

    def is_unanswered(self) -> bool:
        return False

    def has_expired(self, *, idle_seconds: float, now: float) -> bool:
        return now - self._heard_at >= idle_seconds

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.closed(self)


async def listen(
    path: Path, make: Callable[[], GatewayLink], loop: asyncio.AbstractEventLoop
) -> asyncio.Server:
    """Accept links at a Unix socket; OSError when that cannot be had. A socket that a killed
    process has left is replaced, one that somebody serves is not."""
    await loop.run_in_executor(None, _clear, path)
    listener = socket(AF_UNIX, SOCK_STREAM)
    mask = os.umask(0o777 & ~_ACCESS)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(mask)
    listener.setblocking(False)
    return await loop.create_unix_server(make, sock=listener, backlog=1024)


def _clear(path: Path) -> None:
    with suppress(FileNotFoundError), socket(AF_UNIX, SOCK_STREAM) as probe:
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise FileExistsError(17, "File exists and is no socket")
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OSError(98, "Address already in use")
