"""Installs what the proxies see: the views and triggers of the folder sql/.

The files hold the present state, not its history. Only the newest migration that needs them runs
them (`install`): when a view or trigger changes, a new migration takes that over, and the older one
that did so becomes empty, since its tables may lack columns that the files name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SQL = Path(__file__).parent / "sql"


def create_tables(apps: Any, schema_editor: Any) -> None:
    """The tables without models; run once, by the first migration."""
    _run(schema_editor, "tables.sql")


def install(apps: Any, schema_editor: Any) -> None:
    """Make views, functions and triggers anew, inside the migration's transaction."""
    for name in ("drop.sql", "views.sql", "triggers.sql"):
        _run(schema_editor, name)


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
