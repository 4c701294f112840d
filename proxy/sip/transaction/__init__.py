"""The four transaction machines of RFC 3261 s17 with RFC 6026, as tables.

Pure: every input carries `now`, every output is a tuple of actions, and `deadline` says when the
machine wants to be asked again. Who sends, stores and arms timers is core/transaction_layer.py.
"""

from .invite_client import InviteClient
from .invite_server import InviteServer
from .matching import BRANCH_COOKIE, Key, cancelled_keys, client_key, rfc2543_ack_key, server_key
from .non_invite_client import NonInviteClient
from .non_invite_server import NonInviteServer
from .table import NEVER, Action, Actions, Event, State

__all__ = [
    "BRANCH_COOKIE",
    "NEVER",
    "Action",
    "Actions",
    "Event",
    "InviteClient",
    "InviteServer",
    "Key",
    "NonInviteClient",
    "NonInviteServer",
    "State",
    "cancelled_keys",
    "client_key",
    "rfc2543_ack_key",
    "server_key",
]
