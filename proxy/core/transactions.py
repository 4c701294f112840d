"""A transaction as the drivers hold it: the machine, the flow, and what must be sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from proxy.sip.transaction import (
    NEVER,
    InviteClient,
    InviteServer,
    Key,
    NonInviteClient,
    NonInviteServer,
)

if TYPE_CHECKING:
    from proxy.sip.message import Request, Response
    from proxy.transport.flow import Flow

    from .request_context import Branch, RequestContext

_64_BITS: Final = 0xFFFF_FFFF_FFFF_FFFF
_IN_TRYING: Final = frozenset((b"via", b"from", b"to", b"call-id", b"cseq", b"timestamp"))


def trying(request: Request) -> bytes:
    """The bytes of a 100, made as Request.response makes it (s8.2.6)."""
    lines = [raw for name, raw in request.headers.lines if name in _IN_TRYING]
    return b"SIP/2.0 100 Trying\r\n%b\r\nContent-Length: 0\r\n\r\n" % b"\r\n".join(lines)


class ServerTransaction:
    """One request that arrived. `call` is let go as soon as nothing can be sent up any more."""

    __slots__ = (
        "ack_key",
        "call",
        "flow",
        "is_invite",
        "key",
        "last_sent",
        "machine",
        "queued_at",
        "to_tag",
    )

    def __init__(
        self,
        key: Key,
        machine: InviteServer | NonInviteServer,
        call: RequestContext,
        *,
        is_invite: bool,
    ) -> None:
        self.key = key
        self.ack_key: Key | None = None  # the second key that RFC 2543 elements need
        self.machine = machine
        self.flow: Flow | None = None  # on which responses go, once the first has gone
        self.is_invite = is_invite
        self.call: RequestContext | None = call
        self.last_sent = b""
        self.to_tag: bytes | None = None  # see own_tag
        self.queued_at = NEVER

    @property
    def deadline(self) -> float:
        """When `machine.timer_fired` wants to be called."""
        return self.machine.deadline

    def own_tag(self) -> bytes:
        """The To tag of the responses that we make ourselves, the same in all (s8.2.6.2)."""
        if self.to_tag is None:
            self.to_tag = b"%x" % (hash(self.key) & _64_BITS)
        return self.to_tag


class ClientTransaction:
    """One request that was sent. `call` and `branch` are None for a CANCEL, and after the end."""

    __slots__ = (
        "ack",
        "branch",
        "call",
        "data",
        "flow",
        "is_cancelled",
        "is_invite",
        "machine",
        "on_final",
        "queued_at",
        "request",
        "timer_c_at",
        "via_branch",
    )

    def __init__(
        self,
        via_branch: bytes,
        machine: InviteClient | NonInviteClient,
        request: Request,
        data: bytes,
        flow: Flow,
        *,
        is_invite: bool,
    ) -> None:
        self.via_branch = via_branch
        self.machine = machine
        self.request: Request | None = request  # as sent: ACK and CANCEL are made from it
        self.data = data
        self.flow = flow
        self.is_invite = is_invite
        self.is_cancelled = False
        self.call: RequestContext | None = None
        self.branch: Branch | None = None
        self.on_final: Callable[[int, Response | None], None] | None = (
            None  # of a request of the node's own
        )
        self.ack = b""
        self.timer_c_at = NEVER  # s16.6 step 11; after a CANCEL the end of waiting (s9.1)
        self.queued_at = NEVER

    @property
    def deadline(self) -> float:
        """When the machine, or Timer C, wants to be looked at."""
        deadline = self.machine.deadline
        return deadline if deadline < self.timer_c_at else self.timer_c_at
