"""What state costs the proxy: loading, memory, edits that take effect, REGISTERs made durable.

    .venv/bin/python tests/bench/location.py [USERS]

Starts an embedded PostgreSQL of its own, as durable as in production, and prints figures only.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import statistics
import subprocess
import sys
import time
import timeit
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import psycopg  # noqa: E402
import uvloop  # noqa: E402

from fedsip_platform.launch.postgres import EmbeddedPostgres  # noqa: E402
from proxy.directory.feed import DirectoryFeed  # noqa: E402
from proxy.directory.store import Directory  # noqa: E402
from proxy.location.feed import BindingFeed  # noqa: E402
from proxy.location.model import Binding  # noqa: E402
from proxy.location.rules import Limits, Outcome, apply_register  # noqa: E402
from proxy.location.store import Bindings  # noqa: E402
from proxy.location.writer import BindingWriter  # noqa: E402
from proxy.sip.codec import parse, serialise  # noqa: E402
from proxy.sip.message import Request  # noqa: E402
from proxy.sip.uri import Aor  # noqa: E402
from tests.bench.machine import temporary_folder  # noqa: E402
from tests.harness.registrations import SOURCE, binding, register  # noqa: E402

EDITS = 200
CHANGES = 4000
AT_ONCE = 100


def show(what: str, figure: str) -> None:
    print(f"{what:<66}{figure}", flush=True)


def spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    late = ordered[int(len(ordered) * 0.95)]
    return f"{statistics.median(ordered) * 1000:.1f} ms median, {late * 1000:.1f} ms p95"


def memory() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def cpu() -> float:
    return time.process_time()


def fill(url: str, users: int) -> None:
    """Users and their bindings, as UDP phones behind a NAT would have registered them."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO tenants_tenant (id, name, slug) VALUES (1, 'b', 'b')")
        connection.execute(
            "INSERT INTO directory_domain (id, tenant_id, name, vouched)"
            " VALUES (1, 1, 'bench.example.com', true)"
        )
        connection.execute(
            "INSERT INTO directory_subscriber"
            " (domain_id, username, aor, ha1_md5, ha1_sha256, display_name)"
            " SELECT 1, 'user' || n, 'user' || n || '@bench.example.com', md5(n::text),"
            " md5(n::text) || md5((-n)::text), 'User ' || n FROM generate_series(1, %s) n",
            (users,),
        )
        connection.execute(
            "INSERT INTO proxy_binding (binding_id, aor, domain_id, subscriber_id, contact,"
            " contact_key, q, expires_at, path, flow_token, node_id, protocol, received, nat,"
            " family, call_id, cseq, user_agent, methods, registered_at, updated_at, deleted)"
            " SELECT left(md5(id::text), 24), aor, 1, id,"
            " 'sip:' || username || '@10.1.' || id % 250 || '.7:5060',"
            " 'sip:' || username || '@10.1.' || id % 250 || '.7:5060', 1000,"
            " now() + interval '1 hour', '{}', left(md5(id::text) || md5(aor), 47), 'a', 'udp',"
            " '203.0.113.' || id % 250 || ':' || 10000 + id % 50000, true, 4,"
            " md5(aor) || '@10.1.1.7', 1, 'Snom/' || id % 50, '', now(), now(), false"
            " FROM directory_subscriber"
        )
        connection.execute("SET ROLE NONE")  # of the tables' owner, else it is passed over
        connection.execute("ANALYZE")


async def load(url: str, users: int) -> tuple[Directory, DirectoryFeed, Bindings, BindingFeed]:
    directory, bindings = Directory(), Bindings()
    directory_feed = DirectoryFeed(url, directory)
    before, began, cpu_began = memory(), time.perf_counter(), cpu()
    await directory_feed.start()
    took, cpu_took = time.perf_counter() - began, cpu() - cpu_began
    each = (memory() - before) / users
    show(
        f"{directory.counts[1]:,} users loaded",
        f"{took:.2f} s, {cpu_took:.2f} s CPU of ours, {each:.0f} bytes each",
    )
    writer = BindingWriter(url)
    bindings = Bindings(writer)
    feed = BindingFeed(url, bindings, writer, directory.aor_of)
    before, began, cpu_began = memory(), time.perf_counter(), cpu()
    await feed.start()
    took, cpu_took = time.perf_counter() - began, cpu() - cpu_began
    each = (memory() - before) / users
    show(
        f"{len(bindings):,} bindings loaded",
        f"{took:.2f} s, {cpu_took:.2f} s CPU of ours, {each:.0f} bytes each",
    )
    writer.start()
    return directory, directory_feed, bindings, feed


async def edits(
    what: str, edit: Callable[[int], Awaitable[object]], is_seen: Callable[[int], bool]
) -> None:
    """From before the edit is sent until it is in force."""
    times = []
    for number in range(1, EDITS + 1):
        began = time.perf_counter()
        await edit(number)
        while not is_seen(number):  # noqa: ASYNC110
            await asyncio.sleep(0.0005)
        times.append(time.perf_counter() - began)
    show(what, spread(times))


async def edit_effect(url: str, directory: Directory, feed: DirectoryFeed) -> None:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    query = b"UPDATE directory_subscriber SET display_name = %s WHERE aor = %s"
    aor = Aor(b"user77@bench.example.com")

    async def edit(number: int) -> None:
        await connection.execute(query, (f"edit {number}", aor.decode()))

    def is_seen(number: int) -> bool:
        subscriber = directory.subscriber(aor)
        return subscriber is not None and subscriber.display_name == f"edit {number}"

    await feed.listening.wait()
    await edits(f"edit of a user until it is in force ({EDITS} edits)", edit, is_seen)
    await connection.close()


async def other_node(url: str, bindings: Bindings, feed: BindingFeed) -> None:
    writer = BindingWriter(url)
    other = Bindings(writer)
    writer.start()
    one = binding(aor=Aor(b"user77@bench.example.com"), subscriber_id=None, node_id=b"b")

    async def edit(number: int) -> None:
        made = replace(one, cseq=number + 1, flow_token=b"flow %d" % number)
        waiting = other.save(Outcome([], [made], commit_needed=True))
        assert waiting is not None
        await waiting

    def is_seen(number: int) -> bool:
        here = bindings.get(one.aor, one.binding_id)
        return here is not None and here.cseq == number + 1

    await feed.listening.wait()
    await edits(f"REGISTER at another node until it is in force here ({EDITS})", edit, is_seen)
    await writer.close()


async def changes(bindings: Bindings, writer: BindingWriter) -> None:
    """REGISTERs that change where calls go, so many waiting at once."""
    turns = asyncio.Semaphore(AT_ONCE)
    times = []
    contact = b"sip:user@192.0.2.1"

    async def change(number: int) -> None:
        aor = Aor(b"user%d@bench.example.com" % number)
        made = binding(contact, aor=aor, flow_token=b"flow", expires_at=time.time() + 600)
        async with turns:
            began = time.perf_counter()
            waiting = bindings.save(Outcome([], [made], commit_needed=True))
            assert waiting is not None
            await waiting
            times.append(time.perf_counter() - began)

    before, began, cpu_began = writer.committed, time.perf_counter(), cpu()
    await asyncio.gather(*(change(number) for number in range(CHANGES)))
    took, cpu_took = time.perf_counter() - began, cpu() - cpu_began
    show(
        f"{CHANGES:,} changes durable, {AT_ONCE} at a time",
        f"{CHANGES / took:,.0f}/s, {spread(times)}, {cpu_took / CHANGES * 1e6:.0f} CPU-µs each,"
        f" {CHANGES / (writer.committed - before):.0f} a commit",
    )
    times.clear()
    for number in range(EDITS):
        await change(number + 2 * CHANGES)
    show(f"one change durable, alone ({EDITS})", spread(times))


async def refreshes(bindings: Bindings, writer: BindingWriter) -> None:
    some = list(bindings)[:20_000]
    began, cpu_began = time.perf_counter(), cpu()
    for one in some:
        bindings.save(Outcome([], [replace(one, cseq=one.cseq + 1)]))
    taken = cpu() - cpu_began
    while writer.spooled:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    took, cpu_took = time.perf_counter() - began, cpu() - cpu_began
    show(
        f"{len(some):,} refreshes, answered and then written in batches",
        f"{taken / len(some) * 1e6:.1f} + {(cpu_took - taken) / len(some) * 1e6:.1f} CPU-µs each,"
        f" written in {took:.2f} s",
    )


def in_memory(bindings: Bindings, directory: Directory) -> None:
    aor = Aor(b"user77@bench.example.com")
    wall = time.time()
    made = register(b"<sip:alice@10.1.1.7:5060>", user_agent=b"Snom/1", cseq=9)
    held: list[Binding] = apply_register(aor, made, [], SOURCE, Limits(), wall=wall).after
    data = serialise(register(b"<sip:alice@10.1.1.7:5060>", user_agent=b"Snom/1", cseq=10))

    def refresh(request: Request) -> Outcome:
        return apply_register(aor, request, held, SOURCE, Limits(), wall=wall)

    fresh = [parse(data) for _ in range(20_000)]
    each = iter(fresh)
    cost = timeit.timeit(lambda: refresh(next(each)), number=len(fresh)) / len(fresh)  # type: ignore[arg-type]
    show("rules: a refresh of one contact", f"{cost * 1e6:.1f} µs")
    for what, call in (
        ("bindings.lookup", lambda: bindings.lookup(aor, wall=wall)),
        ("directory.subscriber", lambda: directory.subscriber(aor)),
        ("bindings.sweep, nothing expired", lambda: bindings.sweep(wall=wall)),
    ):
        show(what, f"{timeit.timeit(call, number=20_000) / 20_000 * 1e6:.2f} µs")


async def idle(seconds: float) -> None:
    began = cpu()
    await asyncio.sleep(seconds)
    show("both feeds and the writer, idle", f"{(cpu() - began) / seconds * 1000:.1f} CPU-ms/s")


async def measure(url: str, users: int) -> None:
    directory, directory_feed, bindings, feed = await load(url, users)
    writer = feed._writer
    in_memory(bindings, directory)
    await idle(3.0)
    await edit_effect(url, directory, directory_feed)
    await other_node(url, bindings, feed)
    await changes(bindings, writer)
    await refreshes(bindings, writer)
    await writer.close()
    await feed.close()
    await directory_feed.close()


def main(users: int) -> None:
    with temporary_folder() as folder:
        server = EmbeddedPostgres(folder)
        url = server.start()
        try:
            environment = os.environ | {"DATABASE_URL": url, "FEDSIP_STATE_DIR": str(folder)}
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(migrate, cwd=ROOT, check=True, env=environment)
            fill(url, users)
            uvloop.run(measure(url, users))
        finally:
            server.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
