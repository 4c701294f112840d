"""Writes bindings to PostgreSQL: group commits for what a 200 waits for, batches for the rest.

A change is committed together with all that came while the commit before it was under way. What
nobody waits for is kept, newest state of each binding, and written with the next commit or within
REFRESH_SECONDS; while PostgreSQL is away it is kept until it returns. Only what must be durable
before its 200 fails meanwhile: after COMMIT_WAIT_SECONDS it was not done, and is not done later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from enum import Enum
from itertools import islice
from typing import Final

import psycopg

from proxy.postgres import Database, Snapshot, first_line

from . import rows
from .model import Binding
from .store import NotDurable

log = logging.getLogger(__name__)

REFRESH_SECONDS: Final = 0.5
COMMIT_WAIT_SECONDS: Final = 2.0
BATCH: Final = 1000
"""Changes, and refreshes beside them, that one transaction takes at most."""
_REST_SECONDS: Final = 0.02
"""Between two commits: with more to do at a time, each costs less."""
_RETRY_SECONDS: Final = 0.25
_CLOSE_SECONDS: Final = 3.0
_MOST_REMEMBERED: Final = 10_000
# SQLSTATE classes that blame a row: data, constraints, limits. Any other error passes.
_ROW_ERRORS: Final = ("22", "23", "54")


class Kind(Enum):
    """What is to be written of a binding."""

    CHANGE = "change"
    REFRESH = "refresh"
    REMOVE = "remove"
    DROP = "drop"
    """Remove, if it is still reached by that flow."""


Entries = dict[str, tuple[Kind, Binding]]


class Commit:
    """A change whose 200 waits."""

    __slots__ = ("entries", "is_abandoned", "waiter")

    def __init__(self, entries: Entries, waiter: asyncio.Future[None]) -> None:
        self.entries = entries
        self.waiter = waiter
        self.is_abandoned = False


class BindingWriter:
    """One for a node; its task begins with start()."""

    __slots__ = (
        "_batch",
        "_commit_wait",
        "_commits",
        "_database",
        "_is_closing",
        "_spool",
        "_task",
        "_wake",
        "committed",
        "own",
    )

    def __init__(
        self, url: str, *, commit_wait: float = COMMIT_WAIT_SECONDS, batch: int = BATCH
    ) -> None:
        self._database = Database(url, name="location writer")
        self._commit_wait = commit_wait
        self._batch = batch
        self._commits: list[Commit] = []
        self._spool: Entries = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self.own: dict[int, frozenset[str]] = {}
        """Bindings written by our latest transactions: the feed need not read them."""
        self.committed = 0
        """Transactions so far."""

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    @property
    def spooled(self) -> int:
        """Bindings that wait to be written, with nobody waiting for it."""
        return len(self._spool)

    @property
    def backend_pid(self) -> int:
        return self._database.backend_pid

    # -- what is to be written

    def refresh(self, bindings: Iterable[Binding]) -> None:
        """Take note of new expiries; they are written within a second."""
        for binding in bindings:
            self._spool[binding.binding_id] = (Kind.REFRESH, binding)

    def drop(self, bindings: Iterable[Binding]) -> None:
        """Take note that the flows of these are gone; it is written within a second."""
        for binding in bindings:
            self._spool[binding.binding_id] = (Kind.DROP, binding)

    def restore(self, bindings: Iterable[Binding]) -> None:
        """Write whole bindings that PostgreSQL has lost, if nobody has written them since."""
        for binding in bindings:
            self._spool.setdefault(binding.binding_id, (Kind.CHANGE, binding))

    async def commit(self, written: list[Binding], removed: list[Binding]) -> None:
        """Write at once and return when it is committed; raises NotDurable after a bound."""
        entries: Entries = {one.binding_id: (Kind.REMOVE, one) for one in removed}
        for binding in written:
            entries[binding.binding_id] = (Kind.CHANGE, binding)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        commit = Commit(entries, waiter)
        self._commits.append(commit)
        self._wake.set()
        # Not asyncio.timeout: a step of routing runs without a Task until it waits.
        bound = loop.call_later(self._commit_wait, _give_up, waiter)
        try:
            await waiter
        except BaseException:  # not in time, refused, or whoever waited is gone
            commit.is_abandoned = True
            if commit in self._commits:
                self._commits.remove(commit)
            raise
        finally:
            bound.cancel()

    def outdates(self, there: Binding, snapshot: Snapshot, *, is_deleted: bool) -> bool:
        """Whether a row as that snapshot shows it is older than what we wrote, or shall write.

        A change that is being committed does not count: it is not in force here either.
        """
        binding_id = there.binding_id
        if any(binding_id in ids and not snapshot.saw(xid) for xid, ids in self.own.items()):
            return True
        kind, mine = self._spool.get(binding_id, (None, None))
        if mine is None or is_deleted:
            return False
        # As the guards of rows.WRITE will judge.
        if kind is Kind.DROP:
            return there.flow_token == mine.flow_token
        return (
            there.flow_token == mine.flow_token
            and there.node_id == mine.node_id
            and (there.call_id != mine.call_id or there.cseq <= mine.cseq)
        )

    def forget_own(self, snapshot: Snapshot) -> None:
        """The feed reads no more what that snapshot saw."""
        for xid in [xid for xid in self.own if snapshot.saw(xid)]:
            del self.own[xid]

    # -- writing

    async def close(self) -> None:
        """Write what is left, if PostgreSQL is there."""
        self._is_closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_CLOSE_SECONDS)
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._spool:
            log.error("bindings not written at the end count=%d", len(self._spool))
        await self._database.close()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        rested_at = 0.0
        while not self._is_closing:
            try:
                async with asyncio.timeout(REFRESH_SECONDS):
                    await self._wake.wait()
                await asyncio.sleep(max(0.0, rested_at - loop.time()))
            except TimeoutError:
                pass
            self._wake.clear()
            if not await self._write_batch():
                await asyncio.sleep(_RETRY_SECONDS)
                self._wake.set()
            rested_at = loop.time() + _REST_SECONDS
        while (self._spool or self._commits) and await self._write_batch():
            pass

    async def _write_batch(self) -> bool:
        """One transaction of what waits; False when it must be tried again."""
        commits = self._commits[: self._batch]
        entries = dict(islice(self._spool.items(), self._batch))
        spooled = dict(entries)
        for commit in commits:
            entries |= commit.entries
        if not entries:
            return True
        try:
            refused = await self._write(entries, commits)
        except psycopg.Error as error:
            if not _blames_a_row(error):
                log.debug("bindings not written reason=%s", first_line(error))
                return False
            return await self._write_singly(commits, spooled)
        except Exception:  # nothing of ours may end this loop: phones would wait for ever
            log.exception("bindings cannot be written together count=%d", len(entries))
            return await self._write_singly(commits, spooled)
        self._done(commits, spooled, refused)
        return True

    async def _write(self, entries: Entries, commits: list[Commit]) -> set[str]:
        """Commit these; gives those that lost against a later REGISTER at another node."""
        removed: list[tuple[Binding, bool]] = []
        refreshed: list[Binding] = []
        changed: list[Binding] = []
        for kind, binding in entries.values():
            match kind:
                case Kind.CHANGE:
                    changed.append(binding)
                case Kind.REFRESH:
                    refreshed.append(binding)
                case _:
                    removed.append((binding, kind is Kind.DROP))
        values = rows.parameters(removed, refreshed, changed)
        connection = await self._database.connection()
        row = await (await connection.execute(rows.WRITE, values)).fetchone()
        assert row is not None  # noqa: S101 -- a SELECT of functions gives a row
        xid, written = row
        self.committed += 1
        if not any(commit.is_abandoned for commit in commits):
            # Of an abandoned one nobody here has put anything in force: the feed shall read it.
            if len(self.own) >= _MOST_REMEMBERED:
                self.own.clear()
            self.own[xid] = frozenset(written)
        return {one.binding_id for one in changed}.difference(written)

    def _done(self, commits: list[Commit], spooled: Entries, refused: set[str]) -> None:
        for binding_id, state in spooled.items():
            if self._spool.get(binding_id) is state:
                del self._spool[binding_id]
        for commit in commits:
            if commit in self._commits:
                self._commits.remove(commit)
            if commit.waiter.done():
                continue
            if refused.isdisjoint(commit.entries):
                commit.waiter.set_result(None)
            else:
                commit.waiter.set_exception(NotDurable("a later REGISTER is in force already"))
        if self._commits or len(spooled) == self._batch:
            self._wake.set()

    async def _write_singly(self, commits: list[Commit], spooled: Entries) -> bool:
        """Each by itself, so that one that PostgreSQL refuses holds up no other."""
        units: list[tuple[list[Commit], Entries, Entries]] = [
            ([commit], {}, commit.entries) for commit in commits
        ]
        units += [([], {one: state}, {one: state}) for one, state in spooled.items()]
        for of_commit, of_spool, entries in units:
            try:
                self._done(of_commit, of_spool, await self._write(entries, of_commit))
            except psycopg.Error as error:
                if not _blames_a_row(error):
                    return False
                self._refuse(of_commit, of_spool, entries, error)
            except Exception as error:  # as above: this one is given up
                self._refuse(of_commit, of_spool, entries, error)
        return True

    def _refuse(
        self, commits: list[Commit], spooled: Entries, entries: Entries, error: Exception
    ) -> None:
        for _, binding in entries.values():
            log.error(
                "binding refused by PostgreSQL aor=%s contact=%s reason=%s",
                binding.aor.decode("utf-8", "replace"),
                binding.contact.decode("utf-8", "replace"),
                first_line(error),
            )
        for commit in commits:
            if not commit.waiter.done():
                commit.waiter.set_exception(NotDurable(first_line(error)))
        self._done(commits, spooled, set())


def _give_up(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(NotDurable("PostgreSQL did not take the change in time"))


def _blames_a_row(error: psycopg.Error) -> bool:
    if error.sqlstate is None:  # the client's own: a value that cannot be sent, or no connection
        return isinstance(error, psycopg.DataError)
    return error.sqlstate.startswith(_ROW_ERRORS)
