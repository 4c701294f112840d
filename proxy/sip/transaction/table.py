"""The words of the transaction tables: states, events, actions, and one step through a table.

RFC 3261 s17 as corrected by RFC 6026. A table maps (state, event) to (next state, actions); a
cell in which nothing happens is written down as such, and a cell that is absent cannot happen:
it raises TransactionError. Actions are constants, so a step allocates nothing; the message an
action speaks of is always the one just given to the machine, or the last one it sent.
"""

from enum import IntEnum
from typing import Final

from proxy.sip.errors import TransactionError


class State(IntEnum):
    """States of RFC 3261 figures 5 to 8 and RFC 6026 figures 4 and 5."""

    CALLING = 1
    TRYING = 2
    PROCEEDING = 3
    COMPLETED = 4
    CONFIRMED = 5
    ACCEPTED = 6
    TERMINATED = 7


class Event(IntEnum):
    """What can happen to a transaction: a message, a timer, a broken transport."""

    REQUEST = 1  # the same request again
    ACK = 2
    PROVISIONAL = 3  # 1xx: received by a client, given by the transaction user to a server
    SUCCESS = 4  # 2xx
    FAILURE = 5  # 300-699
    TIMER_RETRANSMIT = 6  # A, E, G
    TIMER_EXPIRE = 7  # B, F, H
    TIMER_LINGER = 8  # D, I, J, K, L, M
    TIMER_TRYING = 9  # RFC 4320 s4.1
    TRANSPORT_ERROR = 10


class Action(IntEnum):
    """What the driver has to do, in this order; the whole output of the machines."""

    SEND = 1  # the response just given by the transaction user
    RESEND = 2  # the last request or response sent
    SEND_TRYING = 3  # a 100 of our own
    ACKNOWLEDGE = 4  # ACK for the response just received (s17.1.1.3), the same bytes each time
    PASS_UP = 5  # the message just received
    REPORT_TIMEOUT = 6
    REPORT_TRANSPORT_ERROR = 7
    TERMINATED = 8  # forget the transaction


Actions = tuple[Action, ...]
Table = dict[tuple[State, Event], tuple[State, Actions]]

NOTHING: Final[Actions] = ()
ENDED: Final[Actions] = (Action.TERMINATED,)
NEVER: Final = float("inf")


def impossible(machine: str, state: State, event: Event) -> TransactionError:
    """The error for an input that the machine cannot get in this state."""
    return TransactionError(f"{machine}: {event.name} in state {state.name}")
