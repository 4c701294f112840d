"""What is left of the calls of ten minutes in which PostgreSQL was stopped: their records.

    python -m tests.bench.away [--minutes 10] [--rate 50] [--talk 3] [--kill]

Calls within one domain through a real proxy, each of `--talk` seconds, before PostgreSQL is
stopped, for so many minutes without it, and for half a minute from its start on. With `--kill` the
proxy is killed (-9) at the end of those minutes and started when PostgreSQL is back. Every call
placed is then looked for among the records. Told besides: how much waited on disk and how much may,
and how long INVITE to 200 took.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import Final

from fedsip_platform.launch.postgres import EmbeddedPostgres
from proxy.settings import ProxySettings
from tests.bench.federation import spread
from tests.bench.machine import temporary_folder
from tests.harness import outage
from tests.harness.open_phones import CALLEE, Phone, caller_at, provide, running
from tests.harness.platform import Platform
from tests.harness.waiting import eventually

_BEFORE_SECONDS: Final = 10
_AFTER_SECONDS: Final = 30
_CAUGHT_UP_SECONDS: Final = 600.0


async def run(folder: Path, args: argparse.Namespace) -> None:
    postgres = EmbeddedPostgres(folder / "postgres")
    try:
        url = await asyncio.to_thread(postgres.start)
        platform = Platform(
            folder / "platform",
            database_url=url,
            addresses=("127.0.0.1",),
            own_relay=False,
            settings={"FEDSIP_LOG_LEVEL": "WARNING"},
        )
        await asyncio.to_thread(provide, platform)
        async with running(platform), caller_at(platform) as caller:
            await measure(platform, postgres, url, caller, args)
    finally:
        await asyncio.to_thread(postgres.stop)


async def measure(
    platform: Platform,
    postgres: EmbeddedPostgres,
    url: str,
    caller: Phone,
    args: argparse.Namespace,
) -> None:
    async def calls(name: str, seconds: float) -> None:
        took = await caller.many(
            CALLEE, int(seconds * args.rate), args.rate, talk_seconds=args.talk
        )
        print(f"  {name:10}{len(took):7} calls   {spread(took)}", flush=True)

    await calls("before", _BEFORE_SECONDS)
    await asyncio.to_thread(postgres.stop)
    await calls("away", args.minutes * 60)
    waiting, most = outage.waiting_bytes(platform.folder), ProxySettings("-").spool_megabytes
    print(f"  {waiting / 1e6:.1f} MB wait on disk, of {most} MB that may", flush=True)
    if args.kill:
        await asyncio.to_thread(platform.kill, "proxy")
    await asyncio.to_thread(postgres.start)
    began = time.monotonic()
    if args.kill:
        await asyncio.to_thread(platform.start, "proxy")
    after = asyncio.create_task(calls("back", _AFTER_SECONDS))
    await eventually(
        lambda: not outage.spooled(platform.folder),
        "what waited is written",
        within=_CAUGHT_UP_SECONDS,
    )
    caught_up = time.monotonic() - began
    await after
    await eventually(lambda: outage.are_on_record(caller.placed, url), "every call is on record")
    missing, twice = outage.difference(caller.placed, url)
    print(
        f"{len(caller.placed)} calls: {len(missing)} without a record, {len(twice)} with two;"
        f" what waited was written {caught_up:.1f} s after PostgreSQL was back"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=50.0, help="per second")
    parser.add_argument("--talk", type=float, default=3.0, help="seconds of each call")
    parser.add_argument("--kill", action="store_true", help="the proxy, while PostgreSQL is away")
    args = parser.parse_args()
    with temporary_folder() as folder:
        asyncio.run(run(folder, args))


if __name__ == "__main__":
    main()
