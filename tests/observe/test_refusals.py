"""What federation refused, counted in memory and written by the day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from proxy.observe.refusals import Refusals

DAY = 86400.0


@pytest.fixture
def database(fresh_url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(fresh_url, autocommit=True) as connection:
        connection.execute("INSERT INTO tenants_tenant (name, slug) VALUES ('Acme', 'acme')")
        connection.execute(
            "INSERT INTO directory_domain (id, tenant_id, name)"
            " SELECT 7, id, 'example.com' FROM tenants_tenant"
        )
        yield connection


def test_names_that_strangers_choose_are_bounded() -> None:
    refusals = Refusals("-", wall=lambda: DAY)
    for number in range(500):
        refusals.add(1, b"%d.test" % number, "in", "denied")
    refusals.add(2, b"other.test", "in", "denied")
    counts = refusals.counts
    assert len(counts) == 102
    assert counts[1, "", "in", "denied", "1970-01-02"] == 400


@pytest.mark.db
async def test_counts_add_up_by_day(
    fresh_url: str, database: psycopg.Connection[tuple[Any, ...]]
) -> None:
    now = DAY
    refusals = Refusals(fresh_url, wall=lambda: now)
    for _ in range(2):
        refusals.add(7, b"elsewhere.test", "in", "denied")
        refusals.add(7, b"elsewhere.test", "in", "denied")
        refusals.add(7, b"elsewhere.test", "out", "caller_rate")
        await refusals.write()
    now += DAY
    refusals.add(7, b"elsewhere.test", "in", "denied")
    refusals.add(99, b"elsewhere.test", "in", "denied")  # a domain that was deleted
    await refusals.close()
    rows = database.execute(
        "SELECT domain_id, peer, direction, why, day::text, amount FROM proxy_refusal ORDER BY 3, 5"
    ).fetchall()
    assert rows == [
        (7, "elsewhere.test", "in", "denied", "1970-01-02", 4),
        (7, "elsewhere.test", "in", "denied", "1970-01-03", 1),
        (7, "elsewhere.test", "out", "caller_rate", "1970-01-02", 2),
    ]
    assert not refusals.counts


@pytest.mark.db
async def test_what_could_not_be_written_waits() -> None:
    refusals = Refusals("postgresql:///x?host=/nonexistent", wall=lambda: DAY)
    refusals.add(7, b"elsewhere.test", "in", "denied")
    with pytest.raises(psycopg.OperationalError):
        await refusals.write()
    assert refusals.counts == {(7, "elsewhere.test", "in", "denied", "1970-01-02"): 1}
