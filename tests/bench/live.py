"""How long after a commit an open page shows the change, while hundreds of dashboards are open.

    python -m tests.bench.live [--dashboards 500] [--changes 40]

Every dashboard is a WebSocket of a signed-in owner and hears of each change; one of them is a page
in Chromium. A change is a call that begins to ring, written as proxies write it; time counts from
its commit until the row stands in the page, which fetches it over HTTPS. The proxy's CPU over the
same time is told beside its CPU at rest: it does not know who watches.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ssl
import statistics
import threading
import time
import uuid
from pathlib import Path
from typing import Any, Final

import websockets

from fedsip_platform.launch.postgres import EmbeddedPostgres
from tests.bench.machine import open_as_many_files_as_may_be, temporary_folder
from tests.harness import cpu
from tests.harness.browser import BOUND_MS, chromium
from tests.harness.database import Administrator
from tests.harness.platform import Platform
from tests.harness.sessions import sign_in

OWNER: Final = "owner@example.com"
AT_ONCE: Final = 20
PAUSE_S: Final = 1.1  # a page fetches one kind of thing anew at most once a second


class Dashboards:
    """WebSockets of `/live`, in a thread of their own; `heard` counts events of all of them."""

    def __init__(self, port: int, cookie: str, amount: int) -> None:
        self.heard = 0
        self._port, self._cookie, self._amount = port, cookie, amount
        self._are_open = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def open(self) -> None:
        self._thread.start()
        self._are_open.wait()

    async def _run(self) -> None:
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        slots, opened = asyncio.Semaphore(AT_ONCE), 0

        async def one() -> None:
            nonlocal opened
            async with slots:
                socket = await websockets.connect(
                    f"wss://127.0.0.1:{self._port}/live?tenant=acme",
                    ssl=trusting,
                    origin=websockets.Origin(f"https://127.0.0.1:{self._port}"),
                    additional_headers={"Cookie": self._cookie},
                    open_timeout=60,
                )
            opened += 1
            if opened == self._amount:
                self._are_open.set()
            with contextlib.suppress(websockets.ConnectionClosed):  # by the end of the bench
                async for _message in socket:
                    self.heard += 1

        await asyncio.gather(*(one() for _ in range(self._amount)))


def measure(platform: Platform, url: str, folder: Path, amount: int, changes: int) -> None:
    platform.python(
        "from tests.platform.world import make_world; make_world('acme', 'example.com')"
    )
    administrator = Administrator(url)
    ((tenant, domain),) = administrator.ask("SELECT tenant_id, id FROM directory_domain")
    proxy = platform.program("proxy").process.pid
    with chromium(folder, seed=1) as browser:
        context = browser.context()
        sign_in(platform, context, OWNER)
        (cookie,) = context.cookies("https://127.0.0.1/")
        dashboards = Dashboards(platform.web_port, f"{cookie['name']}={cookie['value']}", amount)
        dashboards.open()
        page = context.new_page()
        page.goto(f"https://127.0.0.1:{platform.web_port}/t/acme/calls/")
        page.wait_for_selector(".live.on", timeout=BOUND_MS)
        at_rest = cpu.idle_rate(proxy)
        before, began = cpu.nanoseconds(proxy), time.monotonic()
        took = [_ring(page, administrator, tenant, domain) for _ in range(changes)]
        spent = (cpu.nanoseconds(proxy) - before) / (time.monotonic() - began)
    took.sort()
    print(f"{amount} dashboards, {changes} changes, {dashboards.heard} events heard")
    print(f"commit to page, ms: p50 {statistics.median(took):.0f}, p95 {took[_at(95, took)]:.0f},")
    print(f"  longest {took[-1]:.0f}")
    print(f"proxy's CPU, ms a second: at rest {at_rest / 1e6:.2f}, meanwhile {spent / 1e6:.2f}")
    administrator.close()


def _ring(page: Any, administrator: Administrator, tenant: int, domain: int) -> float:
    time.sleep(PAUSE_S)
    key = str(uuid.uuid4())
    began = time.perf_counter()
    administrator.do(
        "INSERT INTO proxy_live_call (public_id, call_id, tenant_id, domain_id, caller,"
        " request_uri, started_at, node_id) VALUES (%s, %s, %s, %s, 'sip:alice@example.com',"
        " 'sip:bob@example.com', now(), 'bench')",
        key,
        key,
        tenant,
        domain,
    )
    page.wait_for_selector(f'a[href$="{key}"]', state="attached", timeout=BOUND_MS)
    return (time.perf_counter() - began) * 1000


def _at(percent: int, values: list[float]) -> int:
    return min(len(values) - 1, len(values) * percent // 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dashboards", type=int, default=500)
    parser.add_argument("--changes", type=int, default=40)
    options = parser.parse_args()
    open_as_many_files_as_may_be()
    with temporary_folder() as folder:
        postgres = EmbeddedPostgres(folder / "postgres", durable=False)
        (folder / "postgres").mkdir()
        try:
            url = postgres.start()
            platform = Platform(folder / "platform", database_url=url, web=True)
            platform.cli("migrate", "--verbosity", "0")
            with platform:
                measure(platform, url, folder, options.dashboards, options.changes)
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
