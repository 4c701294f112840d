"""A wish in the database reaches the node that it is for, and is marked as done."""

from __future__ import annotations

import asyncio

import pytest

from proxy.observe.hang_ups import HangUps
from tests.harness.database import Administrator, until

pytestmark = pytest.mark.db


async def test_a_wish_is_heard_at_once(fresh_url: str) -> None:
    wanted: asyncio.Queue[str] = asyncio.Queue()

    def hang_up(public_id: str) -> str:
        wanted.put_nowait(public_id)
        return "hung up"

    hang_ups = HangUps(fresh_url, node_id="n1", hang_up=hang_up)
    hang_ups.start()
    administrator = Administrator(fresh_url)
    for node, number in (("n2", 2), ("n1", 1)):
        administrator.add("calls_hangup", public_id=f"{number:032x}", node_id=node)
    assert await asyncio.wait_for(wanted.get(), 10) == f"{1:032x}"
    done = "SELECT node_id, outcome FROM calls_hangup WHERE done_at IS NOT NULL"
    await until(lambda: administrator.ask(done) == [("n1", "hung up")], "it is marked")
    assert wanted.empty()
    administrator.close()
    await hang_ups.close()
