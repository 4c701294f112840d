"""PostgreSQL for the proxy: a connection that comes back, a doorbell, snapshots as watermarks.

What changed is read by visibility: each reading remembers the snapshot that it saw, and the next
one asks for rows whose transaction was not visible in it. A row that commits late is therefore
never missed, whatever the order of numbers. NOTIFY only shortens the wait for the poll.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

log = logging.getLogger(__name__)

Connection = AsyncConnection[Any]

POLL_SECONDS: Final = 0.5
"""Longest wait for a change when the doorbell is broken."""
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 2.0
_REST_SECONDS: Final = 0.02
"""Between two readings: a busy node rings two hundred times a second."""

# A server that vanished without a word is noticed in 10 s, not in the kernel's 15 minutes.
_CONNECT_OPTIONS: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

SNAPSHOT_COLUMNS: Final = "pg_current_snapshot()::text, pg_postmaster_start_time()::text"
"""What Snapshot is made of, for the SELECT that reads by it."""


class Away(psycopg.OperationalError):
    """PostgreSQL was not there a moment ago, and has not been asked again."""


class Snapshot:
    """Which transactions a reading saw, on which run of the server."""

    __slots__ = ("_running", "server", "text", "xmax", "xmin")

    def __init__(self, text: str, server: str) -> None:
        xmin, xmax, running = text.split(":")
        self.text = text
        self.server = server
        self.xmin = int(xmin)
        self.xmax = int(xmax)
        self._running = frozenset(int(xid) for xid in running.split(",") if xid)

    def saw(self, xid: int) -> bool:
        """Whether the work of a committed transaction was visible."""
        return xid < self.xmin or (xid < self.xmax and xid not in self._running)

    def is_followed_by(self, later: Snapshot) -> bool:
        """False when numbers may have begun anew: the server crashed, was restored or replaced."""
        return self.server == later.server and self.xmax <= later.xmax


class Database:
    """One connection of the proxy under a name, made again whenever it breaks."""

    __slots__ = ("_connection", "_lock", "_name", "_not_before", "_url", "_wait", "is_away")

    def __init__(self, url: str, *, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()
        self._not_before = 0.0
        self._wait = _FIRST_WAIT
        self.is_away = False

    @property
    def backend_pid(self) -> int:
        """Process of the server behind the connection, 0 while there is none."""
        connection = self._connection
        return 0 if connection is None or connection.closed else connection.info.backend_pid

    async def connection(self) -> Connection:
        """An open connection; raises psycopg.OperationalError when there is none to be had."""
        connection = self._connection
        if connection is not None and not connection.closed:
            return connection
        async with self._lock:
            if self._connection is None or self._connection.closed:
                self._connection = await self._connect()
            return self._connection

    async def _connect(self) -> Connection:
        now = asyncio.get_running_loop().time()
        if now < self._not_before:
            raise Away("PostgreSQL is away")
        try:
            connection = await AsyncConnection.connect(
                self._url,
                autocommit=True,
                application_name=f"fedsip proxy {self._name}",
                **_CONNECT_OPTIONS,
            )
        except psycopg.OperationalError as error:
            self._not_before = asyncio.get_running_loop().time() + self._wait
            self._wait = min(self._wait * 2, _LONGEST_WAIT)
            if not self.is_away:
                self.is_away = True
                log.warning(
                    "PostgreSQL is away, going on without it connection=%s reason=%s",
                    self._name,
                    first_line(error),
                )
            raise
        self._not_before, self._wait = 0.0, _FIRST_WAIT
        if self.is_away:
            self.is_away = False
            log.info("PostgreSQL is back connection=%s", self._name)
        return connection

    async def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()


class Doorbell:
    """Calls `read()` soon after the channel is notified, and every POLL_SECONDS anyway.

    `is_own(pid)` says of a notification that it comes from the caller's own writing.
    """

    __slots__ = ("_bell", "_channel", "_database", "_is_failing", "_is_own", "_read", "listening")

    def __init__(
        self,
        url: str,
        channel: str,
        read: Callable[[], Awaitable[None]],
        is_own: Callable[[int], bool] | None = None,
    ) -> None:
        self._database = Database(url, name=f"listen {channel}")
        self._channel = channel
        self._read = read
        self._is_own = is_own
        self._bell = asyncio.Event()
        self._is_failing = False
        self.listening = asyncio.Event()
        """Set while notifications are heard."""

    async def run(self) -> None:
        """For ever; cancel to end."""
        listener = asyncio.create_task(self._listen())
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._bell.wait()
                self._bell.clear()
                await self._read_once()
                await asyncio.sleep(_REST_SECONDS)
        finally:
            listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listener
            await self._database.close()

    async def _read_once(self) -> None:
        try:
            await self._read()
            self._is_failing = False
        except psycopg.OperationalError as error:
            log.debug("not read channel=%s reason=%s", self._channel, first_line(error))
        except Exception as error:  # a loop in the background: say so once, and try again
            if not self._is_failing:
                self._is_failing = True
                log.exception("changes cannot be read channel=%s", self._channel)
            log.debug("not read channel=%s reason=%s", self._channel, first_line(error))

    async def _listen(self) -> None:
        wait = _FIRST_WAIT
        while True:
            try:
                connection = await self._database.connection()
                await connection.execute(f"LISTEN {self._channel}".encode())
                wait = _FIRST_WAIT
                self.listening.set()
                self._bell.set()  # what was notified before
                async for notify in connection.notifies():
                    if self._is_own is None or not self._is_own(notify.pid):
                        self._bell.set()
            except psycopg.Error as error:
                log.debug("listening ended channel=%s reason=%s", self._channel, first_line(error))
            self.listening.clear()
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)


def text_array(values: Sequence[str]) -> str:
    """One array parameter, as PostgreSQL reads arrays; psycopg takes its time over each value."""
    quoted = [_escaped(value) if '"' in value or "\\" in value else value for value in values]
    return '{"' + '","'.join(quoted) + '"}' if quoted else "{}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def plain_array(values: Iterable[str]) -> str:
    """One array parameter of values that need no quotes: numbers, names, addresses."""
    return "{" + ",".join(values) + "}"


def first_line(error: BaseException) -> str:
    """What an error says, in one line for the log."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
