"""A relay on loopback that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from media.ng import Document, parse_frame, serialise_frame


class ToldRelay(asyncio.DatagramProtocol):
    """Answers each command with `answer(document)`; None is silence."""

    def __init__(self) -> None:
        self.commands: list[Document] = []
        self.answer: Callable[[Document], Document | bytes | None] = lambda _: {b"result": b"pong"}
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of datagrams
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        frame = parse_frame(data)
        self.commands.append(frame.document)
        answer = self.answer(frame.document)
        if answer is None or self._transport is None:
            return
        if isinstance(answer, bytes):
            self._transport.sendto(frame.cookie + b" " + answer, source)
        else:
            self._transport.sendto(serialise_frame(frame.cookie, answer), source)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@pytest.fixture
async def relay() -> AsyncIterator[ToldRelay]:
    told = ToldRelay()
    await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: told, local_addr=("127.0.0.1", 0)
    )
    yield told
    told.close()


@pytest.fixture
async def other_relay() -> AsyncIterator[ToldRelay]:
    told = ToldRelay()
    await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: told, local_addr=("127.0.0.1", 0)
    )
    yield told
    told.close()
