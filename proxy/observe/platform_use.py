"""What tenants and users use at the other nodes, so that their limits hold for the platform and not
for each node.

Each node tells with its heartbeat how many calls of each tenant are open there, and how many have
begun of those whose calls in a second are limited. The others are added to what is counted here:
open calls as they are, calls begun as if they had begun here. So a limit holds to what begins at
several nodes within a heartbeat; nobody waits, and no call asks anybody. Of users only those are
told who have a limit and a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

# Of calls begun: after so long all nodes have read them, many times over.
_TOLD_SECONDS: Final = 10.0

Told = dict[str, list[int]]
"""By the tenant's id: calls that are open, calls begun since the node began, calls a second."""
UsersTold = dict[str, int]
"""By the user's address: calls that are open."""


class Rates(Protocol):
    """Where calls in a second are counted."""

    def count(self, key: int, limit: int, amount: int = 1, *, now: float) -> None:
        """So many have begun."""


class PlatformUse:
    """Counts by tenant and user, of this node for the others and of the others for this one."""

    __slots__ = ("_begun", "_elsewhere", "_limited", "_rates", "_seen", "_users_elsewhere")

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._begun: dict[int, tuple[int, int, float]] = {}  # how many, calls a second, when
        self._elsewhere: dict[int, int] = {}
        self._seen: dict[str, dict[int, int]] = {}  # calls begun, by node
        self._limited: dict[bytes, float] = {}  # users with a limit, and when they called last
        self._users_elsewhere: dict[bytes, int] = {}

    def elsewhere(self, tenant_id: int) -> int:
        """How many calls of that tenant are open on the other nodes."""
        return self._elsewhere.get(tenant_id, 0)

    def begins(self, tenant_id: int, limit: int, *, now: float) -> None:
        """A call of a tenant that may begin so many in a second begins here."""
        self._rates.count(tenant_id, limit, now=now)
        before = self._begun.get(tenant_id)
        self._begun[tenant_id] = (1 if before is None else before[0] + 1, limit, now)

    def of_user_elsewhere(self, aor: bytes) -> int:
        """How many open calls that user, who has a limit, has made on the other nodes."""
        return self._users_elsewhere.get(aor, 0)

    def user_begins(self, aor: bytes, *, now: float) -> None:
        """A call of a user who may have so many at the same time begins here."""
        self._limited[aor] = now

    def users_told(
        self, of_user: Callable[[bytes], int], *, is_alone: bool = False, now: float
    ) -> UsersTold:
        """What the others are to know of users; `of_user` says how many calls one has open here.
        Nothing where a node `is_alone`, but idle users are forgotten there as well."""
        told: UsersTold = {}
        idle = []
        for aor, at in self._limited.items():
            amount = of_user(aor)
            if amount:
                if not is_alone:
                    told[aor.decode()] = amount
            elif now - at > _TOLD_SECONDS:  # until then the call may still be on its way out
                idle.append(aor)
        for aor in idle:
            del self._limited[aor]
        return told

    def learns_of_users(self, others: Mapping[str, UsersTold]) -> None:
        """What the other living nodes have told of users, by their ids."""
        self._users_elsewhere.clear()
        for told in others.values():
            for name, amount in told.items():
                aor = name.encode()
                self._users_elsewhere[aor] = self._users_elsewhere.get(aor, 0) + amount

    def told(self, open_calls: Mapping[int, int], *, now: float) -> Told:
        """What the others are to know; `open_calls` are those of this node by tenant."""
        told = {str(tenant_id): [amount, 0, 0] for tenant_id, amount in open_calls.items()}
        for tenant_id, (begun, limit, at) in self._begun.items():
            if now - at < _TOLD_SECONDS:
                told[str(tenant_id)] = [open_calls.get(tenant_id, 0), begun, limit]
        return told

    def learns(self, others: Mapping[str, Told], *, now: float) -> None:
        """What the other living nodes have told, by their ids."""
        self._elsewhere.clear()
        for gone in self._seen.keys() - others.keys():
            del self._seen[gone]
        for node_id, told in others.items():
            is_new = node_id not in self._seen
            seen = self._seen.setdefault(node_id, {})
            for key, (amount, begun, limit) in told.items():
                tenant_id = int(key)
                if amount:
                    self._elsewhere[tenant_id] = self._elsewhere.get(tenant_id, 0) + amount
                if limit:
                    before = seen.get(tenant_id, 0)
                    seen[tenant_id] = begun
                    if not is_new:  # else nobody knows when they have begun
                        self._charge(tenant_id, limit, begun, before, now)

    def _charge(self, tenant_id: int, limit: int, begun: int, before: int, now: float) -> None:
        """What has begun elsewhere since it was read last; a node that began anew counts anew.
        There can be no more than its limit let through: a second's at once, and a second's after
        it."""
        amount = begun - before if begun >= before else begun
        if amount:
            self._rates.count(tenant_id, limit, min(amount, 2 * limit), now=now)
