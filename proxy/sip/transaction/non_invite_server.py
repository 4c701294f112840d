"""Non-INVITE server transaction (RFC 3261 s17.2.2 figure 8, RFC 4320 s4.1).

    state       request   1xx          200-699     RFC 4320      J           transport error
    TRYING      nothing   PROCEEDING   COMPLETED   PROCEEDING                TERMINATED
                          send         send        send a 100                error
    PROCEEDING  resend    send         COMPLETED                             TERMINATED
                                       send                                  error
    COMPLETED   resend    nothing      nothing                   TERMINATED  TERMINATED, error

Timers: J = 64*T1, or 0 for a reliable transport. RFC 4320 wants a 100 when nothing was answered
in the time that takes a client's Timer E up to T2: T1 + 2*T1 + ... = T2 - T1.
"""

from typing import Final

from proxy.sip.timers import TimerSettings

from .table import ENDED, NEVER, NOTHING, Action, Actions, Event, State, Table, impossible

_SEND: Final = (Action.SEND,)
_RESEND: Final = (Action.RESEND,)
_BROKEN: Final = (Action.REPORT_TRANSPORT_ERROR, Action.TERMINATED)

TABLE: Final[Table] = {
    (State.TRYING, Event.REQUEST): (State.TRYING, NOTHING),
    (State.TRYING, Event.PROVISIONAL): (State.PROCEEDING, _SEND),
    (State.TRYING, Event.SUCCESS): (State.COMPLETED, _SEND),
    (State.TRYING, Event.FAILURE): (State.COMPLETED, _SEND),
    (State.TRYING, Event.TIMER_TRYING): (State.PROCEEDING, (Action.SEND_TRYING,)),
    (State.TRYING, Event.TRANSPORT_ERROR): (State.TERMINATED, _BROKEN),
    (State.PROCEEDING, Event.REQUEST): (State.PROCEEDING, _RESEND),
    (State.PROCEEDING, Event.PROVISIONAL): (State.PROCEEDING, _SEND),
    (State.PROCEEDING, Event.SUCCESS): (State.COMPLETED, _SEND),
    (State.PROCEEDING, Event.FAILURE): (State.COMPLETED, _SEND),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): (State.TERMINATED, _BROKEN),
    (State.COMPLETED, Event.REQUEST): (State.COMPLETED, _RESEND),
    (State.COMPLETED, Event.PROVISIONAL): (State.COMPLETED, NOTHING),
    (State.COMPLETED, Event.SUCCESS): (State.COMPLETED, NOTHING),
    (State.COMPLETED, Event.FAILURE): (State.COMPLETED, NOTHING),
    (State.COMPLETED, Event.TIMER_LINGER): (State.TERMINATED, ENDED),
    (State.COMPLETED, Event.TRANSPORT_ERROR): (State.TERMINATED, _BROKEN),
}


class NonInviteServer:
    """The machine; made when a request arrives that matches no transaction."""

    __slots__ = ("_is_reliable", "_timers", "deadline", "state")

    def __init__(self, timers: TimerSettings, *, is_reliable: bool, now: float) -> None:
        self.state = State.TRYING
        self.deadline = now + timers.t2 - timers.t1
        self._timers = timers
        self._is_reliable = is_reliable

    def receive(self, *, now: float) -> Actions:
        """The request came again."""
        return self._step(Event.REQUEST, now)

    def send(self, status: int, *, now: float) -> Actions:
        """The transaction user answers; SEND is among the actions if it may."""
        if status < 200:
            event = Event.PROVISIONAL
        else:
            event = Event.SUCCESS if status < 300 else Event.FAILURE
        return self._step(event, now)

    def timer_fired(self, *, now: float) -> Actions:
        """The deadline has come; called early it does nothing."""
        if now < self.deadline:
            return NOTHING
        if self.state is State.TRYING:
            return self._step(Event.TIMER_TRYING, now)
        return self._step(Event.TIMER_LINGER, now)

    def transport_failed(self, *, now: float) -> Actions:
        """A response could not be delivered (s17.2.4)."""
        return self._step(Event.TRANSPORT_ERROR, now)

    def _step(self, event: Event, now: float) -> Actions:
        cell = TABLE.get((self.state, event))
        if cell is None:
            raise impossible("non-INVITE server", self.state, event)
        state, actions = cell
        if state is self.state:
            return actions
        self.state = state
        if state is not State.COMPLETED:
            self.deadline = NEVER
        elif self._is_reliable:  # Timer J of zero
            self.state = State.TERMINATED
            self.deadline = NEVER
            return actions + ENDED
        else:
            self.deadline = now + 64 * self._timers.t1
        return actions
