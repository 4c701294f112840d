"""INVITE client transaction (RFC 3261 s17.1.1 figure 5, RFC 6026 s8.4 figure 4).

    state       1xx         2xx       300-699       A       B           D, M        transport error
    CALLING     PROCEEDING  ACCEPTED  COMPLETED     resend  TERMINATED              TERMINATED
                pass up     pass up   ack, pass up          timeout                 error
    PROCEEDING  -           ACCEPTED  COMPLETED                                     TERMINATED
                pass up     pass up   ack, pass up                                  error
    COMPLETED   nothing     nothing   ack                               TERMINATED  TERMINATED
                                                                                    error
    ACCEPTED    nothing     pass up   nothing                           TERMINATED  nothing

Timers: A starts at T1 and doubles (unreliable transports only), B = 64*T1, D = 32 s or 0 for a
reliable transport, M = 64*T1. A proxy's Timer C belongs to the response context.
"""

from typing import Final

from proxy.sip.timers import TimerSettings

from .table import ENDED, NEVER, NOTHING, Action, Actions, Event, State, Table, impossible

_TIMER_D: Final = 32.0

_PASS_UP: Final = (Action.PASS_UP,)
_ACK: Final = (Action.ACKNOWLEDGE,)
_ACK_PASS_UP: Final = (Action.ACKNOWLEDGE, Action.PASS_UP)
_TIMEOUT: Final = (Action.REPORT_TIMEOUT, Action.TERMINATED)
_BROKEN: Final = (Action.REPORT_TRANSPORT_ERROR, Action.TERMINATED)

TABLE: Final[Table] = {
    (State.CALLING, Event.PROVISIONAL): (State.PROCEEDING, _PASS_UP),
    (State.CALLING, Event.SUCCESS): (State.ACCEPTED, _PASS_UP),
    (State.CALLING, Event.FAILURE): (State.COMPLETED, _ACK_PASS_UP),
    (State.CALLING, Event.TIMER_RETRANSMIT): (State.CALLING, (Action.RESEND,)),
    (State.CALLING, Event.TIMER_EXPIRE): (State.TERMINATED, _TIMEOUT),
    (State.CALLING, Event.TRANSPORT_ERROR): (State.TERMINATED, _BROKEN),
    (State.PROCEEDING, Event.PROVISIONAL): (State.PROCEEDING, _PASS_UP),
    (State.PROCEEDING, Event.SUCCESS): (State.ACCEPTED, _PASS_UP),
    (State.PROCEEDING, Event.FAILURE): (State.COMPLETED, _ACK_PASS_UP),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): (State.TERMINATED, _BROKEN),
    (State.COMPLETED, Event.PROVISIONAL): (State.COMPLETED, NOTHING),
    (State.COMPLETED, Event.SUCCESS): (State.COMPLETED, NOTHING),
    (State.COMPLETED, Event.FAILURE): (State.COMPLETED, _ACK),
    (State.COMPLETED, Event.TIMER_LINGER): (State.TERMINATED, ENDED),
    (State.COMPLETED, Event.TRANSPORT_ERROR): (State.TERMINATED, _BROKEN),
    (State.ACCEPTED, Event.PROVISIONAL): (State.ACCEPTED, NOTHING),
    (State.ACCEPTED, Event.SUCCESS): (State.ACCEPTED, _PASS_UP),
    (State.ACCEPTED, Event.FAILURE): (State.ACCEPTED, NOTHING),
    (State.ACCEPTED, Event.TIMER_LINGER): (State.TERMINATED, ENDED),
    (State.ACCEPTED, Event.TRANSPORT_ERROR): (State.ACCEPTED, NOTHING),
}


class InviteClient:
    """The machine; the driver sends the INVITE when it makes one, and asks `deadline` after each
    input."""

    __slots__ = ("_expire_at", "_interval", "_is_reliable", "_timers", "deadline", "state")

    def __init__(self, timers: TimerSettings, *, is_reliable: bool, now: float) -> None:
        self.state = State.CALLING
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
        if self.state is not State.CALLING:
            return self._step(Event.TIMER_LINGER, now)
        if now >= self._expire_at:
            return self._step(Event.TIMER_EXPIRE, now)
        self._interval *= 2
        self.deadline = min(now + self._interval, self._expire_at)
        return self._step(Event.TIMER_RETRANSMIT, now)

    def transport_failed(self, *, now: float) -> Actions:
        """The transport could not deliver what we sent (s8.1.3.1)."""
        return self._step(Event.TRANSPORT_ERROR, now)

    def _step(self, event: Event, now: float) -> Actions:
        cell = TABLE.get((self.state, event))
        if cell is None:
            raise impossible("INVITE client", self.state, event)
        state, actions = cell
        if state is self.state:
            return actions
        self.state = state
        if state is State.PROCEEDING or state is State.TERMINATED:
            self.deadline = NEVER
        elif state is State.ACCEPTED:
            self.deadline = now + 64 * self._timers.t1
        elif self._is_reliable:  # COMPLETED with Timer D of zero
            self.state = State.TERMINATED
            self.deadline = NEVER
            return actions + ENDED
        else:
            self.deadline = now + _TIMER_D
        return actions
