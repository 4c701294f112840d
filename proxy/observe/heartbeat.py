"""Writes this node's row twice a second, and reads of the other living nodes where they are and
what tenants and users use there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from proxy.postgres import Connection, Database

from .platform_use import Told, UsersTold

log = logging.getLogger(__name__)

Listening = tuple[str, str, str, int]
"""Protocol, address, and host and port as others reach it."""
_SECONDS: Final = 0.5
_UPSERT: Final = (
    b"INSERT INTO proxy_node"
    b" (node_id, started_at, seen_at, version, address, listeners, flows, bindings, calls,"
    b" lost_calls, relays, tenants, users)"
    b" VALUES (%s, now(), now(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    b" ON CONFLICT (node_id) DO UPDATE SET"
    b" started_at = CASE WHEN %s THEN now() ELSE proxy_node.started_at END, seen_at = now(),"
    b" version = EXCLUDED.version, address = EXCLUDED.address,"
    b" listeners = EXCLUDED.listeners, flows = EXCLUDED.flows,"
    b" bindings = EXCLUDED.bindings, calls = EXCLUDED.calls, lost_calls = EXCLUDED.lost_calls,"
    b" relays = EXCLUDED.relays, tenants = EXCLUDED.tenants, users = EXCLUDED.users"
)
_PEERS: Final = (
    b"SELECT node_id, address, listeners, tenants, users FROM proxy_node"
    b" WHERE node_id <> %s AND address <> '' AND seen_at > now() - interval '10 s'"
)


class Facts(NamedTuple):
    """What a node carries now. `lost_calls`: how many records it could not keep since it began."""

    flows: int
    bindings: int
    calls: int
    lost_calls: int
    relays: dict[str, Any]
    tenants: Told
    users: UsersTold


class Peer(NamedTuple):
    """Where another node is reached: by UDP or TCP, and by TLS if it listens to that."""

    host: bytes
    port: int
    by_tls: tuple[bytes, int] | None = None


class Heartbeat:
    """`facts()` says what is written. `peers` is kept up to date: each other node that lives, by
    its id; `on_use` is told what tenants and users use there."""

    __slots__ = (
        "_address",
        "_database",
        "_facts",
        "_is_first",
        "_listeners",
        "_node_id",
        "_on_use",
        "_peers",
        "_task",
        "_version",
    )

    def __init__(
        self,
        url: str,
        *,
        node_id: str,
        version: str,
        facts: Callable[[], Facts],
        peers: dict[bytes, Peer],
        on_use: Callable[[dict[str, Told], dict[str, UsersTold]], None],
    ) -> None:
        self._database = Database(url, name="heartbeat")
        self._node_id = node_id
        self._version = version
        self._address = ""
        self._listeners: Sequence[Listening] = ()
        self._facts = facts
        self._peers = peers
        self._on_use = on_use
        self._is_first = True
        self._task: asyncio.Task[None] | None = None

    def start(self, address: str, listeners: Sequence[Listening]) -> None:
        """Begin; `address` is where other nodes reach this one."""
        self._address = address
        self._listeners = listeners
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._database.close()

    async def _run(self) -> None:
        while True:
            try:
                connection = await self._database.connection()
                await self._write(connection)
                await self._read_peers(connection)
            except psycopg.Error as error:
                log.debug("heartbeat not written reason=%s", error)
            await asyncio.sleep(_SECONDS)

    async def _write(self, connection: Connection) -> None:
        *counts, relays, tenants, users = self._facts()
        where = (self._address, Jsonb(self._listeners))
        state = (*counts, Jsonb(relays), Jsonb(tenants), Jsonb(users), self._is_first)
        await connection.execute(_UPSERT, (self._node_id, self._version, *where, *state))
        self._is_first = False

    async def _read_peers(self, connection: Connection) -> None:
        cursor = await connection.execute(_PEERS, (self._node_id,))
        found, use, of_users = {}, {}, {}
        for node_id, address, listeners, tenants, users in await cursor.fetchall():
            use[node_id], of_users[node_id] = tenants, users
            host, _, port = address.rpartition(":")
            found[node_id.encode()] = Peer(host.encode(), int(port), _by_tls(host, listeners))
        self._on_use(use, of_users)
        if found != self._peers:
            log.info("other nodes now=%s", [node_id.decode() for node_id in found])
            self._peers.clear()
            self._peers.update(found)


def _by_tls(host: str, listeners: list[Listening]) -> tuple[bytes, int] | None:
    """Where a node listens to TLS: at the host where it is reached otherwise, if there."""
    found = [(name, port) for protocol, _, name, port in listeners if protocol == "tls"]
    if not found:
        return None
    name, port = min(found, key=lambda one: one[0] != host)
    return name.encode(), port
