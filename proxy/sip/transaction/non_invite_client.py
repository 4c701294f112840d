"""Non-INVITE client transaction (RFC 3261 s17.1.2 figure 6).

    state       1xx          200-699     E        F           K           transport error
    TRYING      PROCEEDING   COMPLETED   resend   TERMINATED              TERMINATED
                pass up      pass up              timeout                 error
    PROCEEDING  -            COMPLETED   resend   TERMINATED              TERMINATED
                pass up      pass up              timeout                 error
    COMPLETED   nothing      nothing                          TERMINATED  nothing

Timers: E starts at T1 and doubles up to T2, and is T2 once a 1xx has come (unreliable transports
only); F = 64*T1; K = T4, or 0 for a reliable transport.
"""

from typing import Final

from proxy.sip.timers import TimerSettings

from .table import ENDED, NEVER, NOTHING, Action, Actions, Event, State, Table, impossible

_PASS_UP: Final = (Action.PASS_UP,)
_RESEND: Final = (Action.RESEND,)
_TIMEOUT: Final = (Action.REPORT_TIMEOUT, Action.TERMINATED)
_BROKEN: Final = (Action.REPORT_TRANSPORT_ERROR, Action.TERMINATED)

TABLE: Final[Table] = {
    (State.TRYING, Event.PROVISIONAL): (State.PROCEEDING, _PASS_UP),
    (State.TRYING, Event.SUCCESS): (State.COMPLETED, _PASS_UP),
    (State.TRYING, Event.FAILURE): (State.COMPLETED, _PASS_UP),
    (State.TRYING, Event.TIMER_RETRANSMIT): (State.TRYING, _RESEND),
    (State.TRYING, Event.TIMER_EXPIRE): (State.TERMINATED, _TIMEOUT),
    (State.TRYING, Event.TRANSPORT_ERROR): (State.TERMINATED, _BROKEN),
    (State.PROCEEDING, Event.PROVISIONAL): (State.PROCEEDING, _PASS_UP),
    (State.PROCEEDING, Event.SUCCESS): (State.COMPLETED, _PASS_UP),
    (State.PROCEEDING, Event.FAILURE): (State.COMPLETED, _PASS_UP),
    (State.PROCEEDING, Event.TIMER_RETRANSMIT): (State.PROCEEDING, _RESEND),
    (State.PROCEEDING, Event.TIMER_EXPIRE): (State.TERMINATED, _TIMEOUT),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): (State.TERMINATED, _BROKEN),
    (State.COMPLETED, Event.PROVISIONAL): (State.COMPLETED, NOTHING),
    (State.COMPLETED, Event.SUCCESS): (State.COMPLETED, NOTHING),
    (State.COMPLETED, Event.FAILURE): (State.COMPLETED, NOTHING),
    (State.COMPLETED, Event.TIMER_LINGER): (State.TERMINATED, ENDED),
    (State.COMPLETED, Event.TRANSPORT_ERROR): (State.COMPLETED, NOTHING),
}


class NonInviteClient:
    """The machine; the driver sends the request when it makes one."""

    __slots__ = ("_expire_at", "_interval", "_is_reliable", "_timers", "deadline", "state")

    def __init__(self, timers: TimerSettings, *, is_reliable: bool, now: float) -> None:
        self.state = State.TRYING
        self._timers = timers
        self._is_reliable = is_reliable
        self._interval = timers.t1
        self._expire_at = now + 64 * timers.t1
        self.deadline = self._expire_at if is_reliable else now + timers.t1

    def receive(self, status: int, *, now: float) -> Actions:
        """A response arrived for this transaction."""
        if status < 200:
            event = Event.PROVISIONAL
        else:
            event = Event.SUCCESS if status < 300 else Event.FAILURE
        return self._step(event, now)

    def timer_fired(self, *, now: float) -> Actions:
        """The deadline has come; called early it does nothing."""
        if now < self.deadline:
            return NOTHING
        state = self.state
        if state is State.COMPLETED:
            return self._step(Event.TIMER_LINGER, now)
        if now >= self._expire_at:
            return self._step(Event.TIMER_EXPIRE, now)
        t2 = self._timers.t2
        self._interval = t2 if state is State.PROCEEDING else min(2 * self._interval, t2)
        self.deadline = min(now + self._interval, self._expire_at)
        return self._step(Event.TIMER_RETRANSMIT, now)

    def transport_failed(self, *, now: float) -> Actions:
        """The transport could not deliver what we sent (s8.1.3.1)."""
        return self._step(Event.TRANSPORT_ERROR, now)

    def _step(self, event: Event, now: float) -> Actions:
        cell = TABLE.get((self.state, event))
        if cell is None:
            raise impossible("non-INVITE client", self.state, event)
        state, actions = cell
        if state is self.state:
            return actions
        self.state = state
        if state is State.TERMINATED:
            self.deadline = NEVER
        elif state is State.COMPLETED:
            if self._is_reliable:  # Timer K of zero
                self.state = State.TERMINATED
                self.deadline = NEVER
                return actions + ENDED
            self.deadline = now + self._timers.t4
        return actions
