"""One browser's link to the proxy: a Unix socket with the frames of proxy/transport/gateway_frames.

Back-pressure goes both ways: `send` returns when the proxy's socket has room again, and a browser
that does not take its messages stops the reading of the link, so that the proxy's side fills and
the proxy lets go of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path
from typing import Final, cast

from proxy.transport.gateway_frames import FrameReader, GatewayError, Preamble, frame

MOST_WAITING: Final = 64 * 1024
"""Bytes for the browser that may wait here; above it the link is not read."""


class LinkLost(Exception):
    """The proxy is not there, or has closed the link; the message says which."""


class Link(asyncio.Protocol):
    """Made by `connect`; frames out by `send`, in by `receive`."""

    __slots__ = (
        "_arrived",
        "_can_write",
        "_frames",
        "_lost",
        "_messages",
        "_transport",
        "_waiting_bytes",
    )

    def __init__(self, max_message: int) -> None:
        self._frames = FrameReader(max_message)
        self._messages: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._lost: str | None = None
        self._transport: asyncio.Transport | None = None

    async def send(self, message: bytes) -> None:
        """One message to the proxy; waits while it does not read. Raises LinkLost."""
        self._write(frame(message))
        if not self._can_write.is_set():
            await self._can_write.wait()

    async def receive(self) -> bytes:
        """The next message for the browser. Raises LinkLost once there is none any more."""
        while not self._messages:
            if self._lost is not None:
                raise LinkLost(self._lost)
            self._arrived.clear()
            await self._arrived.wait()
        message = self._messages.popleft()
        self._waiting_bytes -= len(message)
        if self._waiting_bytes <= MOST_WAITING // 2 and self._transport is not None:
            self._transport.resume_reading()
        return message

    def close(self) -> None:
        """What was sent still goes out."""
        if self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._lost is not None:
            raise LinkLost(self._lost or "not connected")
        self._transport.write(data)

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # that of a stream socket

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._frames.feed(data)
        except GatewayError as error:
            self._end(f"the proxy sent no frame: {error}")
            if self._transport is not None:
                self._transport.abort()
            return
        if not messages:
            return
        self._messages += messages
        self._waiting_bytes += sum(map(len, messages))
        if self._waiting_bytes > MOST_WAITING and self._transport is not None:
            self._transport.pause_reading()
        self._arrived.set()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("the proxy closed the link" if exc is None else str(exc))

    def _end(self, why: str) -> None:
        if self._lost is None:
            self._lost = why
        self._arrived.set()
        self._can_write.set()


async def connect(path: Path, preamble: Preamble, *, max_message: int) -> Link:
    """Open a link for the browser that the preamble names. Raises LinkLost, GatewayError."""
    head = preamble.serialise()
    try:
        _, link = await asyncio.get_running_loop().create_unix_connection(
            lambda: Link(max_message), str(path)
        )
    except OSError as error:
        raise LinkLost(f"the proxy does not listen at {path}: {error.strerror}") from error
    link._write(head)
    return link
