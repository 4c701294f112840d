"""INVITE server transaction (RFC 3261 s17.2.1 figure 7, RFC 6026 s8.3 figure 5).

    state       INVITE   ACK        1xx   2xx       300-699    G       H           I, L        error
    PROCEEDING  resend   nothing    send  ACCEPTED  COMPLETED                                  error
                                          send      send
    COMPLETED   resend   CONFIRMED                             resend  TERMINATED              error
                         nothing                                       timeout
    CONFIRMED   nothing  nothing                                                   TERMINATED  -
    ACCEPTED    nothing  pass up          send                                     TERMINATED  error

Timers: G starts at T1 and doubles up to T2 (unreliable transports only), H = 64*T1, I = T4 or 0
for a reliable transport, L = 64*T1. The 100 is the driver's: it knows whether the transaction
user has answered at once.
"""

from typing import Final

from proxy.sip.timers import TimerSettings

from .table import ENDED, NEVER, NOTHING, Action, Actions, Event, State, Table, impossible

_SEND: Final = (Action.SEND,)
_RESEND: Final = (Action.RESEND,)
_TIMEOUT: Final = (Action.REPORT_TIMEOUT, Action.TERMINATED)
_BROKEN: Final = (Action.REPORT_TRANSPORT_ERROR,)

TABLE: Final[Table] = {
    (State.PROCEEDING, Event.REQUEST): (State.PROCEEDING, _RESEND),
    (State.PROCEEDING, Event.ACK): (State.PROCEEDING, NOTHING),
    (State.PROCEEDING, Event.PROVISIONAL): (State.PROCEEDING, _SEND),
    (State.PROCEEDING, Event.SUCCESS): (State.ACCEPTED, _SEND),
    (State.PROCEEDING, Event.FAILURE): (State.COMPLETED, _SEND),
    (State.PROCEEDING, Event.TRANSPORT_ERROR): (State.PROCEEDING, _BROKEN),
    (State.COMPLETED, Event.REQUEST): (State.COMPLETED, _RESEND),
    (State.COMPLETED, Event.ACK): (State.CONFIRMED, NOTHING),
    (State.COMPLETED, Event.TIMER_RETRANSMIT): (State.COMPLETED, _RESEND),
    (State.COMPLETED, Event.TIMER_EXPIRE): (State.TERMINATED, _TIMEOUT),
    (State.COMPLETED, Event.TRANSPORT_ERROR): (State.COMPLETED, _BROKEN),
    (State.CONFIRMED, Event.REQUEST): (State.CONFIRMED, NOTHING),
    (State.CONFIRMED, Event.ACK): (State.CONFIRMED, NOTHING),
    (State.CONFIRMED, Event.TIMER_LINGER): (State.TERMINATED, ENDED),
    (State.CONFIRMED, Event.TRANSPORT_ERROR): (State.CONFIRMED, NOTHING),
    (State.ACCEPTED, Event.REQUEST): (State.ACCEPTED, NOTHING),
    (State.ACCEPTED, Event.ACK): (State.ACCEPTED, (Action.PASS_UP,)),
    (State.ACCEPTED, Event.SUCCESS): (State.ACCEPTED, _SEND),
    (State.ACCEPTED, Event.TIMER_LINGER): (State.TERMINATED, ENDED),
    (State.ACCEPTED, Event.TRANSPORT_ERROR): (State.ACCEPTED, _BROKEN),
}


class InviteServer:
    """The machine; made when an INVITE arrives that matches no transaction."""

    __slots__ = ("_expire_at", "_interval", "_is_reliable", "_timers", "deadline", "state")

    def __init__(self, timers: TimerSettings, *, is_reliable: bool) -> None:
        self.state = State.PROCEEDING
        self.deadline = NEVER
        self._timers = timers
        self._is_reliable = is_reliable
        self._interval = timers.t1
        self._expire_at = NEVER

    def receive(self, *, is_ack: bool, now: float) -> Actions:
        """The INVITE came again, or an ACK for it."""
        return self._step(Event.ACK if is_ack else Event.REQUEST, now)

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
        if self.state is not State.COMPLETED:
            return self._step(Event.TIMER_LINGER, now)
        if now >= self._expire_at:
            return self._step(Event.TIMER_EXPIRE, now)
        self._interval = min(2 * self._interval, self._timers.t2)
        self.deadline = min(now + self._interval, self._expire_at)
        return self._step(Event.TIMER_RETRANSMIT, now)

    def transport_failed(self, *, now: float) -> Actions:
        """A response could not be delivered; the transaction stays (RFC 6026 s7.1)."""
        return self._step(Event.TRANSPORT_ERROR, now)

    def _step(self, event: Event, now: float) -> Actions:
        cell = TABLE.get((self.state, event))
        if cell is None:
            raise impossible("INVITE server", self.state, event)
        state, actions = cell
        if state is self.state:
            return actions
        self.state = state
        timers = self._timers
        if state is State.ACCEPTED:
            self.deadline = now + 64 * timers.t1
        elif state is State.COMPLETED:
            self._expire_at = now + 64 * timers.t1
            self.deadline = self._expire_at if self._is_reliable else now + timers.t1
        elif state is State.TERMINATED:
            self.deadline = NEVER
        elif self._is_reliable:  # CONFIRMED with Timer I of zero
            self.state = State.TERMINATED
            self.deadline = NEVER
            return actions + ENDED
        else:
            self.deadline = now + timers.t4
        return actions
