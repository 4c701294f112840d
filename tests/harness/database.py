"""What an administrator does, in SQL: rows in the platform's tables, for tests of their readers."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from fedsip_platform.launch.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
BOUND_SECONDS = 60.0
POLL_SECONDS = 0.005


class Administrator:
    """A connection to a migrated database, each statement its own transaction."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True)

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()

    def do(self, query: str, *values: object) -> None:
        """Any statement."""
        self.connection.execute(query.encode(), values)

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        return self.connection.execute(query.encode(), values).fetchall()

    def add(self, table: str, **columns: object) -> int:
        """One row; its id."""
        query = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(sql.Placeholder() * len(columns)),
        )
        row = self.connection.execute(query, list(columns.values())).fetchone()
        assert row is not None
        return int(row[0])

    def tenant(self, slug: str = "acme") -> int:
        return self.add("tenants_tenant", name=slug.title(), slug=slug)

    def domain(self, tenant_id: int, name: str = "example.com", **columns: object) -> int:
        return self.add("directory_domain", tenant_id=tenant_id, name=name, vouched=True, **columns)

    def subscriber(self, domain_id: int, aor: str, **columns: object) -> int:
        hashes = {"ha1_md5": "5a" * 16, "ha1_sha256": "5a" * 32}
        return self.add(
            "directory_subscriber",
            domain_id=domain_id,
            aor=aor,
            username=aor.partition("@")[0],
            **(hashes | columns),
        )

    def translation(self, domain_id: int, **columns: object) -> int:
        return self.add("directory_translation", domain_id=domain_id, **columns)

    def end_connections(self, name: str) -> int:
        """Terminate the backends of an application; how many there were."""
        rows = self.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            name,
        )
        return len(rows)


@contextmanager
def server_of_its_own() -> Iterator[tuple[EmbeddedPostgres, str]]:
    """A migrated server that a test may stop and start, and its address, which stays the same."""
    folder = Path(tempfile.mkdtemp(prefix="away-"))
    folder.chmod(0o711)  # the server's user must be able to enter
    server = EmbeddedPostgres(folder, durable=False)
    try:
        url = server.start()
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url},
            check=True,
        )
        yield server, url
    finally:
        server.stop()
        shutil.rmtree(folder)


async def until(condition: Callable[[], bool], what: str) -> None:
    """Let the loop run until the condition holds; fail with `what` when it never does."""
    try:
        async with asyncio.timeout(BOUND_SECONDS):
            while not condition():  # noqa: ASYNC110 -- a condition of any kind, without events
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"waited {BOUND_SECONDS:.0f} s in vain until {what}") from None
