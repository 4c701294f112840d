"""Every cell of RFC 3261 figure 6, over both kinds of transport."""

import pytest

from proxy.sip.errors import TransactionError
from proxy.sip.timers import TimerSettings
from proxy.sip.transaction import NEVER, Action, Event, NonInviteClient, State
from proxy.sip.transaction.non_invite_client import TABLE

TIMERS = TimerSettings()
START = 100.0
REACHED = 100.25  # when the state under test was entered
UNRELIABLE, RELIABLE = False, True

PASS_UP = (Action.PASS_UP,)
RESEND = (Action.RESEND,)
ENDED = (Action.TERMINATED,)
TIMEOUT = (Action.REPORT_TIMEOUT, Action.TERMINATED)
BROKEN = (Action.REPORT_TRANSPORT_ERROR, Action.TERMINATED)

TRYING, PROCEEDING = State.TRYING, State.PROCEEDING
COMPLETED, TERMINATED = State.COMPLETED, State.TERMINATED


def machine_in(state: State, *, is_reliable: bool) -> NonInviteClient:
    machine = NonInviteClient(TIMERS, is_reliable=is_reliable, now=START)
    for status in {TRYING: (), PROCEEDING: (100,), COMPLETED: (200,)}[state]:
        machine.receive(status, now=REACHED)
    assert machine.state is state
    return machine


# (state, status received, next state, actions, deadline after the input that came at 100.4)
RESPONSES = [
    (TRYING, 100, PROCEEDING, PASS_UP, START + 0.5),
    (TRYING, 200, COMPLETED, PASS_UP, 100.4 + 5),
    (TRYING, 300, COMPLETED, PASS_UP, 100.4 + 5),
    (TRYING, 699, COMPLETED, PASS_UP, 100.4 + 5),
    (PROCEEDING, 100, PROCEEDING, PASS_UP, START + 0.5),
    (PROCEEDING, 200, COMPLETED, PASS_UP, 100.4 + 5),
    (PROCEEDING, 404, COMPLETED, PASS_UP, 100.4 + 5),
    (COMPLETED, 100, COMPLETED, (), REACHED + 5),
    (COMPLETED, 200, COMPLETED, (), REACHED + 5),
    (COMPLETED, 500, COMPLETED, (), REACHED + 5),
]


@pytest.mark.parametrize(("state", "status", "after", "actions", "deadline"), RESPONSES)
def test_response_unreliable(state, status, after, actions, deadline):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.receive(status, now=100.4) == actions
    assert (machine.state, machine.deadline) == (after, deadline)


RESPONSES_RELIABLE = [
    (TRYING, 100, PROCEEDING, PASS_UP, START + 32),
    (TRYING, 200, TERMINATED, PASS_UP + ENDED, NEVER),  # Timer K is zero
    (TRYING, 404, TERMINATED, PASS_UP + ENDED, NEVER),
    (PROCEEDING, 100, PROCEEDING, PASS_UP, START + 32),
    (PROCEEDING, 200, TERMINATED, PASS_UP + ENDED, NEVER),
    (PROCEEDING, 503, TERMINATED, PASS_UP + ENDED, NEVER),
]


@pytest.mark.parametrize(("state", "status", "after", "actions", "deadline"), RESPONSES_RELIABLE)
def test_response_reliable(state, status, after, actions, deadline):
    machine = machine_in(state, is_reliable=RELIABLE)
    assert machine.receive(status, now=100.4) == actions
    assert (machine.state, machine.deadline) == (after, deadline)


TRANSPORT_ERRORS = [
    (TRYING, TERMINATED, BROKEN, NEVER),
    (PROCEEDING, TERMINATED, BROKEN, NEVER),
    (COMPLETED, COMPLETED, (), REACHED + 5),
]


@pytest.mark.parametrize(("state", "after", "actions", "deadline"), TRANSPORT_ERRORS)
def test_transport_error(state, after, actions, deadline):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.transport_failed(now=100.4) == actions
    assert (machine.state, machine.deadline) == (after, deadline)


def fire_until_terminated(machine: NonInviteClient) -> list[tuple[float, tuple[Action, ...]]]:
    fired = []
    while machine.state is not TERMINATED:
        now = machine.deadline
        fired.append((now, machine.timer_fired(now=now)))
    return fired


def test_timer_e_doubles_to_t2_until_timer_f():
    machine = NonInviteClient(TIMERS, is_reliable=UNRELIABLE, now=0.0)
    times = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert fire_until_terminated(machine) == [*((at, RESEND) for at in times), (32.0, TIMEOUT)]
    assert machine.deadline == NEVER


def test_timer_e_is_t2_after_a_provisional():
    machine = NonInviteClient(TIMERS, is_reliable=UNRELIABLE, now=0.0)
    machine.receive(100, now=0.2)
    times = [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]
    assert fire_until_terminated(machine) == [*((at, RESEND) for at in times), (32.0, TIMEOUT)]


@pytest.mark.parametrize("state", [TRYING, PROCEEDING])
def test_reliable_transport_has_timer_f_alone(state):
    machine = machine_in(state, is_reliable=RELIABLE)
    assert machine.deadline == START + 32
    assert machine.timer_fired(now=START + 32) == TIMEOUT


def test_timer_k():
    machine = machine_in(COMPLETED, is_reliable=UNRELIABLE)
    assert machine.timer_fired(now=REACHED + 4.9) == ()
    assert machine.timer_fired(now=REACHED + 5) == ENDED
    assert (machine.state, machine.deadline) == (TERMINATED, NEVER)


@pytest.mark.parametrize("state", [TRYING, PROCEEDING, COMPLETED])
def test_timer_fired_early_does_nothing(state):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    deadline = machine.deadline
    assert machine.timer_fired(now=REACHED + 0.1) == ()
    assert (machine.state, machine.deadline) == (state, deadline)


def test_terminated_takes_no_input():
    machine = machine_in(TRYING, is_reliable=RELIABLE)
    machine.receive(200, now=101.0)
    with pytest.raises(TransactionError):
        machine.receive(200, now=102.0)


def test_table_has_every_cell_that_can_happen():
    responses = (Event.PROVISIONAL, Event.SUCCESS, Event.FAILURE)
    for state in (TRYING, PROCEEDING, COMPLETED):
        for event in (*responses, Event.TRANSPORT_ERROR):
            assert (state, event) in TABLE
    assert not [cell for cell in TABLE if cell[0] is TERMINATED]
