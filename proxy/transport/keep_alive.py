"""Pings flows behind NAT: each one once an interval, spread evenly over it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from .flow import Flow

_TICK_SECONDS: Final = 0.5


class KeepAlive:
    """Buckets of flows, one bucket a tick. `ping(flow)` returns False for a flow that is dead."""

    __slots__ = ("_buckets", "_held", "_loop", "_next", "_ping", "_timer")

    def __init__(
        self, seconds: float, ping: Callable[[Flow], bool], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._buckets: list[dict[Flow, None]] = [
            {} for _ in range(max(1, round(seconds / _TICK_SECONDS)))
        ]
        self._held: dict[Flow, int] = {}
        self._next = 0
        self._ping = ping
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._timer = self._loop.call_later(_TICK_SECONDS, self._tick)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def set(self, flow: Flow, *, on: bool) -> None:
        """Begin or end pinging a flow."""
        if on:
            if flow not in self._held:
                bucket = (self._next + len(self._held)) % len(self._buckets)
                self._held[flow] = bucket
                self._buckets[bucket][flow] = None
        elif (held := self._held.pop(flow, None)) is not None:
            del self._buckets[held][flow]

    def __len__(self) -> int:
        return len(self._held)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(_TICK_SECONDS, self._tick)
        bucket = self._buckets[self._next]
        self._next = (self._next + 1) % len(self._buckets)
        for flow in list(bucket):
            if not self._ping(flow):
                self.set(flow, on=False)
