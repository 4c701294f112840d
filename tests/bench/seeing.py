"""What it costs calls that they are seen: records, rows while they go on, messages.

    python -m tests.bench.seeing [--calls 1000] [--rate 50] [--rounds 2]

Calls within one domain through a real proxy on processor 0, the phones on processor 1, as in
tests/bench/federation.py; by turns

    all            records, rows of calls that go on, all messages
    no messages    FEDSIP_SIP_TRACE=off
    no live rows   FEDSIP_SIP_LIVE_CALLS=off besides
    away           all, while PostgreSQL is stopped: what is to be written goes to the disk

and of each the proxy's CPU for a call, and how long INVITE to 200 took.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import Final

from fedsip_platform.launch.postgres import EmbeddedPostgres
from tests.bench.federation import cpu_and_latency, spread
from tests.bench.machine import temporary_folder
from tests.harness.open_phones import CALLEE, caller_at, provide, running
from tests.harness.platform import Platform

SETTINGS: Final[dict[str, dict[str, str]]] = {
    "all": {},
    "no messages": {"FEDSIP_SIP_TRACE": "off"},
    "no live rows": {"FEDSIP_SIP_TRACE": "off", "FEDSIP_SIP_LIVE_CALLS": "off"},
    "away": {},
}


async def measure(
    name: str, folder: Path, postgres: EmbeddedPostgres, url: str, args: argparse.Namespace
) -> None:
    """One line for one of the settings."""
    platform = Platform(
        folder,
        database_url=url,
        addresses=("127.0.0.1",),
        own_relay=False,
        settings=SETTINGS[name]
        | {"FEDSIP_SIP_TRACE_PER_SECOND": "1000000", "FEDSIP_LOG_LEVEL": "WARNING"},
    )
    async with running(platform), caller_at(platform) as caller:
        pid = platform.program("proxy").process.pid
        os.sched_setaffinity(pid, {0})
        os.sched_setaffinity(0, {1})
        try:
            if name == "away":
                await asyncio.to_thread(postgres.stop)
            micro, seconds = await cpu_and_latency(pid, caller, CALLEE, args.calls, args.rate)
        finally:
            if name == "away":
                await asyncio.to_thread(postgres.start)
        print(f"  {name:14}{micro:8.1f} µs of CPU   {spread(seconds)}", flush=True)


async def run(folder: Path, args: argparse.Namespace) -> None:
    postgres = EmbeddedPostgres(folder / "postgres", durable=False)
    try:
        url = await asyncio.to_thread(postgres.start)
        provider = Platform(
            folder / "provider", database_url=url, addresses=("127.0.0.1",), own_relay=False
        )
        await asyncio.to_thread(provide, provider)
        for number in range(args.rounds):
            for name in SETTINGS:
                await measure(name, folder / f"{name}-{number}", postgres, url, args)
    finally:
        postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50.0, help="per second")
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    with temporary_folder() as folder:
        asyncio.run(run(folder, args))


if __name__ == "__main__":
    main()
