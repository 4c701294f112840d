"""One armed timer for everything that has a deadline.

Transactions and ring timers carry their own `deadline`; the queue wakes when the earliest comes
and calls `due` for each whose time it is. Deadlines are gathered in ticks, so that a busy node
wakes fifty times a second and not for each transaction. A deadline that moves later, or away,
costs nothing: the old wake-up finds it not due and puts it where it belongs. Where very many are
due together, as after a burst of calls that nobody answers, other work has its turn in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from proxy.sip.deadlines import DeadlineQueue
from proxy.sip.transaction import NEVER

if TYPE_CHECKING:
    from .protocols import Clock, TimerHandle

TICKS_PER_SECOND: Final = 50
MOST_AT_ONCE: Final = 32
"""What is looked at before other work has its turn; a call that fails takes a third of a ms."""
_NO_TICK: Final = 1 << 62
_WAKING: Final = -1  # nothing is armed while due ones are looked at
_SLACK: Final = 1e-6  # seconds; what rounding may do to a deadline that is a tick itself


class Timed(Protocol):
    """Something with a deadline. `queued_at` is the queue's own: when it will look next."""

    queued_at: float

    @property
    def deadline(self) -> float:
        """When it wants to be looked at; NEVER for not at all."""

    def __hash__(self) -> int: ...


class TimerQueue:
    """Wakes at deadlines; made once for a layer."""

    __slots__ = ("_armed_tick", "_clock", "_due", "_handle", "_overdue", "_ticks", "_timed_at")

    def __init__(self, clock: Clock, due: Callable[[Timed, float], None]) -> None:
        self._clock = clock
        self._due = due
        self._ticks: DeadlineQueue[int] = DeadlineQueue()
        self._timed_at: dict[int, list[Timed]] = {}
        self._overdue: deque[Timed] = deque()
        self._handle: TimerHandle | None = None
        self._armed_tick = _NO_TICK

    def schedule(self, timed: Timed) -> None:
        """Look at it when its deadline comes; to be called whenever that may have moved."""
        deadline = timed.deadline
        if deadline >= timed.queued_at:
            return
        timed.queued_at = deadline
        tick = -int(deadline * -TICKS_PER_SECOND // 1)  # the first that is not before it
        present = self._timed_at.get(tick)
        if present is not None:
            present.append(timed)
            return
        self._timed_at[tick] = [timed]
        self._ticks.set(tick, tick)
        if tick < self._armed_tick:
            self._arm(tick)

    def close(self) -> None:
        """Wake no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, tick: int) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._armed_tick = tick
        self._handle = self._clock.call_at(tick / TICKS_PER_SECOND, self._wake)

    def _wake(self) -> None:
        now = self._clock.time()
        self._handle = None
        self._armed_tick = _WAKING
        until = now + _SLACK
        for tick in self._ticks.pop_due(until * TICKS_PER_SECOND):
            self._overdue.extend(self._timed_at.pop(tick))
        for _ in range(min(MOST_AT_ONCE, len(self._overdue))):
            self._look_at(self._overdue.popleft(), now)
        if self._overdue:
            self._handle = self._clock.call_at(now, self._wake)
            return
        self._armed_tick = _NO_TICK
        upcoming = self._ticks.next_deadline()
        if upcoming is not None:
            self._arm(int(upcoming))

    def _look_at(self, timed: Timed, now: float) -> None:
        timed.queued_at = NEVER
        deadline = timed.deadline
        if deadline <= now + _SLACK:
            self._due(timed, now if now > deadline else deadline)
            deadline = timed.deadline
        if now + _SLACK < deadline < NEVER:
            self.schedule(timed)
