"""The node's row."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from proxy.observe.heartbeat import Facts, Heartbeat, Peer
from proxy.observe.platform_use import Told

pytestmark = pytest.mark.db


async def test_the_row_says_what_the_node_carries(fresh_url: str) -> None:
    carried = asyncio.Event()

    def facts() -> Facts:
        carried.set()
        return Facts(1, 2, 3, 4, {"a": True}, {"7": [2, 0, 0]})

    heartbeat = Heartbeat(
        fresh_url, node_id="n1", version="9", facts=facts, peers={}, on_use=lambda _: None
    )
    heartbeat.start("192.0.2.1:5060", [("udp", "192.0.2.1", "192.0.2.1", 5060)])
    await asyncio.wait_for(carried.wait(), 10)
    row = None
    async with await psycopg.AsyncConnection.connect(fresh_url, autocommit=True) as connection:
        while row is None:
            cursor = await connection.execute(
                "SELECT node_id, version, address, listeners, flows, bindings, calls, lost_calls,"
                " relays, tenants, now() - seen_at < interval '10 s' FROM proxy_node"
            )
            row = await cursor.fetchone()
    where = ("192.0.2.1:5060", [["udp", "192.0.2.1", "192.0.2.1", 5060]])
    assert row == ("n1", "9", *where, 1, 2, 3, 4, {"a": True}, {"7": [2, 0, 0]}, True)
    await heartbeat.close()


async def test_nodes_find_each_other(fresh_url: str) -> None:
    peers: dict[str, dict[bytes, Peer]] = {"n1": {}, "n2": {}}
    use: dict[str, dict[str, Told]] = {"n1": {}, "n2": {}}
    turns: asyncio.Queue[None] = asyncio.Queue()

    def facts() -> Facts:
        turns.put_nowait(None)
        return Facts(0, 0, 0, 0, {}, {"7": [1, 5, 10]})

    nodes = [
        Heartbeat(
            fresh_url, node_id=name, version="9", facts=facts, peers=known, on_use=use[name].update
        )
        for name, known in peers.items()
    ]
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
    assert use == {"n1": {"n2": {"7": [1, 5, 10]}}, "n2": {"n1": {"7": [1, 5, 10]}}}
    for node in nodes:
        await node.close()
