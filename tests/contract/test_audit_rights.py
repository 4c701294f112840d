"""PostgreSQL's permissions: the platform's sessions add to the audit log and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, RestrictViolation

pytestmark = pytest.mark.db

ROOT = Path(__file__).resolve().parents[2]
RIGHTS = (ROOT / "fedsip_platform/directory/sql/rights.sql").read_text()
OLD = (
    "INSERT INTO audit_entry"
    " (at, actor, as_operator, via, token, request_id, action, kind, key, changes)"
    " VALUES (now() - interval '40 days', 'x', false, 'cli', '', '', 'change', 'user', 'a', '{}')"
)

FORBIDDEN = (
    "UPDATE audit_entry SET actor = 'somebody else'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "DROP TABLE audit_entry",
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "DROP TRIGGER audit_stays ON audit_entry",
    "ALTER TABLE audit_entry OWNER TO fedsip_app",
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
    "SET fedsip.audit_forget = 'on'; DELETE FROM audit_entry",
)


@pytest.fixture
def platform(fresh_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A session as the platform's processes have it; a copied database must be told anew."""
    with psycopg.connect(fresh_url, autocommit=True) as owner:
        owner.execute(RIGHTS.encode())
    with psycopg.connect(fresh_url, autocommit=True) as connection:
        yield connection


def one(connection: psycopg.Connection[tuple[object, ...]], query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_migrations_have_told_it(template_url: str, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        found = one(
            connection,
            "SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
            " WHERE d.datname = 'fedsip_template'",
        )
    assert found == ["role=fedsip_app"]


def test_the_platform_adds_and_reads(platform: psycopg.Connection[tuple[object, ...]]) -> None:
    assert one(platform, "SELECT current_user") == "fedsip_app"
    platform.execute(OLD.encode())
    assert one(platform, "SELECT count(*) FROM audit_entry") == 1
    platform.execute(b"INSERT INTO tenants_tenant (name, slug) VALUES ('Acme', 'acme')")
    platform.execute(b"UPDATE tenants_tenant SET name = 'Acme Ltd'")
    platform.execute(b"DELETE FROM tenants_tenant")


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_platform_changes_nothing(
    platform: psycopg.Connection[tuple[object, ...]], statement: str
) -> None:
    platform.execute(OLD.encode())
    with pytest.raises(InsufficientPrivilege):
        platform.execute(statement.encode())
    assert one(platform, "SELECT actor FROM audit_entry") == "x"


def test_the_platform_forgets_what_is_old(platform: psycopg.Connection[tuple[object, ...]]) -> None:
    platform.execute(OLD.encode())
    assert one(platform, "SELECT audit_forget(30)") == 1


def test_the_owner_is_held_by_triggers(platform: psycopg.Connection[tuple[object, ...]]) -> None:
    platform.execute(OLD.encode())
    platform.execute(b"SET ROLE NONE")
    assert one(platform, "SELECT current_user") == "fedsip"
    for statement in FORBIDDEN[:3]:
        with pytest.raises(RestrictViolation):
            platform.execute(statement.encode())


def test_who_may_make_no_roles_goes_on_without(fresh_url: str) -> None:
    with psycopg.connect(fresh_url, autocommit=True) as connection:
        connection.execute(b"CREATE ROLE plain")
        try:
            connection.execute(b"SET ROLE plain")
            connection.execute(RIGHTS.encode())
            connection.execute(b"SET ROLE NONE")
            told = connection.execute(
                b"SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole"
                b" WHERE r.rolname = 'plain'"
            ).fetchall()
            assert told == []
        finally:
            connection.execute(b"SET ROLE NONE")
            connection.execute(b"DROP ROLE plain")
