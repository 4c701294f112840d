"""The proxy's side of the gateway: a real Unix socket whose links a test holds in its hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.transport.gateway_frames import FrameReader, Preamble, PreambleReader, frame

BOUND_SECONDS = 60.0


class ProxySide:
    """One link as the proxy sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._frames = FrameReader(1 << 20)
        self._held: list[bytes] = []

    async def preamble(self) -> Preamble:
        reader = PreambleReader()
        while True:
            data = await self._read()
            found = reader.feed(data)
            if found is not None:
                self._held += self._frames.feed(found[1])
                return found[0]

    async def message(self) -> bytes:
        while not self._held:
            self._held += self._frames.feed(await self._read())
        return self._held.pop(0)

    async def _read(self) -> bytes:
        data = await asyncio.wait_for(self.reader.read(65536), BOUND_SECONDS)
        assert data, "the link was closed"
        return data

    async def ended(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), BOUND_SECONDS) == b""

    def send(self, message: bytes) -> None:
        self.writer.write(frame(message))


class Proxy:
    """Accepts links."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.links: asyncio.Queue[ProxySide] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []

    async def link(self) -> ProxySide:
        return await asyncio.wait_for(self.links.get(), BOUND_SECONDS)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.links.put_nowait(ProxySide(reader, writer))

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Proxy]:
    proxy = Proxy(tmp_path / "gateway.sock")
    server = await asyncio.start_unix_server(proxy.accept, str(proxy.path))
    yield proxy
    server.close()
    proxy.close()
