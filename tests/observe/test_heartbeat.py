"""The node's row."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from proxy.observe.heartbeat import Heartbeat

pytestmark = pytest.mark.db


async def test_the_row_says_what_the_node_carries(fresh_url: str) -> None:
    carried = asyncio.Event()

    def facts() -> tuple[int, int, int, dict[str, bool]]:
        carried.set()
        return 1, 2, 3, {"a": True}

    heartbeat = Heartbeat(fresh_url, node_id="n1", version="9", facts=facts)
    heartbeat.start("192.0.2.1:5060")
    await asyncio.wait_for(carried.wait(), 10)
    row = None
    async with await psycopg.AsyncConnection.connect(fresh_url, autocommit=True) as connection:
        while row is None:
            cursor = await connection.execute(
                "SELECT node_id, version, address, flows, bindings, calls, relays,"
                " now() - seen_at < interval '10 s' FROM proxy_node"
            )
            row = await cursor.fetchone()
    assert row == ("n1", "9", "192.0.2.1:5060", 1, 2, 3, {"a": True}, True)
    await heartbeat.close()
