"""Wait for a condition in the outside world, with a generous bound that only ends a hung test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

BOUND_SECONDS = 60.0
POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], bool], what: str, *, within: float = BOUND_SECONDS) -> None:
    """Return as soon as the condition holds; fail with `what` when it never does."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within:.0f} s in vain until {what}")
        time.sleep(POLL_SECONDS)


async def eventually(
    condition: Callable[[], bool], what: str, *, within: float = BOUND_SECONDS
) -> None:
    """The same for what happens in this event loop."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within:.0f} s in vain until {what}")
        await asyncio.sleep(POLL_SECONDS)
