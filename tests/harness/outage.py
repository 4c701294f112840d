"""Calls while PostgreSQL is away: what waits on disk, and what is on record when it is back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import psycopg


def waiting_bytes(state: Path) -> int:
    """How much waits on disk in a proxy's state folder: its spool, and the journal of calls."""
    return sum(file.stat().st_size for file in (state / "spool").glob("*.jsonl"))


def spooled(state: Path) -> bool:
    """Whether batches of records wait there."""
    return any((state / "spool").glob("calls-*.jsonl"))


def recorded(url: str) -> Counter[str]:
    """How many records there are of each Call-ID."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT call_id FROM calls_callrecord").fetchall()
    return Counter(call_id for (call_id,) in rows)


def open_calls(url: str) -> int:
    """How many calls still go on, by the rows of those."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM calls_livecall").fetchone()
    assert row is not None
    return int(row[0])


def difference(placed: Iterable[str], url: str) -> tuple[set[str], set[str]]:
    """Calls without a record, and those with more than one."""
    found = recorded(url)
    return set(placed) - set(found), {call_id for call_id, count in found.items() if count > 1}


def are_on_record(placed: Iterable[str], url: str) -> bool:
    """Whether each of those calls has a record, and none is open."""
    return not open_calls(url) and not difference(placed, url)[0]
