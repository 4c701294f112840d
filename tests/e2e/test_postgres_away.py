"""Calls while PostgreSQL is away: each is on record once when it is back, whatever else happened.

Ten minutes of it at a steady rate, with figures: tests/bench/away.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fedsip_platform.launch.postgres import EmbeddedPostgres
from tests.harness import outage
from tests.harness.database import server_of_its_own
from tests.harness.open_phones import CALLEE, Phone, caller_at, provide, running
from tests.harness.platform import Platform
from tests.harness.waiting import eventually

pytestmark = pytest.mark.e2e

A_SECOND = 200.0


@asynccontextmanager
async def site(
    folder: Path, **settings: str
) -> AsyncIterator[tuple[Platform, EmbeddedPostgres, str, Phone]]:
    """A platform, its own PostgreSQL and that one's address, and a phone to call CALLEE with."""
    with server_of_its_own() as (postgres, url):
        platform = Platform(
            folder, database_url=url, addresses=("127.0.0.1",), own_relay=False, settings=settings
        )
        await asyncio.to_thread(provide, platform)
        async with running(platform), caller_at(platform) as caller:
            yield platform, postgres, url, caller


async def all_are_on_record(platform: Platform, url: str, caller: Phone) -> None:
    """Each once, none still open, and nothing left on disk."""
    await eventually(lambda: outage.are_on_record(caller.placed, url), "every call is on record")
    await eventually(lambda: not outage.spooled(platform.folder), "the spool is gone")
    assert outage.difference(caller.placed, url) == (set(), set())


@pytest.mark.parametrize("is_killed", [False, True], ids=["goes on", "is killed"])
async def test_every_call_is_on_record_once(tmp_path: Path, is_killed: bool) -> None:
    """Also when the proxy is killed (-9) while records wait on disk."""
    async with site(tmp_path) as (platform, postgres, url, caller):
        await caller.many(CALLEE, 100, A_SECOND)
        await asyncio.to_thread(postgres.stop)
        await caller.many(CALLEE, 300, A_SECOND)
        await eventually(lambda: outage.spooled(platform.folder), "records wait on disk")
        await caller.many(CALLEE, 100, A_SECOND)
        if is_killed:
            platform.kill("proxy")
            assert outage.spooled(platform.folder)
        await asyncio.to_thread(postgres.start)
        if is_killed:
            await asyncio.to_thread(platform.start, "proxy")
        await caller.many(CALLEE, 100, A_SECOND)
        assert len(caller.placed) == 600
        await all_are_on_record(platform, url, caller)


async def test_beyond_the_bound_of_the_disk_they_wait_in_memory(tmp_path: Path) -> None:
    async with site(tmp_path, FEDSIP_SIP_SPOOL_MEGABYTES="1") as (platform, postgres, url, caller):
        await asyncio.to_thread(postgres.stop)
        await caller.many(CALLEE, 1500, A_SECOND)
        said = platform.program("proxy").awaits(r"ERROR .* spool is full, call records wait in")
        assert said
        assert outage.waiting_bytes(platform.folder) <= 2_000_000  # spool and journal, each 1 MB
        await asyncio.to_thread(postgres.start)
        await all_are_on_record(platform, url, caller)
