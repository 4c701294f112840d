"""Every cell of RFC 3261 figure 7 with RFC 6026 figure 5, over both kinds of transport."""

import pytest

from proxy.sip.errors import TransactionError
from proxy.sip.timers import TimerSettings
from proxy.sip.transaction import NEVER, Action, Event, InviteServer, State
from proxy.sip.transaction.invite_server import TABLE

TIMERS = TimerSettings()
REACHED = 100.25  # when the state under test was entered
UNRELIABLE, RELIABLE = False, True

SEND = (Action.SEND,)
RESEND = (Action.RESEND,)
PASS_UP = (Action.PASS_UP,)
ENDED = (Action.TERMINATED,)
TIMEOUT = (Action.REPORT_TIMEOUT, Action.TERMINATED)
BROKEN = (Action.REPORT_TRANSPORT_ERROR,)

PROCEEDING, COMPLETED, CONFIRMED = State.PROCEEDING, State.COMPLETED, State.CONFIRMED
ACCEPTED, TERMINATED = State.ACCEPTED, State.TERMINATED


def machine_in(state: State, *, is_reliable: bool) -> InviteServer:
    machine = InviteServer(TIMERS, is_reliable=is_reliable)
    if state is ACCEPTED:
        machine.send(200, now=REACHED)
    if state in (COMPLETED, CONFIRMED):
        machine.send(486, now=REACHED)
    if state is CONFIRMED:
        machine.receive(is_ack=True, now=REACHED)
    assert machine.state is state
    return machine


# (state, next state, actions, deadline after the input that came at 100.5)
INVITE_AGAIN = [
    (PROCEEDING, PROCEEDING, RESEND, NEVER),
    (COMPLETED, COMPLETED, RESEND, REACHED + 0.5),
    (CONFIRMED, CONFIRMED, (), REACHED + 5),
    (ACCEPTED, ACCEPTED, (), REACHED + 32),
]


@pytest.mark.parametrize(("state", "after", "actions", "deadline"), INVITE_AGAIN)
def test_invite_again(state, after, actions, deadline):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.receive(is_ack=False, now=100.5) == actions
    assert (machine.state, machine.deadline) == (after, deadline)


ACK = [
    (PROCEEDING, PROCEEDING, (), NEVER),
    (COMPLETED, CONFIRMED, (), 100.5 + 5),
    (CONFIRMED, CONFIRMED, (), REACHED + 5),
    (ACCEPTED, ACCEPTED, PASS_UP, REACHED + 32),
]


@pytest.mark.parametrize(("state", "after", "actions", "deadline"), ACK)
def test_ack(state, after, actions, deadline):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.receive(is_ack=True, now=100.5) == actions
    assert (machine.state, machine.deadline) == (after, deadline)


def test_ack_over_reliable_transport_ends_at_once():
    machine = machine_in(COMPLETED, is_reliable=RELIABLE)
    assert machine.receive(is_ack=True, now=100.5) == ENDED  # Timer I is zero
    assert (machine.state, machine.deadline) == (TERMINATED, NEVER)


ANSWERS = [
    (PROCEEDING, 100, PROCEEDING, SEND, NEVER),
    (PROCEEDING, 183, PROCEEDING, SEND, NEVER),
    (PROCEEDING, 200, ACCEPTED, SEND, 100.5 + 32),
    (PROCEEDING, 300, COMPLETED, SEND, 100.5 + 0.5),
    (PROCEEDING, 699, COMPLETED, SEND, 100.5 + 0.5),
    (ACCEPTED, 200, ACCEPTED, SEND, REACHED + 32),
    (ACCEPTED, 202, ACCEPTED, SEND, REACHED + 32),
]


@pytest.mark.parametrize(("state", "status", "after", "actions", "deadline"), ANSWERS)
def test_answer(state, status, after, actions, deadline):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.send(status, now=100.5) == actions
    assert (machine.state, machine.deadline) == (after, deadline)


IMPOSSIBLE_ANSWERS = [
    (state, status)
    for state in (COMPLETED, CONFIRMED, ACCEPTED)
    for status in (180, 200, 486)
    if (state, status) != (ACCEPTED, 200)
]


@pytest.mark.parametrize(("state", "status"), IMPOSSIBLE_ANSWERS)
def test_answer_after_the_final_one_is_refused(state, status):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    deadline = machine.deadline
    with pytest.raises(TransactionError):
        machine.send(status, now=100.5)
    assert (machine.state, machine.deadline) == (state, deadline)


TRANSPORT_ERRORS = [
    (PROCEEDING, BROKEN, NEVER),
    (COMPLETED, BROKEN, REACHED + 0.5),
    (CONFIRMED, (), REACHED + 5),
    (ACCEPTED, BROKEN, REACHED + 32),
]


@pytest.mark.parametrize(("state", "actions", "deadline"), TRANSPORT_ERRORS)
def test_transport_error_keeps_the_transaction(state, actions, deadline):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.transport_failed(now=100.5) == actions
    assert (machine.state, machine.deadline) == (state, deadline)


def test_timer_g_doubles_to_t2_until_timer_h():
    machine = InviteServer(TIMERS, is_reliable=UNRELIABLE)
    machine.send(404, now=0.0)
    fired = []
    while machine.state is COMPLETED:
        now = machine.deadline
        fired.append((now, machine.timer_fired(now=now)))
    times = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert fired == [*((at, RESEND) for at in times), (32.0, TIMEOUT)]
    assert (machine.state, machine.deadline) == (TERMINATED, NEVER)


def test_reliable_transport_has_timer_h_alone():
    machine = InviteServer(TIMERS, is_reliable=RELIABLE)
    machine.send(404, now=0.0)
    assert machine.deadline == 32.0
    assert machine.timer_fired(now=32.0) == TIMEOUT


@pytest.mark.parametrize(("state", "after"), [(CONFIRMED, 5), (ACCEPTED, 32)])
def test_linger_timers_i_and_l(state, after):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    assert machine.timer_fired(now=REACHED + after - 0.1) == ()
    assert machine.state is state
    assert machine.timer_fired(now=REACHED + after) == ENDED
    assert (machine.state, machine.deadline) == (TERMINATED, NEVER)


def test_timer_l_runs_over_reliable_transport_too():
    machine = machine_in(ACCEPTED, is_reliable=RELIABLE)
    assert machine.deadline == REACHED + 32


@pytest.mark.parametrize("state", [PROCEEDING, COMPLETED, CONFIRMED, ACCEPTED])
def test_timer_fired_early_does_nothing(state):
    machine = machine_in(state, is_reliable=UNRELIABLE)
    deadline = machine.deadline
    assert machine.timer_fired(now=REACHED + 0.1) == ()
    assert (machine.state, machine.deadline) == (state, deadline)


def test_table_has_every_cell_that_can_happen():
    for state in (PROCEEDING, COMPLETED, CONFIRMED, ACCEPTED):
        for event in (Event.REQUEST, Event.ACK, Event.TRANSPORT_ERROR):
            assert (state, event) in TABLE
    assert not [cell for cell in TABLE if cell[0] is TERMINATED]
