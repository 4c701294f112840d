"""What the proxy keeps of PostgreSQL: the directory and the bindings, and the tasks behind them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

from proxy.directory.feed import DirectoryFeed
from proxy.directory.store import Directory
from proxy.location.feed import BindingFeed
from proxy.location.model import Binding
from proxy.location.store import Bindings
from proxy.location.writer import BindingWriter

log = logging.getLogger(__name__)

_SWEEP_SECONDS: Final = 1.0


class State:
    """Directory and bindings, loaded and followed."""

    __slots__ = ("_binding_feed", "_directory_feed", "_sweeper", "bindings", "directory", "writer")

    def __init__(self, url: str, *, on_binding_removed: Callable[[Binding], None]) -> None:
        self.directory = Directory()
        self.writer = BindingWriter(url)
        self.bindings = Bindings(self.writer, on_binding_removed)
        self._directory_feed = DirectoryFeed(url, self.directory)
        self._binding_feed = BindingFeed(url, self.bindings, self.writer, self.directory.aor_of)
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load everything; waits for PostgreSQL as long as it takes."""
        await self._directory_feed.start()
        await self._binding_feed.start()  # its addresses are the directory's
        self.writer.start()
        self._sweeper = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Write what is not written yet, and let go of the connections."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        await self.writer.close()
        await asyncio.gather(self._directory_feed.close(), self._binding_feed.close())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for binding in self.bindings.sweep(wall=time.time()):
                log.info(
                    "registration expired aor=%s contact=%s",
                    binding.aor.decode(errors="replace"),
                    binding.contact.decode(errors="replace"),
                )
