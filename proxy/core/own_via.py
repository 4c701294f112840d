"""The Via that we put on top: sent-by of the flow's listener, and a branch that says some things.

    z9hG4bK<node><boot>-<unique>.<loop mark>.<seal>[<minute><passage>][.<attempt>]

Unique among all nodes and boots; the loop mark covers what decides the routing, so that a request
that comes back unchanged is a loop (482) and a changed one a spiral (RFC 3261 s16.3 step 4 and
s16.6 step 8, RFC 5393 s4.2); the seal (INVITE only) ties our Via to the one below it and to where
that came from, so that a 2xx without a transaction is forwarded only if it answers a request that
we forwarded (RFC 6026 s7), and to nobody but who sent that.
The passage tells the other nodes of the cluster for a few minutes that a caller's first INVITE has
come through one of them: who sends it back to us cannot sign it again.
"""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest
from itertools import count
from os import urandom
from time import time
from typing import TYPE_CHECKING, Final

from proxy.sip.errors import ParseError
from proxy.sip.fields import parse_via
from proxy.sip.lines import has
from proxy.sip.transaction import BRANCH_COOKIE
from proxy.sip.uri import SipUri

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.sip.fields import Via
    from proxy.sip.message import Request, Response
    from proxy.transport.flow import Address, Flow

    from .protocols import Transport

_64_BITS: Final = 0xFFFF_FFFF_FFFF_FFFF
_SEAL_END: Final = 12
_MINUTE_END: Final = 20
_PASSAGE_END: Final = 32
_MOST_MINUTES: Final = 4
"""How long a passage holds: as long as a call may ring (Timer C), and clocks may differ."""


class OwnVia:
    """Makes and recognises our Via values; one for a node."""

    __slots__ = ("_count", "_key", "_mark_of_node", "_prefix", "_sent_by", "_transport", "_wall")

    def __init__(
        self,
        transport: Transport,
        *,
        node_id: bytes,
        secret: bytes,
        wall: Callable[[], float] = time,
    ) -> None:
        self._transport = transport
        self._wall = wall
        self._key = blake2b(secret, digest_size=32, person=b"fedsip via").digest()
        self._mark_of_node = BRANCH_COOKIE + node_id + b"-"
        self._prefix = self._mark_of_node + urandom(4).hex().encode()
        self._count = count(1)
        self._sent_by: dict[tuple[str, Address], bytes] = {}

    def line(self, flow: Flow, branch: bytes) -> bytes:
        """The header line for a request that leaves on this flow."""
        start = self._sent_by.get((flow.protocol, flow.local))
        if start is None:
            host, port = self._transport.advertised(flow)
            start = b"Via: SIP/2.0/%b %b:%d;branch=" % (flow.protocol.upper().encode(), host, port)
            self._sent_by[flow.protocol, flow.local] = start
        if flow.protocol == "tls" and self._transport.serves_both_ways(flow):
            return start + branch + b";alias"
        return start + branch

    def branch_id(self, request: Request, mark: int) -> bytes:
        """A new branch for a request as it arrived (its own topmost Via still on top); without a
        loop mark something else that cannot be guessed takes its place."""
        if not mark:
            mark = hash(request.call_id) & _64_BITS
        branch = b"%b-%x.%x" % (self._prefix, next(self._count), mark)
        if request.method == b"INVITE":
            sealed = b"%b.%b" % (branch, self._seal(branch, request.via))
            if request.to_tag is not None:
                return sealed
            minute = b"%08x" % (int(self._wall()) // 60)
            return b"%b%b%b" % (sealed, minute, self._passage(branch, minute, request))
        return branch

    def stateless_branch_id(self, request: Request) -> bytes:
        """The same branch for each copy of a request that is forwarded statelessly (s16.11)."""
        via = request.via
        value = hash((via.branch, via.host, via.port, request.call_id, request.uri_raw))
        return b"%b-%x" % (self._prefix, value & _64_BITS)

    def branch_of(self, response: Response) -> bytes | None:
        """The branch in the top Via of a response, if it is ours and stands there as we wrote it;
        a caller that does not find it has to parse the Via."""
        for name, raw in response.headers.lines:
            if name == b"via":
                start = raw.find(self._mark_of_node)
                if start < 0:
                    return None
                end = raw.find(b";", start)
                return raw[start:] if end < 0 else raw[start:end]
        return None

    def is_ours(self, branch: bytes) -> bool:
        """Whether this node has made the branch, in this life or an earlier one."""
        return branch.startswith(self._mark_of_node)

    def has_sealed(self, own: Via, below: Via) -> bool:
        """Whether we put `own` on top of `below` in an INVITE."""
        branch = own.branch
        if branch is None or not self.is_ours(branch):
            return False
        parts = branch.split(b".")
        if len(parts) < 3:
            return False
        return compare_digest(self._seal(b".".join(parts[:2]), below), parts[2][:_SEAL_END])

    def has_passed(self, request: Request) -> bool:
        """Whether this INVITE, of this caller, has come through another node a short while ago."""
        return any(self._is_passage(via, request) for via in request.vias[1:])

    def _is_passage(self, via: Via, request: Request) -> bool:
        branch = via.branch
        if branch is None or self.is_ours(branch) or not branch.startswith(BRANCH_COOKIE):
            return False
        parts = branch.split(b".")
        if len(parts) < 3 or len(parts[2]) != _PASSAGE_END:
            return False
        minute = parts[2][_SEAL_END:_MINUTE_END]
        passage = self._passage(b".".join(parts[:2]), minute, request)
        if not compare_digest(passage, parts[2][_MINUTE_END:]):
            return False
        return abs(int(self._wall()) // 60 - int(minute, 16)) <= _MOST_MINUTES

    def is_loop(self, request: Request, mark: int) -> bool:
        """Whether we have forwarded this very request before (482), by its own Via values."""
        own = self._mark_of_node
        for name, raw in request.headers.lines:
            if name == b"via" and has(raw, own):
                break
        else:
            return False
        wanted = b"%x" % mark
        return any(
            has(value, self._mark_of_node) and self._has_mark(value, wanted)
            for value in request.headers.values(b"via")
        )

    def _has_mark(self, value: bytes, wanted: bytes) -> bool:
        try:
            branch = parse_via(value).branch
        except ParseError:
            return False
        if branch is None or not self.is_ours(branch):
            return False
        parts = branch.split(b".")
        return len(parts) > 1 and parts[1] == wanted

    def _passage(self, branch: bytes, minute: bytes, request: Request) -> bytes:
        caller = request.from_
        aor = caller.uri.aor() if isinstance(caller.uri, SipUri) else b""
        told = (branch, minute, aor, caller.tag or b"", request.call_id)
        text = b" ".join(told)  # none of them but the last one may have a space
        return blake2b(text, key=self._key, digest_size=6).hexdigest().encode()

    def _seal(self, branch: bytes, below: Via) -> bytes:
        told = (below.branch, below.transport, below.host, below.param(b"received"))
        ports = b"%d %b" % (below.port or 0, below.param(b"rport") or b"")
        text = b" ".join((branch, *[one or b"" for one in told], ports))
        return blake2b(text, key=self._key, digest_size=6).hexdigest().encode()


def loop_mark(request: Request, fields: dict[bytes, bytes]) -> int:
    """A number over everything that decides where this request goes; keyed by the process.

    `fields` are the request's lines by name (RequestContext.fields).
    """
    routes = tuple(request.headers.all(b"route")) if b"route" in fields else ()
    get = fields.get
    return (
        hash((request.uri_raw, get(b"call-id"), get(b"from"), get(b"to"), get(b"cseq"), routes))
        & _64_BITS
    )
