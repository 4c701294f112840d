"""How late an event loop is: what a call that comes now would have to wait."""

from __future__ import annotations

import asyncio
import time


class Lateness:
    """Notes the longest time between two turns of the running loop, until it is stopped."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0.0005)
            now = time.perf_counter()
            self.longest = max(self.longest, now - before)
            before = now

    def stop(self) -> float:
        """Seconds."""
        self._task.cancel()
        return self.longest
