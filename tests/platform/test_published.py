"""What the proxies see: views, change rows, doorbells; each test has a database of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from fedsip_platform.environment import ROOT

pytestmark = pytest.mark.db

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def database(fresh_url: str) -> Iterator[Connection]:
    with psycopg.connect(fresh_url, autocommit=True) as connection:
        connection.execute("INSERT INTO tenants_tenant (name, slug) VALUES ('Acme', 'acme')")
        connection.execute(
            "INSERT INTO directory_domain (tenant_id, name, vouched)"
            " SELECT id, 'd' || n || '.example', true FROM tenants_tenant, generate_series(1, 3) n"
        )
        connection.execute(
            "INSERT INTO directory_subscriber (domain_id, username, aor, ha1_md5, ha1_sha256)"
            " SELECT id, 'alice', 'alice@' || name, md5(''), '' FROM directory_domain"
        )
        yield connection


@pytest.fixture
def listener(fresh_url: str, database: Connection) -> Iterator[Connection]:
    with psycopg.connect(fresh_url, autocommit=True) as connection:
        connection.execute("LISTEN fedsip_directory")
        connection.execute("LISTEN fedsip_location")
        yield connection


def heard(listener: Connection) -> list[str]:
    """Doorbells since the last time. The server delivers them before its answer to a query."""
    listener.execute("SELECT 1")
    return [notify.channel for notify in listener.notifies(timeout=0)]


def changes_since(database: Connection, change_id: int) -> list[tuple[Any, ...]]:
    return database.execute(
        "SELECT kind, row_id FROM proxy_change WHERE change_id > %s ORDER BY kind, row_id",
        [change_id],
    ).fetchall()


def last_change(database: Connection) -> int:
    row = database.execute("SELECT max(change_id) FROM proxy_change").fetchone()
    assert row is not None
    return row[0]


def ids(database: Connection, table: str) -> list[int]:
    return [id for (id,) in database.execute(f"SELECT id FROM {table} ORDER BY id").fetchall()]  # type: ignore[arg-type]


INSERTS = {
    "domain": "INSERT INTO directory_domain (tenant_id, name)"
    " SELECT id, 'new' || n || '.example' FROM tenants_tenant, generate_series(1, 5) n",
    "subscriber": "INSERT INTO directory_subscriber"
    " (domain_id, username, aor, ha1_md5, ha1_sha256)"
    " SELECT id, 'bob', 'bob@' || name, md5(''), '' FROM directory_domain",
    "translation": "INSERT INTO directory_translation (domain_id, tran_user)"
    " SELECT id, 'x' FROM directory_domain",
}


@pytest.mark.parametrize("kind", INSERTS)
def test_each_statement_leaves_rows_and_rings_once(
    database: Connection, listener: Connection, kind: str
) -> None:
    table = f"directory_{kind}"
    before = set(ids(database, table))
    mark = last_change(database)
    heard(listener)

    database.execute(INSERTS[kind])
    added = sorted(set(ids(database, table)) - before)
    assert len(added) >= 3
    assert changes_since(database, mark) == [(kind, row_id) for row_id in added]
    assert heard(listener) == ["fedsip_directory"]

    mark = last_change(database)
    database.execute(f"UPDATE {table} SET note = 'x' WHERE id = ANY(%s)", [added])  # type: ignore[arg-type]
    assert changes_since(database, mark) == [(kind, row_id) for row_id in added]
    assert heard(listener) == ["fedsip_directory"]

    mark = last_change(database)
    database.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [added])  # type: ignore[arg-type]
    assert changes_since(database, mark) == [(kind, row_id) for row_id in added]
    assert "fedsip_directory" in heard(listener)


def test_a_statement_without_effect_is_silent(database: Connection, listener: Connection) -> None:
    heard(listener)
    mark = last_change(database)
    for table in ("domain", "subscriber", "translation"):
        database.execute(f"UPDATE directory_{table} SET note = 'x' WHERE false")  # type: ignore[arg-type]
        database.execute(f"DELETE FROM directory_{table} WHERE false")  # type: ignore[arg-type]
    assert changes_since(database, mark) == []
    assert heard(listener) == []


def test_a_disabled_tenant_changes_its_domains_only(
    database: Connection, listener: Connection
) -> None:
    heard(listener)
    mark = last_change(database)
    database.execute("UPDATE tenants_tenant SET enabled = false")
    assert changes_since(database, mark) == [
        ("domain", row_id) for row_id in ids(database, "directory_domain")
    ]
    assert heard(listener) == ["fedsip_directory"]
    rows = database.execute("SELECT enabled FROM proxy_domain").fetchall()
    assert rows == [(False,)] * 3
    mark = last_change(database)
    database.execute("UPDATE tenants_tenant SET name = 'Other', max_domains = 5")
    assert changes_since(database, mark) == []


def test_rolled_back_changes_ring_nothing(database: Connection, listener: Connection) -> None:
    heard(listener)
    with database.transaction(force_rollback=True):
        database.execute("UPDATE directory_domain SET note = 'x'")
    assert heard(listener) == []


def test_watermark_finds_what_commits_late(fresh_url: str, database: Connection) -> None:
    """A slow transaction with a small number is still found by a reader that went on meanwhile."""
    query = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
    with psycopg.connect(fresh_url) as slow:
        slow.execute("UPDATE directory_domain SET note = 'slow' WHERE name = 'd1.example'")
        database.execute("UPDATE directory_domain SET note = 'quick' WHERE name = 'd2.example'")
        row = database.execute(query).fetchone()
        assert row is not None
        slow.commit()
    found = database.execute(
        "SELECT name FROM proxy_change c JOIN proxy_domain d ON d.domain_id = c.row_id"
        " WHERE kind = 'domain' AND xid >= %s::xid8",
        [row[0]],
    ).fetchall()
    assert ("d1.example",) in found


BINDING = (
    "INSERT INTO proxy_binding (binding_id, aor, domain_id, subscriber_id, contact, contact_key,"
    " expires_at, registered_at, updated_at, path, nat)"
    " SELECT 'b' || s.subscriber_id, s.aor, s.domain_id, s.subscriber_id, 'sip:x', 'sip:x',"
    " now() + interval '1 hour', now(), now(), ARRAY['<sip:p;lr>'], true FROM proxy_subscriber s"
    " ON CONFLICT (binding_id) DO UPDATE SET expires_at = excluded.expires_at"
)


def test_bindings_are_stamped_and_rung_once(database: Connection, listener: Connection) -> None:
    heard(listener)
    database.execute(BINDING)
    assert heard(listener) == ["fedsip_location"]
    first = database.execute("SELECT DISTINCT xid::text::bigint FROM proxy_binding").fetchall()
    assert len(first) == 1
    database.execute(BINDING)
    second = database.execute("SELECT DISTINCT xid::text::bigint FROM proxy_binding").fetchall()
    assert second[0][0] > first[0][0]
    assert heard(listener) == ["fedsip_location"]


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("UPDATE directory_subscriber SET enabled = false WHERE aor = 'alice@d1.example'", 2),
        ("DELETE FROM directory_subscriber WHERE aor = 'alice@d1.example'", 2),
        ("UPDATE directory_subscriber SET note = 'x'", 3),
        ("UPDATE tenants_tenant SET enabled = false", 3),  # and back again: phones still there
        ("DELETE FROM directory_subscriber; DELETE FROM directory_domain", 0),
    ],
)
def test_who_is_signed_out(
    database: Connection, listener: Connection, statement: str, left: int
) -> None:
    database.execute(BINDING)
    heard(listener)
    database.execute(statement)  # type: ignore[arg-type]
    row = database.execute("SELECT count(*) FROM proxy_binding WHERE NOT deleted").fetchone()
    assert row == (left,)
    assert ("fedsip_location" in heard(listener)) is (left < 3)


def test_bindings_of_an_open_domain_go_with_it(database: Connection) -> None:
    database.execute("UPDATE directory_domain SET unauthenticated = true")
    database.execute(BINDING.replace("s.domain_id, s.subscriber_id", "s.domain_id, NULL"))
    database.execute("DELETE FROM directory_subscriber")
    count = "SELECT count(*) FROM proxy_binding WHERE NOT deleted"
    assert database.execute(count).fetchone() == (3,)
    database.execute("DELETE FROM directory_domain WHERE name = 'd1.example'")
    assert database.execute(count).fetchone() == (2,)


def test_nodes_and_calls_are_written_through_views(database: Connection) -> None:
    for _ in range(2):
        database.execute(
            "INSERT INTO proxy_node (node_id, started_at, seen_at, relays)"
            " VALUES ('a', now(), now(), '{\"r\": 1}')"
            " ON CONFLICT (node_id) DO UPDATE SET seen_at = excluded.seen_at"
        )
    database.execute(
        "INSERT INTO proxy_call (call_id, domain_id, started_at, ended_at, status, ended_by)"
        " VALUES ('c', 999, now(), now(), 200, 'caller')"  # its domain may be gone by then
    )
    row = database.execute(
        "SELECT count(DISTINCT public_id), min(caller) FROM calls_callrecord"
    ).fetchone()
    assert row == (1, "")


def test_migrations_can_be_undone(fresh_url: str) -> None:
    for words in (("directory", "0001"), ()):  # what hangs on it is undone with it
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", *words],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": fresh_url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    with psycopg.connect(fresh_url) as connection:
        assert connection.execute("SELECT count(*) FROM proxy_domain").fetchone() == (0,)
