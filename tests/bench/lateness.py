"""How late an event loop is: what a call that comes now would have to wait.

On a busy machine much of that is not the loop's own doing, so the CPU time that the process itself
used in between is told besides.
"""

from __future__ import annotations

import asyncio
import time


class Lateness:
    """Notes the longest time between two turns of the running loop, until it is stopped."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.most_used = 0.0
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        before, used_before = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0.0005)
            now, used = time.perf_counter(), time.thread_time()
            self.longest = max(self.longest, now - before)
            self.most_used = max(self.most_used, used - used_before)
            before, used_before = now, used

    def stop(self) -> str:
        """What it was, in words."""
        self._task.cancel()
        longest, used = self.longest * 1000, self.most_used * 1000
        return f"longest wait {longest:6.1f} ms, most CPU without a break {used:6.1f} ms"
