"""Installs what the proxies see: the views and triggers of the folder sql/.

The files hold the present state, not its history. Every `migrate` that changes anything takes views
and triggers away before (they would hold on to columns) and makes them anew after, so no migration
has to mention them. Proxies that run meanwhile go on from memory, and read everything anew
afterwards: what changed while no trigger looked is not lost.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

SQL = Path(__file__).parent / "sql"


def take_away(sender: Any, using: str, plan: Any = (), **_: Any) -> None:
    """Before tables change (Django's pre_migrate)."""
    with connections[using].cursor() as cursor:
        cursor.execute("SET ROLE NONE")  # tables are changed by their owner: sql/rights.sql
    if plan:
        with connections[using].schema_editor() as schema_editor:
            uninstall(None, schema_editor)


def make_anew(sender: Any, using: str, plan: Any = (), **_: Any) -> None:
    """After tables have changed (post_migrate), once every migration is applied: going back in
    time leaves nothing published, since the files name the tables of today."""
    connection = connections[using]
    executor = MigrationExecutor(connection)
    if plan and not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        with connection.schema_editor() as schema_editor:
            install(None, schema_editor)


def create_tables(apps: Any, schema_editor: Any) -> None:
    """The tables without models; run once, by the first migration."""
    _run(schema_editor, "tables.sql")


def install(apps: Any, schema_editor: Any) -> None:
    """Make views, functions and triggers anew, and have proxies read everything anew."""
    for name in ("drop.sql", "views.sql", "triggers.sql", "webhooks.sql", "rights.sql"):
        _run(schema_editor, name)
    schema_editor.execute(
        "UPDATE directory_change_horizon"
        " SET xid = (pg_current_xact_id()::text::bigint + 1)::text::xid8"
    )


def uninstall(apps: Any, schema_editor: Any) -> None:
    """Take views, functions and triggers away."""
    _run(schema_editor, "drop.sql")


def drop_tables(apps: Any, schema_editor: Any) -> None:
    """The reverse of `create_tables`."""
    schema_editor.execute(
        "DROP TABLE directory_change, directory_change_horizon;"
        "DROP INDEX location_binding_by_xid, location_binding_by_expiry;"
        "ALTER TABLE location_binding DROP COLUMN xid",
        params=None,
    )


def _run(schema_editor: Any, name: str) -> None:
    schema_editor.execute((SQL / name).read_text(), params=None)  # None: % is no placeholder
