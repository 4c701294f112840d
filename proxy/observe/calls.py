"""Call records: who called whom, how it ended. Written in batches; losing one loses no call."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import psycopg

from proxy.postgres import Database

if TYPE_CHECKING:
    from proxy.sip.message import Request

log = logging.getLogger(__name__)

_MOST_OPEN: Final = 100_000
_MOST_SPOOLED: Final = 200_000
_WRITE_SECONDS: Final = 1.0
_BATCH: Final = 1000
_COLUMNS: Final = (
    "call_id, tenant_id, domain_id, caller, callee, request_uri, started_at, answered_at,"
    " ended_at, status, reason, ended_by, node_id, relay_id, user_agent, rule_id"
)
_INSERT: Final = (
    f"INSERT INTO proxy_call ({_COLUMNS}) VALUES ({', '.join(['%s'] * 16)})"  # noqa: S608
).encode()


class Observed(Protocol):
    """What is read of a request on its way; core's RequestContext has it."""

    @property
    def original(self) -> Request: ...
    @property
    def request(self) -> Request: ...
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


@dataclass(slots=True)
class Call:
    """One call while it goes on."""

    call_id: bytes
    tenant_id: int | None
    domain_id: int | None
    tenant: str
    caller: bytes
    callee: bytes
    request_uri: bytes
    started_at: float
    user_agent: bytes
    rule_id: int | None
    relay_id: str = ""
    answered_at: float | None = None


class Calls:
    """Watches INVITEs and BYEs; satisfies core's Observer."""

    __slots__ = ("_calls", "_database", "_node_id", "_spool", "_task", "_wall", "lost")

    def __init__(self, url: str, *, node_id: str, wall: Callable[[], float]) -> None:
        self._calls: OrderedDict[bytes, Call] = OrderedDict()
        self._spool: deque[tuple[Any, ...]] = deque()
        self._database = Database(url, name="calls")
        self._node_id = node_id
        self._wall = wall
        self._task: asyncio.Task[None] | None = None
        self.lost = 0

    def __len__(self) -> int:
        return len(self._calls)

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            await asyncio.wait_for(self._write(), 2.0)
        except (TimeoutError, psycopg.Error) as error:
            log.error("call records lost at shutdown count=%d reason=%s", len(self._spool), error)
        await self._database.close()

    # -- what happens to requests

    def relayed(self, call: Observed, *, now: float) -> None:
        """A request was set on its way."""
        if call.method != b"INVITE" or not call.is_initial:
            return
        domain = call.domain or call.callee_domain
        original = call.original
        self._calls[original.call_id] = Call(
            original.call_id,
            None if domain is None else domain.tenant_id,
            None if domain is None else domain.domain_id,
            "" if domain is None else domain.tenant.decode(),
            original.from_.uri.serialise(),
            original.to.uri.serialise(),
            call.request.uri_raw,
            self._wall(),
            original.headers.first(b"user-agent") or b"",
            call.notes.rule_id,
        )
        if len(self._calls) > _MOST_OPEN:
            self._calls.popitem(last=False)
            self.lost += 1

    def answered(self, call: Observed, status: int, *, now: float) -> None:
        """A final response went upstream."""
        if call.method != b"INVITE" or not call.is_initial:
            return
        held = self._calls.get(call.original.call_id)
        if held is None:
            return
        if call.relay_id is not None:
            held.relay_id = call.relay_id.hex()
        if status < 300:
            held.answered_at = self._wall()
            _log("call answered", held, status)
        else:
            self._end(held, status, "caller" if call.is_cancelled else "callee")

    def ended(self, call: Observed) -> None:
        """A BYE passed."""
        held = self._calls.get(call.original.call_id)
        if held is not None:
            is_caller = call.direction is not None and call.direction.value == "toward_callee"
            self._end(held, 200, "caller" if is_caller else "callee")

    def _end(self, held: Call, status: int, ended_by: str) -> None:
        self._calls.pop(held.call_id, None)
        _log("call ended", held, status)
        if len(self._spool) >= _MOST_SPOOLED:
            self._spool.popleft()
            self.lost += 1
        self._spool.append(
            (
                _text(held.call_id),
                held.tenant_id,
                held.domain_id,
                _text(held.caller),
                _text(held.callee),
                _text(held.request_uri),
                _instant(held.started_at),
                None if held.answered_at is None else _instant(held.answered_at),
                _instant(self._wall()),
                status,
                "",
                ended_by,
                self._node_id,
                held.relay_id,
                _text(held.user_agent),
                held.rule_id,
            )
        )

    # -- writing

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            try:
                await self._write()
            except psycopg.Error as error:
                log.debug("call records wait count=%d reason=%s", len(self._spool), error)

    async def _write(self) -> None:
        while self._spool:
            batch = [self._spool[at] for at in range(min(_BATCH, len(self._spool)))]
            connection = await self._database.connection()
            async with connection.transaction(), connection.cursor() as cursor:
                await cursor.executemany(_INSERT, batch)
            for _ in batch:
                self._spool.popleft()


def _log(what: str, held: Call, status: int) -> None:
    if log.isEnabledFor(logging.INFO):
        log.info(
            "%s call_id=%s tenant=%s caller=%s callee=%s status=%d",
            what,
            _text(held.call_id),
            held.tenant,
            _text(held.caller),
            _text(held.request_uri),
            status,
        )


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").replace("\0", "")[:500]


def _instant(wall: float) -> datetime:
    return datetime.fromtimestamp(wall, UTC)
