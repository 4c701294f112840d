"""All bindings in memory: looked up by AOR in O(1), expired by a heap.

Only the loop's thread reads and writes it. Writing to PostgreSQL is writer.py's, which is handed
what changed and says when it is committed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from heapq import heappop, heappush
from typing import Protocol

from proxy.sip.uri import Aor

from .model import Binding
from .rules import Outcome


class Writer(Protocol):
    """Where changes are made durable."""

    def write(self, written: list[Binding], removed: list[Binding]) -> None:
        """Take note; it is written within a second."""

    def commit(self, written: list[Binding], removed: list[Binding]) -> Awaitable[None]:
        """Write at once; done when it is committed. Raises NotDurable."""


class NotDurable(Exception):
    """PostgreSQL did not take the change in time; it must not be confirmed."""


class Bindings:
    """Every live binding of the cluster."""

    __slots__ = ("_by_aor", "_by_id", "_expiry", "_on_removed", "_token_ids", "_writer")

    def __init__(
        self, writer: Writer | None = None, on_removed: Callable[[Binding], None] | None = None
    ) -> None:
        self._by_aor: dict[Aor, list[Binding]] = {}
        self._by_id: dict[str, Binding] = {}
        self._token_ids: dict[bytes, set[str]] = {}
        self._expiry: list[tuple[float, str]] = []
        self._writer = writer
        self._on_removed = on_removed

    def __len__(self) -> int:
        return len(self._by_id)

    def lookup(self, aor: Aor, *, wall: float) -> list[Binding]:
        """Live bindings, best q first, the newest first among equals."""
        held = self._by_aor.get(aor)
        if held is None:
            return []
        if len(held) == 1:
            return held if held[0].expires_at > wall else []
        live = [binding for binding in held if binding.expires_at > wall]
        live.sort(key=_by_preference)
        return live

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
            self._writer.write(outcome.written, outcome.removed)
        return None

    async def _commit(self, outcome: Outcome, writer: Writer) -> None:
        await writer.commit(outcome.written, outcome.removed)
        self._put_in_force(outcome)

    def _put_in_force(self, outcome: Outcome) -> None:
        for binding in outcome.removed:
            self.forget(binding.binding_id)
        for binding in outcome.written:
            self.put(binding)

    def put(self, binding: Binding) -> None:
        """Add or replace one binding, as this node or another has it."""
        old = self._by_id.get(binding.binding_id)
        if old is not None:
            self._unlink(old)
        self._by_id[binding.binding_id] = binding
        self._by_aor.setdefault(binding.aor, []).append(binding)
        if binding.flow_token is not None:
            self._token_ids.setdefault(binding.flow_token, set()).add(binding.binding_id)
        heappush(self._expiry, (binding.expires_at, binding.binding_id))

    def forget(self, binding_id: str) -> Binding | None:
        """Take a binding out of memory."""
        old = self._by_id.pop(binding_id, None)
        if old is not None:
            self._unlink(old)
            if self._on_removed is not None:
                self._on_removed(old)
        return old

    def get(self, binding_id: str) -> Binding | None:
        return self._by_id.get(binding_id)

    def _unlink(self, binding: Binding) -> None:
        held = self._by_aor[binding.aor]
        held = [one for one in held if one.binding_id != binding.binding_id]
        if held:
            self._by_aor[binding.aor] = held
        else:
            del self._by_aor[binding.aor]
        if binding.flow_token is not None:
            ids = self._token_ids[binding.flow_token]
            ids.discard(binding.binding_id)
            if not ids:
                del self._token_ids[binding.flow_token]

    def drop(self, binding_ids: Iterable[str]) -> list[Binding]:
        """Remove bindings whose flow is gone, here and in PostgreSQL."""
        removed = [old for one in binding_ids if (old := self.forget(one)) is not None]
        if removed and self._writer is not None:
            self._writer.write([], removed)
        return removed

    def sweep(self, *, wall: float) -> list[Binding]:
        """Forget what has expired; the rows are removed by housekeeping."""
        expired = []
        heap = self._expiry
        while heap and heap[0][0] <= wall:
            _, binding_id = heappop(heap)
            binding = self._by_id.get(binding_id)
            if binding is not None and binding.expires_at <= wall:
                self.forget(binding_id)
                expired.append(binding)
        return expired


def _by_preference(binding: Binding) -> tuple[int, float]:
    return -binding.q, -binding.registered_at
