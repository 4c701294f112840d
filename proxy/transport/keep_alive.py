"""Pings flows behind NAT: each one once an interval, spread evenly over it.

A flow whose ping stays without an answer for ten seconds (RFC 5626 s4.4.1), or until the next one
where the interval is shorter, is looked at again: whoever pings judges whether it is dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from .flow import Flow

_TICK_SECONDS: Final = 0.5
_ANSWER_SECONDS: Final = 10.0


class KeepAlive:
    """Buckets of flows, one bucket a tick. `ping(flow)` returns False for a flow that is dead,
    `judge(flow)` is called when the answer is due."""

    __slots__ = (
        "_buckets",
        "_held",
        "_judge",
        "_late",
        "_loop",
        "_next",
        "_ping",
        "_tick_seconds",
        "_timer",
    )

    def __init__(
        self,
        seconds: float,
        ping: Callable[[Flow], bool],
        judge: Callable[[Flow], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._tick_seconds = min(_TICK_SECONDS, seconds)
        count = round(seconds / self._tick_seconds)
        self._buckets: list[dict[Flow, None]] = [{} for _ in range(count)]
        self._late = min(count, round(_ANSWER_SECONDS / self._tick_seconds))
        self._held: dict[Flow, int] = {}
        self._next = 0
        self._ping = ping
        self._judge = judge
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._timer = self._loop.call_later(self._tick_seconds, self._run)

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

    def __contains__(self, flow: Flow) -> bool:
        return flow in self._held

    def tick(self) -> None:
        """What is due in this tick."""
        at = self._next
        self._next = (at + 1) % len(self._buckets)
        for flow in list(self._buckets[at - self._late]):
            self._judge(flow)
        for flow in list(self._buckets[at]):
            if not self._ping(flow):
                self.set(flow, on=False)

    def _run(self) -> None:
        self._timer = self._loop.call_later(self._tick_seconds, self._run)
        self.tick()
