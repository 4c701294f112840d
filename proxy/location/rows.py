"""Bindings as rows of proxy_binding: the one place that knows its columns, and the statements.

One statement writes a whole batch of all three kinds, so that a batch is one transaction, one round
trip and one NOTIFY. Every write is guarded: what another node wrote later stands. Rows travel as
JSON, one parameter for each kind: an array for each column costs psycopg three times as much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from proxy.observe.encoding import encoded
from proxy.postgres import SNAPSHOT_COLUMNS
from proxy.sip.uri import Aor

from .model import Binding, shared

Row = tuple[Any, ...]
AorOf = Callable[[int | None], Aor | None]

# Column, and its type in PostgreSQL; instants travel as epoch seconds, paths as lines.
_TYPES: Final = {
    "binding_id": "text",
    "aor": "text",
    "domain_id": "bigint",
    "subscriber_id": "bigint",
    "contact": "text",
    "instance": "text",
    "reg_id": "int",
    "q": "int",
    "expires_at": "float8",
    "path": "text",
    "flow_token": "text",
    "node_id": "text",
    "protocol": "text",
    "received": "text",
    "nat": "bool",
    "family": "int",
    "call_id": "text",
    "cseq": "bigint",
    "user_agent": "text",
    "methods": "text",
    "registered_at": "float8",
    "contact_key": "text",
    "gruu": "text",
}
# What a refresh may change, and what it must find unchanged.
_REFRESHED: Final = (
    *("expires_at", "call_id", "cseq", "user_agent", "received", "nat", "family", "protocol"),
)
_SAME: Final = ("binding_id", "flow_token", "node_id")
_INSTANTS: Final = ("expires_at", "registered_at")


def _to_column(name: str, value: str) -> str:
    if name in _INSTANTS:
        return f"to_timestamp({value})"
    if name == "path":
        return f"array_remove(string_to_array({value}, E'\\n'), '')"
    return value


def _rows(parameter: str, names: Sequence[str], alias: str) -> str:
    columns = ", ".join(f"{name} {_TYPES[name]}" for name in names)
    return f"json_to_recordset(%({parameter})s::json) AS {alias}({columns})"


_REMOVED: Final = ("binding_id", "call_id", "cseq", "flow_token")
_NAMES: Final = tuple(_TYPES)

# Statements of our own column names; all values are parameters.
WRITE: Final = f"""
WITH removed AS (
    UPDATE proxy_binding b SET deleted = true, updated_at = now()
    FROM {_rows("removed", _REMOVED, "old")}
    WHERE b.binding_id = old.binding_id AND NOT b.deleted AND CASE
        WHEN old.flow_token IS NULL THEN b.call_id <> old.call_id OR b.cseq <= old.cseq
        ELSE b.flow_token = old.flow_token
    END
    RETURNING b.binding_id
), refreshed AS (
    UPDATE proxy_binding b SET
        {", ".join(f"{name} = {_to_column(name, 'new.' + name)}" for name in _REFRESHED)},
        updated_at = now()
    FROM {_rows("refreshed", (*_SAME, *_REFRESHED), "new")}
    WHERE b.binding_id = new.binding_id AND NOT b.deleted AND b.node_id = new.node_id
        AND b.flow_token IS NOT DISTINCT FROM new.flow_token
        AND (b.call_id <> new.call_id OR b.cseq <= new.cseq)
    RETURNING b.binding_id
), written AS (
    INSERT INTO proxy_binding ({", ".join(_NAMES)}, updated_at, deleted)
    SELECT {", ".join(_to_column(name, name) for name in _NAMES)}, now(), false
    FROM {_rows("written", _NAMES, "new")}
    ON CONFLICT (binding_id) DO UPDATE SET
        {", ".join(f"{name} = EXCLUDED.{name}" for name in _NAMES[1:])},
        updated_at = now(), deleted = false
    WHERE proxy_binding.deleted OR proxy_binding.call_id <> EXCLUDED.call_id
        OR proxy_binding.cseq <= EXCLUDED.cseq
    RETURNING binding_id
)
SELECT pg_current_xact_id()::text::bigint, ARRAY(
    SELECT binding_id FROM removed UNION ALL
    SELECT binding_id FROM refreshed UNION ALL
    SELECT binding_id FROM written
)
""".encode()  # noqa: S608

_READ: Final = ", ".join(
    f"extract(epoch FROM b.{name})::float8" if name in _INSTANTS else f"b.{name}"
    for name in _NAMES[: _NAMES.index("contact_key")]
)
LOAD: Final = f"SELECT {_READ}, b.deleted FROM proxy_binding b".encode()  # noqa: S608
LIVE: Final = b" WHERE NOT b.deleted AND b.expires_at > to_timestamp(%s)"
MOST_CHANGES: Final = 2000
# One row at least, for the snapshot; one statement, so that all of it is of that snapshot.
CHANGES: Final = (
    f"SELECT {SNAPSHOT_COLUMNS}, {_READ}, b.deleted"  # noqa: S608
    " FROM (SELECT 1) AS once LEFT JOIN proxy_binding b"
    " ON b.xid >= pg_snapshot_xmin(%(seen)s::pg_snapshot)"
    " AND NOT pg_visible_in_snapshot(b.xid, %(seen)s::pg_snapshot)"
    " AND NOT b.xid = ANY(%(own)s::text[]::xid8[])"
    f" LIMIT {MOST_CHANGES}"
).encode()


def parameters(
    removed: Sequence[tuple[Binding, bool]],
    refreshed: Sequence[Binding],
    written: Sequence[Binding],
) -> dict[str, str]:
    """Values of WRITE. A removal with True is one of that flow alone, whatever the Call-ID."""
    return {
        "removed": encoded([_removed(one, is_of_flow) for one, is_of_flow in removed]).decode(),
        "refreshed": encoded([_columns(one) for one in refreshed]).decode(),
        "written": encoded([_columns(one) for one in written]).decode(),
    }


def _removed(one: Binding, is_of_flow: bool) -> dict[str, Any]:
    return {
        "binding_id": one.binding_id,
        "call_id": one.call_id.decode(),
        "cseq": one.cseq,
        "flow_token": _maybe(one.flow_token) if is_of_flow else None,
    }


def _columns(one: Binding) -> dict[str, Any]:
    return dict(zip(_NAMES, _row(one), strict=True))


def _maybe(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _row(one: Binding) -> Row:
    return (
        one.binding_id,
        one.aor.decode(),
        one.domain_id,
        one.subscriber_id,
        one.contact.decode(),
        _maybe(one.instance),
        one.reg_id,
        one.q,
        one.expires_at,
        "\n".join([value.decode() for value in one.path]),
        _maybe(one.flow_token),
        one.node_id.decode(),
        one.protocol,
        one.received.decode(),
        one.nat,
        one.family,
        one.call_id.decode(),
        one.cseq,
        one.user_agent.decode(),
        one.methods.decode(),
        one.registered_at,
        one.contact_key.decode(),
        _maybe(one.gruu),
    )


def binding_of(row: Row, aor_of: AorOf) -> Binding:
    """A row of LOAD or CHANGES, without what stands around it.

    `aor_of(subscriber_id)` gives the address that is in memory already, to be shared.
    """
    aor, known = Aor(row[1].encode()), aor_of(row[3])
    return Binding(
        binding_id=row[0],
        aor=known if known is not None and known == aor else aor,
        domain_id=shared(row[2]),
        subscriber_id=row[3],
        contact=row[4].encode(),
        instance=None if row[5] is None else row[5].encode(),
        reg_id=row[6],
        q=row[7],
        expires_at=row[8],
        path=tuple([shared(value.encode()) for value in row[9]]),
        flow_token=None if row[10] is None else row[10].encode(),
        node_id=shared(row[11].encode()),
        protocol=shared(row[12]),
        received=row[13].encode(),
        nat=row[14],
        family=row[15],
        call_id=row[16].encode(),
        cseq=row[17],
        user_agent=shared(row[18].encode()),
        methods=shared(row[19].encode()),
        registered_at=row[20],
    )
