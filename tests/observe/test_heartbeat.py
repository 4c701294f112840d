"""The node's row."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from proxy.observe.heartbeat import Facts, Heartbeat, Peer
from proxy.observe.platform_use import Told, UsersTold

pytestmark = pytest.mark.db


async def test_the_row_says_what_the_node_carries(fresh_url: str) -> None:
    carried = asyncio.Event()

    def facts() -> Facts:
        carried.set()
        return Facts(1, 2, 3, 4, {"a": True}, {"7": [2, 0, 0]}, {"a@b.test": 2})

    heartbeat = Heartbeat(
        fresh_url, node_id="n1", version="9", facts=facts, peers={}, on_use=lambda *_: None
    )
    heartbeat.start("192.0.2.1:5060", [("udp", "192.0.2.1", "192.0.2.1", 5060)])
    await asyncio.wait_for(carried.wait(), 10)
    row = None
    async with await psycopg.AsyncConnection.connect(fresh_url, autocommit=True) as connection:
        while row is None:
            cursor = await connection.execute(
                "SELECT node_id, version, address, listeners, flows, bindings, calls, lost_calls,"
                " relays, tenants, users, now() - seen_at < interval '10 s' FROM proxy_node"
            )
            row = await cursor.fetchone()
    where = ("192.0.2.1:5060", [["udp", "192.0.2.1", "192.0.2.1", 5060]])
    assert row == (
        "n1",
        "9",
        *where,
        1,
        2,
        3,
        4,
        {"a": True},
        {"7": [2, 0, 0]},
        {"a@b.test": 2},
        True,
    )
    await heartbeat.close()


async def test_nodes_find_each_other(fresh_url: str) -> None:
    peers: dict[str, dict[bytes, Peer]] = {"n1": {}, "n2": {}}
    use: dict[str, tuple[dict[str, Told], dict[str, UsersTold]]] = {}
    turns: asyncio.Queue[None] = asyncio.Queue()

    def facts() -> Facts:
        turns.put_nowait(None)
        return Facts(0, 0, 0, 0, {}, {"7": [1, 5, 10]}, {"a@b.test": 1})

    def node(name: str) -> Heartbeat:
        def learn(tenants: dict[str, Told], users: dict[str, UsersTold]) -> None:
            use[name] = (tenants, users)

        return Heartbeat(
            fresh_url, node_id=name, version="9", facts=facts, peers=peers[name], on_use=learn
        )

    nodes = [node(name) for name in peers]
    nodes[0].start("192.0.2.1:5060", [("udp", "192.0.2.1", "192.0.2.1", 5060)])
    nodes[1].start(
        "[2001:db8::2]:5070",
        [
            ("udp", "2001:db8::2", "[2001:db8::2]", 5070),
            ("tls", "::1", "[::1]", 5061),
            ("tls", "2001:db8::2", "[2001:db8::2]", 5071),
        ],
    )
    while not all(peers.values()):
        await asyncio.wait_for(turns.get(), 10)
    assert peers["n1"] == {b"n2": Peer(b"[2001:db8::2]", 5070, (b"[2001:db8::2]", 5071))}
    assert peers["n2"] == {b"n1": Peer(b"192.0.2.1", 5060, None)}
    assert use == {
        name: ({other: {"7": [1, 5, 10]}}, {other: {"a@b.test": 1}})
        for name, other in (("n1", "n2"), ("n2", "n1"))
    }
    for each in nodes:
        await each.close()
