"""All bindings in memory: looked up by AOR in O(1), forgotten when they expire.

Only the loop's thread reads and writes it. Making changes durable is writer.py's, which is handed
what changed and says when it is committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final, Protocol

from proxy.sip.uri import Aor

from .model import Binding
from .rules import Outcome

_BUCKET_SECONDS: Final = 8
"""How long after its end an expired binding may lie in memory, unseen by lookups."""


class Writer(Protocol):
    """Where changes are made durable."""

    def refresh(self, bindings: Iterable[Binding]) -> None:
        """Take note of new expiries; they are written within a second."""

    def drop(self, bindings: Iterable[Binding]) -> None:
        """Take note that the flows of these are gone; it is written within a second."""

    def commit(self, written: list[Binding], removed: list[Binding]) -> Awaitable[None]:
        """Write at once; done when it is committed. Raises NotDurable."""


class NotDurable(Exception):
    """PostgreSQL did not take the change in time; it must not be confirmed."""


class Bindings:
    """Every live binding of the cluster."""

    __slots__ = (
        "_aors_on_connections",
        "_by_aor",
        "_count",
        "_expiry",
        "_on_removed",
        "_unsettled",
        "_writer",
    )

    def __init__(
        self, writer: Writer | None = None, on_removed: Callable[[Binding], None] | None = None
    ) -> None:
        # One binding is the rule, and 100,000 lists of one would weigh 9 MB.
        self._by_aor: dict[Aor, Binding | tuple[Binding, ...]] = {}
        self._count = 0
        # The AORs to look at when a time of _BUCKET_SECONDS is over: each has at least one entry,
        # not later than its first binding's end.
        self._expiry: dict[int, list[Aor]] = {}
        self._aors_on_connections: dict[str, Aor] = {}
        self._unsettled: dict[Aor, asyncio.Future[None]] = {}
        self._writer = writer
        self._on_removed = on_removed

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Binding]:
        """All that are in memory; not to be changed meanwhile."""
        for held in self._by_aor.values():
            if isinstance(held, tuple):
                yield from held
            else:
                yield held

    def lookup(self, aor: Aor, *, wall: float) -> list[Binding]:
        """Live bindings, best q first, the newest first among equals."""
        held = self._by_aor.get(aor)
        if held is None:
            return []
        if not isinstance(held, tuple):
            return [held] if held.expires_at > wall else []
        live = [binding for binding in held if binding.expires_at > wall]
        live.sort(key=_by_preference)
        return live

    def get(self, aor: Aor, binding_id: str) -> Binding | None:
        """One binding, expired or not."""
        for binding in self._held(aor):
            if binding.binding_id == binding_id:
                return binding
        return None

    def on_connection(self, binding_id: str) -> Binding | None:
        """One binding that is reached by a connection, by its id alone."""
        aor = self._aors_on_connections.get(binding_id)
        return None if aor is None else self.get(aor, binding_id)

    def _held(self, aor: Aor) -> tuple[Binding, ...]:
        held = self._by_aor.get(aor)
        if held is None:
            return ()
        return held if isinstance(held, tuple) else (held,)

    # -- a REGISTER's outcome

    def unsettled(self, aor: Aor) -> Awaitable[None] | None:
        """Done when the change of that AOR that is being committed is in force, or has failed.

        A REGISTER that comes meanwhile must wait for it: it would be judged by what was before.
        """
        waiting = self._unsettled.get(aor)
        return None if waiting is None else asyncio.shield(waiting)

    def save(self, outcome: Outcome) -> Awaitable[None] | None:
        """Put a REGISTER's outcome in force; an awaitable when its 200 must wait for the commit.

        A change that must be committed is in memory only when it is: until then calls go the old
        way, and when PostgreSQL does not take it the awaitable raises NotDurable.
        """
        if not outcome.written and not outcome.removed:
            return None
        if outcome.commit_needed and self._writer is not None:
            return self._commit(outcome, self._writer)
        self._put_in_force(outcome)
        if self._writer is not None:
            self._writer.refresh(outcome.written)
        return None

    async def _commit(self, outcome: Outcome, writer: Writer) -> None:
        aor = (outcome.written or outcome.removed)[0].aor
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unsettled[aor] = settled
        try:
            await writer.commit(outcome.written, outcome.removed)
            self._put_in_force(outcome)
        finally:
            if self._unsettled.get(aor) is settled:
                del self._unsettled[aor]
            settled.set_result(None)

    def _put_in_force(self, outcome: Outcome) -> None:
        for binding in outcome.removed:
            self.forget(binding.aor, binding.binding_id)
        for binding in outcome.written:
            self.put(binding)

    # -- single bindings

    def put(self, binding: Binding) -> None:
        """Add or replace one binding, as this node or another has it."""
        aor = binding.aor
        held = self._by_aor.get(aor)
        if held is None:
            self._by_aor[aor] = binding
            self._count += 1
            self._watch(aor, binding.expires_at)
        else:
            self._put_beside(binding, held if isinstance(held, tuple) else (held,))
        if binding.flow_token is not None and binding.protocol != "udp":
            self._aors_on_connections[binding.binding_id] = aor

    def _put_beside(self, binding: Binding, held: tuple[Binding, ...]) -> None:
        old = None
        others = []
        for one in held:
            if one.binding_id == binding.binding_id:
                old = one
            else:
                others.append(one)
        self._by_aor[binding.aor] = (*others, binding) if others else binding
        if all(binding.expires_at < one.expires_at for one in held):
            self._watch(binding.aor, binding.expires_at)
        if old is None:
            self._count += 1
        elif old.flow_token != binding.flow_token:
            self._left(old)

    def forget(self, aor: Aor, binding_id: str) -> Binding | None:
        """Take a binding out of memory."""
        held = self._held(aor)
        for old in held:
            if old.binding_id == binding_id:
                break
        else:
            return None
        self._count -= 1
        others = tuple([one for one in held if one is not old])
        if not others:
            del self._by_aor[aor]
        else:
            self._by_aor[aor] = others if len(others) > 1 else others[0]
        self._left(old)
        return old

    def _left(self, old: Binding) -> None:
        """A way that calls went is gone."""
        self._aors_on_connections.pop(old.binding_id, None)
        if self._on_removed is not None:
            self._on_removed(old)

    def drop(self, binding_ids: Iterable[str]) -> list[Binding]:
        """Remove bindings whose connection is gone, here and in PostgreSQL (RFC 5626 s4.2.2)."""
        removed = []
        for binding_id in binding_ids:
            aor = self._aors_on_connections.get(binding_id)
            if aor is not None and (old := self.forget(aor, binding_id)) is not None:
                removed.append(old)
        if removed and self._writer is not None:
            self._writer.drop(removed)
        return removed

    def drop_silent(self, binding: Binding) -> None:
        """Remove a binding whose phone does not answer, here and in PostgreSQL."""
        if self.forget(binding.aor, binding.binding_id) is not None and self._writer is not None:
            self._writer.drop([binding])

    # -- expiry

    def _watch(self, aor: Aor, expires_at: float) -> None:
        self._expiry.setdefault(int(expires_at) // _BUCKET_SECONDS, []).append(aor)

    def sweep(self, *, wall: float) -> list[Binding]:
        """Forget what has expired; the rows are removed by housekeeping."""
        expired = []
        over = int(wall) // _BUCKET_SECONDS
        for bucket in [bucket for bucket in self._expiry if bucket < over]:
            for aor in set(self._expiry.pop(bucket)):
                held = self._held(aor)
                for binding in held:
                    if binding.expires_at <= wall:
                        self.forget(aor, binding.binding_id)
                        expired.append(binding)
                ends = [binding.expires_at for binding in held if binding.expires_at > wall]
                if ends:
                    self._watch(aor, min(ends))
        return expired


def _by_preference(binding: Binding) -> tuple[int, float]:
    return -binding.q, -binding.registered_at
