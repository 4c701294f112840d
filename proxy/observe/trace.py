"""Keeps the SIP messages of calls: a tap, a ring, and batches to PostgreSQL and to Homer.

The tap costs an append. Everything else happens twice a second, behind the calls: whose message it
is, what must be masked, how much of it is kept. A call is kept whole or not at all; while a node
passes more messages a second than its setting no further call is begun to be kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import psycopg

from proxy.postgres import Database, first_line, plain_array, text_array
from proxy.sip.lines import between

from .hep import hep_packet
from .hep_export import HepExport
from .masking import masked
from .message_frames import flow_line, frame
from .text import address_of, as_text

log = logging.getLogger(__name__)

_SECONDS: Final = 0.5
_UNDECIDED_TURNS: Final = 4
"""How many times a message waits for its call to become known: its domain is told by routing. Not
seconds: a machine that stood still for a while has not routed meanwhile."""
_MOST_WAITING: Final = 50_000
_MOST_BYTES: Final = 64_000_000
"""Of all messages that wait: what strangers send in a moment is no call, and must not fill the
memory."""
_MOST_CALLS: Final = 100_000
_BATCH: Final = 100
_MOST_OF_A_ROW: Final = 3_700
"""Octets of messages, unless one alone has more: two such rows fill a page of PostgreSQL, which
then has nothing to compress or to put elsewhere."""

# One row for the messages of a call that passed within a turn. An array for each column, written by
# us (postgres.text_array): as JSON they cost three times as much, and as psycopg's own arrays five
# times. Messages go as they are, without being quoted. `at` is in microseconds: to write a float
# down takes thirty times as long.
_INSERT: Final = b"""
INSERT INTO proxy_message (node_id, call_id, tenant_id, domain_id, at, flows, messages)
SELECT %(node_id)s, call_id, tenant_id, domain_id, to_timestamp(at / 1e6::float8), flows, messages
FROM unnest(
    %(call_id)s::text[], %(tenant_id)s::bigint[], %(domain_id)s::bigint[], %(at)s::bigint[],
    %(flows)s::text[], %(messages)b::bytea[]
) AS m(call_id, tenant_id, domain_id, at, flows, messages)
"""


class Owner(NamedTuple):
    """Whose the messages of a call are."""

    tenant_id: int
    domain_id: int
    only_with: tuple[str, int] | None = None
    """The far side is another tenant's: only what passed between us and this address."""


class Flow(Protocol):
    """What is read of a flow."""

    @property
    def protocol(self) -> str: ...
    @property
    def local(self) -> tuple[str, int]: ...
    @property
    def remote(self) -> tuple[str, int]: ...
    @property
    def is_reliable(self) -> bool: ...


Passed = tuple[float, bool, bytes, Flow]
"""One message as it passed: when, whether we sent it, its bytes. A plain tuple costs the tap a
quarter of one with names."""


class _Row:
    """Messages of one call that are to be written together, and whose they are."""

    __slots__ = ("at", "call_id", "count", "flows", "frames", "owner", "size", "waiting")

    def __init__(self, call_id: bytes, owner: Owner, at: int) -> None:
        self.call_id = call_id
        self.owner = owner
        self.at = at  # of the first one, in microseconds
        self.flows: list[Flow] = []
        self.frames: list[bytes] = []
        self.size = 0  # of the frames
        self.waiting = 0  # octets as they passed
        self.count = 0


class Trace:
    """The tap of a node and what is done with it. `export` None: there is no collector."""

    __slots__ = (
        "_allowance",
        "_bytes",
        "_calls",
        "_database",
        "_export",
        "_export_key",
        "_most_bytes",
        "_most_waiting_bytes",
        "_node_id",
        "_passed",
        "_rate",
        "_rows",
        "_task",
        "_turn",
        "_undecided",
        "_wall",
        "lost",
        "skipped",
    )

    def __init__(
        self,
        url: str,
        *,
        node_id: str,
        per_second: int,
        most_bytes: int,
        export: HepExport | None,
        export_key: str,
        wall: Callable[[], float],
        most_waiting_bytes: int = _MOST_BYTES,
    ) -> None:
        self._database = Database(url, name="trace")
        self._most_waiting_bytes = most_waiting_bytes
        self._bytes = 0  # of the messages that wait, wherever
        self._node_id = node_id
        self._rate = per_second
        self._allowance = float(per_second)
        self._most_bytes = most_bytes
        self._export = export
        self._export_key = export_key
        self._wall = wall
        self._passed: deque[Passed] = deque()
        self._undecided: list[tuple[bytes, Passed, int]] = []  # and since which turn
        self._turn = 0
        self._calls: OrderedDict[bytes, Owner] = OrderedDict()
        self._rows: deque[_Row] = deque()
        self._task: asyncio.Task[None] | None = None
        self.lost = 0
        self.skipped = 0

    async def start(self) -> None:
        if self._export is not None:
            await self._export.start()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Write what waits, if PostgreSQL is there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            async with asyncio.timeout(1.0):
                await self.flush(is_last=True)
        except (TimeoutError, psycopg.Error) as error:
            log.warning("messages lost count=%d reason=%s", self._waiting(), first_line(error))
        if self._export is not None:
            await self._export.close()
        await self._database.close()

    # -- on the call path

    def received(self, data: bytes, flow: Flow) -> None:
        """A message came."""
        self._note((self._wall(), False, data, flow))

    def sent(self, data: bytes, flow: Flow) -> None:
        """A message went."""
        self._note((self._wall(), True, data, flow))

    def _note(self, passed: Passed) -> None:
        if self._bytes >= self._most_waiting_bytes or len(self._passed) >= _MOST_WAITING:
            self.lost += 1
            return
        self._bytes += len(passed[2])
        self._passed.append(passed)

    def follow(self, call_id: bytes, owner: Owner) -> None:
        """The call's domain wants its messages kept."""
        if call_id in self._calls:
            return
        if self._allowance <= 0:
            self.skipped += 1
            return
        self._calls[call_id] = owner
        if len(self._calls) > _MOST_CALLS:
            self._calls.popitem(last=False)

    # -- behind it

    async def flush(self, *, is_last: bool = False) -> None:
        """Sort what has passed and write it; raises psycopg.Error when PostgreSQL is away."""
        self._sort(is_last=is_last)
        while self._rows:
            batch = [self._rows.popleft() for _ in range(min(_BATCH, len(self._rows)))]
            try:
                connection = await self._database.connection()
                await connection.execute(_INSERT, self._parameters(batch))
            except psycopg.DataError as error:
                self.lost += sum([row.count for row in batch])
                log.warning("messages refused reason=%s", first_line(error))
            except psycopg.Error:
                self._rows.extendleft(reversed(batch))
                raise
            self._bytes -= sum([row.waiting for row in batch])

    def _sort(self, *, is_last: bool) -> None:
        waiting, self._undecided = self._undecided, []
        self._turn += 1
        while self._passed:
            passed = self._passed.popleft()
            call_id = call_id_of(passed[2])
            if self._export is not None:
                self._send_to_collector(self._export, call_id, passed)
            waiting.append((call_id, passed, self._turn))
        too_old = self._turn - _UNDECIDED_TURNS
        kept = 0
        rows: dict[bytes, _Row] = {}
        for one in waiting:
            call_id, passed, since = one
            owner = self._calls.get(call_id)
            if owner is not None:
                if owner.only_with is None or owner.only_with == passed[3].remote:
                    self._keep(rows, call_id, owner, passed)
                    kept += 1
                    continue
            elif since > too_old and not is_last:
                self._undecided.append(one)
                continue
            self._bytes -= len(passed[2])
        self._allowance = min(float(self._rate), self._allowance + self._rate * _SECONDS - kept)

    def _keep(self, rows: dict[bytes, _Row], call_id: bytes, owner: Owner, passed: Passed) -> None:
        """Put a message into its call's row of this turn, or begin one."""
        wall, is_sent, data, flow = passed
        at = int(wall * 1_000_000)
        text = masked(data)
        if len(text) > self._most_bytes:
            text = text[: self._most_bytes]
        row = rows.get(call_id)
        if row is None or row.size + len(text) > _MOST_OF_A_ROW:
            row = rows[call_id] = _Row(call_id, owner, at)
            self._rows.append(row)
        place = _place_of(flow, row.flows)
        framed = frame(text, at=at, is_sent=is_sent, flow=place, size=len(data))
        row.frames.append(framed)
        row.size += len(framed)
        row.waiting += len(data)
        row.count += 1

    def _waiting(self) -> int:
        """Messages that are to be written."""
        return sum([row.count for row in self._rows])

    def _parameters(self, batch: list[_Row]) -> dict[str, object]:
        """Values of _INSERT."""
        return {
            "node_id": self._node_id,
            "call_id": text_array([as_text(row.call_id) for row in batch]),
            "tenant_id": plain_array([str(row.owner.tenant_id) for row in batch]),
            "domain_id": plain_array([str(row.owner.domain_id) for row in batch]),
            "at": plain_array([str(row.at) for row in batch]),
            "flows": text_array(["\n".join(map(_line_of, row.flows)) for row in batch]),
            "messages": [b"".join(row.frames) for row in batch],
        }

    def _send_to_collector(self, export: HepExport, call_id: bytes, passed: Passed) -> None:
        wall, is_sent, data, flow = passed
        ends = (flow.local, flow.remote) if is_sent else (flow.remote, flow.local)
        export.send(
            hep_packet(
                masked(data),
                source=ends[0],
                target=ends[1],
                is_reliable=flow.is_reliable,
                wall=wall,
                agent_id=_agent_id(self._node_id),
                node=self._node_id,
                key=self._export_key,
                call_id=call_id,
            )
        )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS)
            try:
                await self.flush()
            except psycopg.Error as error:
                log.debug("messages wait count=%d reason=%s", self._waiting(), first_line(error))


def call_id_of(data: bytes) -> bytes:
    """The Call-ID as it stands in a message, found without parsing; b"" if there is none."""
    plain = between(data, b"\r\nCall-ID: ", b"\r\n")
    if plain is not None:
        return plain
    head = data[: data.find(b"\r\n\r\n") + 2]
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() in (b"call-id", b"i"):
            return value.strip()
    return b""


def _place_of(flow: Flow, flows: list[Flow]) -> int:
    """Which of the flows it is; a new one is added. Flows are kept by their source, so the same one
    is nearly always the same object, and where it is not, it is said twice."""
    for place, known in enumerate(flows):
        if known is flow:
            return place
    flows.append(flow)
    return len(flows) - 1


def _line_of(flow: Flow) -> str:
    return flow_line(flow.protocol, address_of(*flow.local), address_of(*flow.remote))


def _agent_id(node_id: str) -> int:
    return int.from_bytes(node_id.encode()[-4:], "big")
