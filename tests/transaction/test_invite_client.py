"""Every cell of RFC 3261 figure 5 with RFC 6026 figure 4, over both kinds of transport."""

import pytest

from proxy.sip.errors import TransactionError
from proxy.sip.timers import TimerSettings
from proxy.sip.transaction import NEVER, Action, Event, InviteClient, State
from proxy.sip.transaction.invite_client import TABLE

TIMERS = TimerSettings()
START = 100.0
REACHED = START + 0.25  # when the state under test was entered
UNRELIABLE, RELIABLE = False, True

PASS_UP = (Action.PASS_UP,)
ACK = (Action.ACKNOWLEDGE,)
ACK_PASS_UP = (Action.ACKNOWLEDGE, Action.PASS_UP)
RESEND = (Action.RESEND,)
ENDED = (Action.TERMINATED,)
TIMEOUT = (Action.REPORT_TIMEOUT, Action.TERMINATED)
BROKEN = (Action.REPORT_TRANSPORT_ERROR, Action.TERMINATED)

CALLING, PROCEEDING = State.CALLING, State.PROCEEDING
COMPLETED, ACCEPTED, TERMINATED = State.COMPLETED, State.ACCEPTED, State.TERMINATED


def machine_in(state: State, *, is_reliable: bool) -> InviteClient:
    machine = InviteClient(TIMERS, is_reliable=is_reliable, now=START)
    path = {CALLING: (), PROCEEDING: (180,), COMPLETED: (486,), ACCEPTED: (200,)}[state]
    for status in path:
        machine.receive(status, now=REACHED)
    assert machine.state is state
    return machine


# (state, status received, next state, actions, deadline after the input that came at 101.0)
RESPONSES = [
    (CALLING, 100, PROCEEDING, PASS_UP, NEVER),
    (CALLING, 183, PROCEEDING, PASS_UP, NEVER),
    (CALLING, 200, ACCEPTED, PASS_UP, 101.0 + 32),
    (CALLING, 299, ACCEPTED, PASS_UP, 101.0 + 32),
    (CALLING, 300, COMPLETED, ACK_PASS_UP, 101.0 + 32),
    (CALLING, 699, COMPLETED, ACK_PASS_UP, 101.0 + 32),
    (PROCEEDING, 100, PROCEEDING, PASS_UP, NEVER),
    (PROCEEDING, 199, PROCEEDING, PASS_UP, NEVER),
    (PROCEEDING, 200, ACCEPTED, PASS_UP, 101.0 + 32),
    (PROCEEDING, 404, COMPLETED, ACK_PASS_UP, 101.0 + 32),
    (COMPLETED, 180, COMPLETED, (), REACHED + 32),
    (COMPLETED, 200, COMPLETED, (), REACHED + 32),
    (COMPLETED, 486, COMPLETED, ACK, REACHED + 32),
    (ACCEPTED, 180, ACCEPTED, (), REACHED + 32),
    (ACCEPTED, 200, ACCEPTED, PASS_UP, REACHED + 32),
    (ACCEPTED, 500, ACCEPTED, (), REACHED + 32),
]


@pytest.mark.parametrize(("state", "status", "after", "actions", "deadline"), RESPONSES)
def test_response_unreliable(state, status, after, actions, deadline):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.receive(status, now=101.0) == actions
    assert (machine.state, machine.deadline) == (after, deadline)


RESPONSES_RELIABLE = [
    (CALLING, 180, PROCEEDING, PASS_UP, NEVER),
    (CALLING, 200, ACCEPTED, PASS_UP, 101.0 + 32),
    (CALLING, 500, TERMINATED, ACK_PASS_UP + ENDED, NEVER),  # Timer D is zero
    (PROCEEDING, 180, PROCEEDING, PASS_UP, NEVER),
    (PROCEEDING, 200, ACCEPTED, PASS_UP, 101.0 + 32),
    (PROCEEDING, 600, TERMINATED, ACK_PASS_UP + ENDED, NEVER),
    (ACCEPTED, 180, ACCEPTED, (), REACHED + 32),
    (ACCEPTED, 200, ACCEPTED, PASS_UP, REACHED + 32),
    (ACCEPTED, 404, ACCEPTED, (), REACHED + 32),
]


@pytest.mark.parametrize(("state", "status", "after", "actions", "deadline"), RESPONSES_RELIABLE)
def test_response_reliable(state, status, after, actions, deadline):
    machine = machine_in(state, is_reliable=RELIABLE)
    assert machine.receive(status, now=101.0) == actions
    assert (machine.state, machine.deadline) == (after, deadline)


TRANSPORT_ERRORS = [
    (CALLING, TERMINATED, BROKEN, NEVER),
    (PROCEEDING, TERMINATED, BROKEN, NEVER),
    (COMPLETED, TERMINATED, BROKEN, NEVER),
    (ACCEPTED, ACCEPTED, (), REACHED + 32),
]


@pytest.mark.parametrize(("state", "after", "actions", "deadline"), TRANSPORT_ERRORS)
def test_transport_error(state, after, actions, deadline):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.transport_failed(now=101.0) == actions
    assert (machine.state, machine.deadline) == (after, deadline)


def test_timer_a_doubles_until_timer_b():
    machine = InviteClient(TIMERS, is_reliable=UNRELIABLE, now=0.0)
    fired = []
    while machine.state is CALLING:
        now = machine.deadline
        fired.append((now, machine.timer_fired(now=now)))
    resent = [(at, RESEND) for at in (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)]
    assert fired == [*resent, (32.0, TIMEOUT)]
    assert (machine.state, machine.deadline) == (TERMINATED, NEVER)


def test_reliable_transport_has_timer_b_alone():
    machine = InviteClient(TIMERS, is_reliable=RELIABLE, now=0.0)
    assert machine.deadline == 32.0
    assert machine.timer_fired(now=32.0) == TIMEOUT
    assert machine.state is TERMINATED


def test_late_loop_gives_up_instead_of_resending():
    machine = InviteClient(TIMERS, is_reliable=UNRELIABLE, now=0.0)
    assert machine.timer_fired(now=40.0) == TIMEOUT


@pytest.mark.parametrize("state", [COMPLETED, ACCEPTED])
def test_linger_timers_d_and_m(state):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.timer_fired(now=REACHED + 31.9) == ()
    assert machine.state is state
    assert machine.timer_fired(now=REACHED + 32) == ENDED
    assert (machine.state, machine.deadline) == (TERMINATED, NEVER)


@pytest.mark.parametrize("state", [CALLING, PROCEEDING, COMPLETED, ACCEPTED])
def test_timer_fired_early_does_nothing(state):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    deadline = machine.deadline
    assert machine.timer_fired(now=REACHED + 0.1) == ()
    assert (machine.state, machine.deadline) == (state, deadline)


def test_terminated_takes_no_input():
    machine = InviteClient(TIMERS, is_reliable=UNRELIABLE, now=0.0)
    machine.transport_failed(now=1.0)
    with pytest.raises(TransactionError):
        machine.receive(200, now=2.0)
    with pytest.raises(TransactionError):
        machine.transport_failed(now=2.0)
    assert machine.timer_fired(now=99.0) == ()


def test_timer_settings_are_obeyed():
    machine = InviteClient(TimerSettings(t1=0.1, t2=0.4, t4=0.5), is_reliable=UNRELIABLE, now=0.0)
    assert machine.deadline == pytest.approx(0.1)
    machine.receive(200, now=1.0)
    assert machine.deadline == pytest.approx(7.4)


def test_table_has_every_cell_that_can_happen():
    responses = (Event.PROVISIONAL, Event.SUCCESS, Event.FAILURE)
    for state in (CALLING, PROCEEDING, COMPLETED, ACCEPTED):
        for event in (*responses, Event.TRANSPORT_ERROR):
            assert (state, event) in TABLE
    assert not [cell for cell in TABLE if cell[0] is TERMINATED]
