"""Call records reach PostgreSQL, also when it was away, and one bad one costs no other."""

from __future__ import annotations

import psycopg
import pytest

from proxy.observe.records import CallRecord, Records, as_text

pytestmark = pytest.mark.db


def record(call_id: bytes, **changes: object) -> CallRecord:
    made = CallRecord(
        call_id, None, None, b"sip:a@x", b"sip:b@x", b"sip:b@x", 1.8e9, None, 1.8e9 + 5, 486,
        b"Busy Here", "callee", "a", "", b"phone", None,
    )  # fmt: skip
    return made._replace(**changes)


def written(url: str) -> list[tuple[str, int, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT call_id, status, reason FROM proxy_call ORDER BY call_id"
        ).fetchall()


async def test_a_batch(fresh_url: str) -> None:
    records = Records(fresh_url)
    for number in range(1500):
        records.add(record(b"call-%04d" % number))
    await records.write()
    assert not len(records)
    rows = written(fresh_url)
    assert len(rows) == 1500
    assert rows[0] == ("call-0000", 486, "Busy Here")
    await records.close()


async def test_one_that_is_refused_costs_no_other(fresh_url: str) -> None:
    records = Records(fresh_url)
    records.add(record(b"one"))
    records.add(record(b"two", status=2**40))
    records.add(record(b"three", caller=b"nul\0 and \xff" + b"x" * 5000))
    await records.write()
    assert [row[0] for row in written(fresh_url)] == ["one", "three"]
    assert (len(records), records.lost) == (0, 1)
    await records.close()


async def test_they_wait_while_postgresql_is_away() -> None:
    records = Records("postgresql://x@/y?host=/nonexistent")
    records.add(record(b"one"))
    with pytest.raises(psycopg.OperationalError):
        await records.write()
    assert len(records) == 1
    await records.close()


def test_text_for_the_database_is_bounded_and_clean() -> None:
    assert as_text(b"a\0b\xff") == "ab\N{REPLACEMENT CHARACTER}"
    assert len(as_text(b"x" * 10_000)) == 500
