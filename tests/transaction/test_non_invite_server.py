"""Every cell of RFC 3261 figure 8 with RFC 4320, over both kinds of transport."""

import pytest

from proxy.sip.errors import TransactionError
from proxy.sip.timers import TimerSettings
from proxy.sip.transaction import NEVER, Action, Event, NonInviteServer, State
from proxy.sip.transaction.non_invite_server import TABLE

TIMERS = TimerSettings()
START = 100.0
REACHED = 100.25  # when the state under test was entered
UNRELIABLE, RELIABLE = False, True

SEND = (Action.SEND,)
RESEND = (Action.RESEND,)
ENDED = (Action.TERMINATED,)
BROKEN = (Action.REPORT_TRANSPORT_ERROR, Action.TERMINATED)

TRYING, PROCEEDING = State.TRYING, State.PROCEEDING
COMPLETED, TERMINATED = State.COMPLETED, State.TERMINATED
WAITS_UNTIL = {TRYING: START + 3.5, PROCEEDING: NEVER, COMPLETED: REACHED + 32}


def machine_in(state: State, *, is_reliable: bool) -> NonInviteServer:
    machine = NonInviteServer(TIMERS, is_reliable=is_reliable, now=START)
    for status in {TRYING: (), PROCEEDING: (100,), COMPLETED: (200,)}[state]:
        machine.send(status, now=REACHED)
    assert machine.state is state
    return machine


@pytest.mark.parametrize(
    ("state", "actions"), [(TRYING, ()), (PROCEEDING, RESEND), (COMPLETED, RESEND)]
)
def test_request_again(state, actions):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.receive(now=100.5) == actions
    assert (machine.state, machine.deadline) == (state, WAITS_UNTIL[state])


# (state, status sent, next state, actions, deadline after the input that came at 100.5)
ANSWERS = [
    (TRYING, 100, PROCEEDING, SEND, NEVER),
    (TRYING, 200, COMPLETED, SEND, 100.5 + 32),
    (TRYING, 300, COMPLETED, SEND, 100.5 + 32),
    (TRYING, 699, COMPLETED, SEND, 100.5 + 32),
    (PROCEEDING, 100, PROCEEDING, SEND, NEVER),
    (PROCEEDING, 200, COMPLETED, SEND, 100.5 + 32),
    (PROCEEDING, 404, COMPLETED, SEND, 100.5 + 32),
    (COMPLETED, 100, COMPLETED, (), REACHED + 32),
    (COMPLETED, 200, COMPLETED, (), REACHED + 32),
    (COMPLETED, 500, COMPLETED, (), REACHED + 32),
]


@pytest.mark.parametrize(("state", "status", "after", "actions", "deadline"), ANSWERS)
def test_answer_unreliable(state, status, after, actions, deadline):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.send(status, now=100.5) == actions
    assert (machine.state, machine.deadline) == (after, deadline)


ANSWERS_RELIABLE = [
    (TRYING, 100, PROCEEDING, SEND, NEVER),
    (TRYING, 200, TERMINATED, SEND + ENDED, NEVER),  # Timer J is zero
    (TRYING, 401, TERMINATED, SEND + ENDED, NEVER),
    (PROCEEDING, 100, PROCEEDING, SEND, NEVER),
    (PROCEEDING, 200, TERMINATED, SEND + ENDED, NEVER),
    (PROCEEDING, 500, TERMINATED, SEND + ENDED, NEVER),
]


@pytest.mark.parametrize(("state", "status", "after", "actions", "deadline"), ANSWERS_RELIABLE)
def test_answer_reliable(state, status, after, actions, deadline):
    machine = machine_in(state, is_reliable=RELIABLE)
    assert machine.send(status, now=100.5) == actions
    assert (machine.state, machine.deadline) == (after, deadline)


@pytest.mark.parametrize("state", [TRYING, PROCEEDING, COMPLETED])
def test_transport_error_ends_it(state):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.transport_failed(now=100.5) == BROKEN
    assert (machine.state, machine.deadline) == (TERMINATED, NEVER)


@pytest.mark.parametrize("is_reliable", [UNRELIABLE, RELIABLE])
def test_trying_is_sent_when_timer_e_reaches_t2(is_reliable):
    machine = machine_in(TRYING, is_reliable=is_reliable)
    assert machine.timer_fired(now=START + 3.4) == ()
    assert machine.timer_fired(now=START + 3.5) == (Action.SEND_TRYING,)
    assert (machine.state, machine.deadline) == (PROCEEDING, NEVER)
    assert machine.timer_fired(now=START + 99) == ()


def test_timer_j():
    machine = machine_in(COMPLETED, is_reliable=UNRELIABLE)
    assert machine.timer_fired(now=REACHED + 31.9) == ()
    assert machine.timer_fired(now=REACHED + 32) == ENDED
    assert (machine.state, machine.deadline) == (TERMINATED, NEVER)


def test_terminated_takes_no_input():
    machine = machine_in(TRYING, is_reliable=RELIABLE)
    machine.send(200, now=101.0)
    with pytest.raises(TransactionError):
        machine.receive(now=102.0)
    with pytest.raises(TransactionError):
        machine.send(200, now=102.0)


def test_table_has_every_cell_that_can_happen():
    answers = (Event.PROVISIONAL, Event.SUCCESS, Event.FAILURE)
    for state in (TRYING, PROCEEDING, COMPLETED):
        for event in (Event.REQUEST, *answers, Event.TRANSPORT_ERROR):
            assert (state, event) in TABLE
    assert not [cell for cell in TABLE if cell[0] is TERMINATED]
