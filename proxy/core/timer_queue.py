"""One armed timer for everything that has a deadline.

Transactions and ring timers carry their own `deadline`; the queue wakes at the earliest and calls
`due` for each whose time has come. A deadline that moves later, or away, costs nothing: the old
wake-up finds it not due and puts it back. Under load wake-ups are gathered in ticks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from proxy.sip.deadlines import DeadlineQueue
from proxy.sip.transaction import NEVER

if TYPE_CHECKING:
    from .protocols import Clock, TimerHandle

TICK: Final = 0.01  # seconds between two wake-ups at least


class Timed(Protocol):
    """Something with a deadline. `queued_at` is the queue's own: when it will look next."""

    queued_at: float

    @property
    def deadline(self) -> float:
        """When it wants to be looked at; NEVER for not at all."""

    def __hash__(self) -> int: ...


class TimerQueue:
    """Wakes at deadlines; made once for a layer."""

    __slots__ = ("_armed_at", "_clock", "_due", "_handle", "_last_run", "_queue")

    def __init__(self, clock: Clock, due: Callable[[Timed, float], None]) -> None:
        self._clock = clock
        self._due = due
        self._queue: DeadlineQueue[Timed] = DeadlineQueue()
        self._handle: TimerHandle | None = None
        self._armed_at = NEVER
        self._last_run = -NEVER

    def schedule(self, timed: Timed) -> None:
        """Look at it when its deadline comes; to be called whenever that may have moved."""
        deadline = timed.deadline
        if deadline >= timed.queued_at:
            return
        timed.queued_at = deadline
        self._queue.set(timed, deadline)
        if deadline < self._armed_at:
            self._arm(deadline)

    def close(self) -> None:
        """Wake no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, deadline: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._armed_at = max(deadline, self._last_run + TICK)
        self._handle = self._clock.call_at(self._armed_at, self._wake)

    def _wake(self) -> None:
        now = self._last_run = self._clock.time()
        self._handle = None
        self._armed_at = -NEVER  # nothing is armed while this runs
        for timed in self._queue.pop_due(now):
            timed.queued_at = NEVER
            if timed.deadline <= now:
                self._due(timed, now)
            self.schedule(timed)
        self._armed_at = NEVER
        upcoming = self._queue.next_deadline()
        if upcoming is not None:
            self._arm(upcoming)
