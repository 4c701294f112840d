"""Reads from PostgreSQL what changed since the last reading: calls, registrations, blocks, events.

Each reading remembers the snapshot that it saw, and the next one asks for rows whose transaction
was not visible in it, so that nothing is missed that commits late. Tables are found by indexes on
their transaction numbers; records of calls by their id, which grows nearly in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg

MOST: Final = 500
"""Changes in one reading; when there are more, pages are told to load anew."""
_OUT_OF_ORDER: Final = 10_000
"""How far the ids of records may run behind."""

Connection = psycopg.AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `tenant_id` None: for operators alone."""

    kind: str
    """call, registration, block, or what `publish` was given."""
    what: str
    """call: ringing, answered, ended; registration: added, removed; block: added, lifted."""
    key: str
    """Its public id, by which its page is found."""
    tenant_id: int | None
    text: str

    @property
    def addresses(self) -> list[str]:
        """Whose phones it is about; none where people of a tenant alone are told."""
        if self.kind not in ("call", "registration"):
            return []
        return [uri.removeprefix("sip:") for uri in self.text.split(" ")]


@dataclass(frozen=True, slots=True)
class Seen:
    """What has been read."""

    snapshot: str
    last_call: int


_NOW: Final = (
    b"SELECT pg_current_snapshot()::text, (SELECT coalesce(max(id), 0) FROM calls_callrecord)"
)
_UNSEEN: Final = (
    "xid >= pg_snapshot_xmin(%(seen)s::pg_snapshot)"
    " AND NOT pg_visible_in_snapshot(xid, %(seen)s::pg_snapshot)"
)
# A refreshed registration is no news: only one that is as old as its last change is new.
_CHANGES: Final = f"""
SELECT 'call' AS kind, CASE WHEN answered_at IS NULL THEN 'ringing' ELSE 'answered' END AS what,
    public_id::text AS key, tenant_id, caller || ' ' || request_uri AS text
FROM calls_livecall WHERE {_UNSEEN}
UNION ALL
SELECT 'call', 'ended', public_id::text, tenant_id, caller || ' ' || request_uri
FROM calls_callrecord WHERE id > %(last_call)s - {_OUT_OF_ORDER} AND {_UNSEEN}
UNION ALL
SELECT 'registration', CASE WHEN b.deleted THEN 'removed' ELSE 'added' END, b.binding_id,
    d.tenant_id, b.aor
FROM (SELECT * FROM location_binding WHERE {_UNSEEN}) b
JOIN directory_domain d ON d.id = b.domain_id
WHERE b.deleted OR b.updated_at - b.registered_at < interval '5 s'
UNION ALL
SELECT 'block', CASE WHEN lifted_at IS NULL THEN 'added' ELSE 'lifted' END, public_id::text, NULL,
    host(address)
FROM calls_blockedsource WHERE {_UNSEEN}
UNION ALL
SELECT kind, what, key, tenant_id, text FROM live_liveevent WHERE {_UNSEEN}
LIMIT {MOST + 1}
""".encode()  # noqa: S608 -- our own words


async def present(connection: Connection) -> Seen:
    """All that is there now counts as read."""
    row = await (await connection.execute(_NOW)).fetchone()
    assert row is not None  # noqa: S101 -- a SELECT of functions gives a row
    return Seen(*row)


async def since(connection: Connection, seen: Seen) -> tuple[list[Event] | None, Seen]:
    """What changed since then, None when it is too much to tell; and what has been read now."""
    async with connection.transaction():
        await connection.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        now = await present(connection)
        if now.snapshot == seen.snapshot:
            return [], now
        parameters = {"seen": seen.snapshot, "last_call": seen.last_call}
        cursor = await connection.execute(_CHANGES, parameters)
        rows = await cursor.fetchall()
    return (None if len(rows) > MOST else [Event(*row) for row in rows]), now
