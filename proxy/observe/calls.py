"""Which calls there are: begun by an INVITE, answered by a 2xx, ended by BYE, failure or silence.

Only watched, never steered: losing this loses no call. What has ended goes to records.py.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from proxy.sip.status import reason_of

from .records import CallRecord, Records, as_text

if TYPE_CHECKING:
    from proxy.sip.message import Request

log = logging.getLogger(__name__)

_MOST_OPEN: Final = 100_000
_CHECK_SECONDS: Final = 300.0
_CHALLENGES: Final = (401, 407)


class Observed(Protocol):
    """What is read of a request on its way; core's RequestContext has it."""

    @property
    def original(self) -> Request: ...
    @property
    def method(self) -> bytes: ...
    @property
    def is_initial(self) -> bool: ...
    @property
    def is_cancelled(self) -> bool: ...
    @property
    def relay_id(self) -> bytes | None: ...
    @property
    def domain(self) -> Any: ...
    @property
    def callee_domain(self) -> Any: ...
    @property
    def direction(self) -> Any: ...
    @property
    def notes(self) -> Any: ...
    @property
    def response_context(self) -> Any: ...
    @property
    def server_transaction(self) -> Any: ...


@dataclass(slots=True)
class Call:
    """One call while it goes on. Instants are wall-clock seconds."""

    call_id: bytes
    tenant_id: int | None
    domain_id: int | None
    tenant: bytes
    caller: bytes
    callee: bytes
    request_uri: bytes
    """As it was dialled, before any rule."""
    started_at: float
    user_agent: bytes
    rule_id: int | None
    relay_id: bytes = b""
    answered_at: float | None = None
    checked_at: float = 0.0


class Calls:
    """Watches INVITEs and BYEs; satisfies core's Observer."""

    __slots__ = ("_calls", "_node_id", "_records", "_wall", "lost")

    def __init__(self, records: Records, *, node_id: str, wall: Callable[[], float]) -> None:
        self._calls: OrderedDict[bytes, Call] = OrderedDict()
        self._records = records
        self._node_id = node_id
        self._wall = wall
        self.lost = 0

    def __len__(self) -> int:
        return len(self._calls)

    def relayed(self, call: Observed, *, now: float) -> None:
        """A request was set on its way."""
        if call.method != b"INVITE" or not call.is_initial or call.server_transaction is None:
            return  # without a transaction it has failed already
        held = self._begun(call)
        self._calls[held.call_id] = held
        if log.isEnabledFor(logging.INFO):
            _log("call begun", held, "")
        if len(self._calls) > _MOST_OPEN:
            self._calls.popitem(last=False)
            self.lost += 1

    def answered(self, call: Observed, status: int, *, now: float) -> None:
        """A final response went upstream."""
        if call.method != b"INVITE" or not call.is_initial:
            return
        held = self._calls.get(call.original.call_id)
        if held is None:
            self._refused(call, status)
            return
        if call.relay_id is not None:
            held.relay_id = call.relay_id
        if status >= 300:
            self._end(held, status, "caller" if call.is_cancelled else "callee")
        elif held.answered_at is None:
            held.answered_at = held.checked_at = self._wall()

    def ended(self, call: Observed) -> None:
        """A BYE passed."""
        held = self._calls.get(call.original.call_id)
        if held is not None:
            is_caller = call.direction is not None and call.direction.value == "toward_callee"
            self._end(held, 200, "caller" if is_caller else "callee", b"BYE")

    def media_ended(self, held: Call) -> None:
        """The relay does not know the call any more, and no BYE has passed."""
        if self._calls.get(held.call_id) is held:
            self._end(held, 200, "proxy", b"Media silent")

    def due(self, *, most: int) -> list[Call]:
        """Answered calls with media that were not looked at for a while, the oldest first."""
        now = self._wall()
        found = []
        for held in list(self._oldest(most)):
            if now - held.checked_at < _CHECK_SECONDS:
                break
            held.checked_at = now
            self._calls.move_to_end(held.call_id)
            if held.answered_at is not None and held.relay_id:
                found.append(held)
        return found

    def _oldest(self, most: int) -> list[Call]:
        return [held for held, _ in zip(self._calls.values(), range(most), strict=False)]

    def _begun(self, call: Observed) -> Call:
        domain = call.domain or call.callee_domain
        original = call.original
        now = self._wall()
        return Call(
            original.call_id,
            None if domain is None else domain.tenant_id,
            None if domain is None else domain.domain_id,
            b"" if domain is None else domain.tenant,
            original.from_.uri.serialise(),
            original.to.uri.serialise(),
            original.uri_raw,
            now,
            original.headers.first(b"user-agent") or b"",
            call.notes.rule_id,
            checked_at=now,
        )

    def _refused(self, call: Observed, status: int) -> None:
        """A call that got no further than here, if it concerns a tenant and is not a challenge."""
        is_ours = call.domain is not None or call.callee_domain is not None
        if is_ours and status >= 300 and status not in _CHALLENGES:
            self._end(self._begun(call), status, "proxy")

    def _end(self, held: Call, status: int, ended_by: str, reason: bytes = b"") -> None:
        self._calls.pop(held.call_id, None)
        reason = reason or reason_of(status)
        now = self._wall()
        if log.isEnabledFor(logging.INFO):
            seconds = 0.0 if held.answered_at is None else now - held.answered_at
            ending = f" status={status} reason={reason.decode()!r} by={ended_by} talk={seconds:.0f}"
            _log("call ended", held, ending)
        self._records.add(
            CallRecord(
                held.call_id,
                held.tenant_id,
                held.domain_id,
                held.caller,
                held.callee,
                held.request_uri,
                held.started_at,
                held.answered_at,
                now,
                status,
                reason,
                ended_by,
                self._node_id,
                held.relay_id.hex(),
                held.user_agent,
                held.rule_id,
            )
        )


def _log(what: str, held: Call, ending: str) -> None:
    log.info(
        "%s call_id=%s tenant=%s caller=%s callee=%s%s",
        what,
        as_text(held.call_id),
        as_text(held.tenant),
        as_text(held.caller),
        as_text(held.request_uri),
        ending,
    )
