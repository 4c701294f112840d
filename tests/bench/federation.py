"""What calling another domain costs beside a call within, and whether dead domains are felt.

    python -m tests.bench.federation [--calls 1500] [--rate 100] [--dead 1000] [--within 0]

One real proxy on processor 0; both phones in this process and a DNS server in one of its own, on
processor 1. A call is INVITE, 180, 200, ACK, BYE and 200; its latency is from INVITE to 200, its
CPU is the kernel's account of the proxy, read 6 s after the last message. Three parts:

    cost      calls within, and calls to a foreign domain whose DNS answers are known
    cold      first calls to names never asked for, beside the time their questions take alone: to
              the same resolver, in a process of its own on processor 0 while the proxy is idle
    dead      good calls before and while a neighbour, who has another address, calls `--dead`
              unreachable domains, all begun within `--within` seconds: half of them have name
              servers that never answer, half an address where nobody does. "During" goes on until
              the last of them has failed (Timer B); how late the phones' own loop was at worst is
              told besides
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import Final

import uvloop

from fedsip_platform.launch.postgres import EmbeddedPostgres
from proxy.locate.resolver import Locator
from proxy.settings import ProxySettings
from proxy.sip.uri import SipUri, parse_uri
from tests.bench.lateness import Lateness
from tests.bench.machine import temporary_folder
from tests.harness import cpu
from tests.harness.dns_server import DnsServer, Zones
from tests.harness.open_phones import CALLEE, Phone, provide, register, running
from tests.harness.platform import Platform
from tests.harness.processes import free_port

COLD: Final = 200
_GOOD_RATE: Final = 50
"""Good calls a second beside the dead ones."""
_FAILED_AFTER: Final = 36.0
"""Seconds after which nothing of the dead calls is left: Timer B, and the clean-up after it."""
Ports = tuple[int, int, int]
"""Of the caller, the callee, and the phone without ears."""


def zones(port: int, silent_port: int, dead: int) -> Zones:
    """far.test and cold names lead to the phone; half of the dead ones to a port without ears."""
    found = (
        f'_sip._udp SRV 1 1 {port} host\nhost A 127.0.0.1\n@ NAPTR 1 1 "s" "SIP+D2U" "" _sip._udp\n'
    )
    cold = "host A 127.0.0.1\n" + "".join(
        f'n{n} NAPTR 1 1 "s" "SIP+D2U" "" _sip._udp.n{n}\n_sip._udp.n{n} SRV 1 1 {port} host\n'
        for n in range(2 * COLD)
    )
    deaf = "host A 127.0.0.1\n" + "".join(
        f"_sip._udp.n{n} SRV 1 1 {silent_port} host\n" for n in range(dead // 2)
    )
    made = Zones(
        {"far.test": found, "cold.test": cold, "deaf.test": deaf, "mute.test": "x A 192.0.2.1"}
    )
    kinds = ("NAPTR", "SRV", "A", "AAAA")
    for n in range(dead // 2):
        for prefix in ("", "_sip._udp.", "_sip._tcp.", "_sips._tcp."):
            made.silent |= {(f"{prefix}n{n}.mute.test", kind) for kind in kinds}
    return made


@contextmanager
def name_server(*facts: int) -> Iterator[str]:
    """Serves `zones(*facts)` in a process of its own; gives its address."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs, *facts), daemon=True
    )
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(told: Connection, *facts: int) -> None:
    async def serve() -> None:
        async with DnsServer(zones(*facts)) as server:
            told.send(server.address)
            await asyncio.Event().wait()

    os.sched_setaffinity(0, {1})
    asyncio.run(serve())


def spread(seconds: list[float]) -> str:
    """p50, p95, p99 and the longest in milliseconds."""
    cuts = [quantiles(seconds, n=100)[at - 1] for at in (50, 95, 99)]
    p50, p95, p99, longest = (one * 1000 for one in (*cuts, max(seconds)))
    return f"p50 {p50:6.2f}  p95 {p95:6.2f}  p99 {p99:6.2f}  longest {longest:6.2f} ms"


async def cpu_and_latency(
    pid: int, caller: Phone, uri: str, count: int, rate: float
) -> tuple[float, list[float]]:
    """The µs of a process's CPU that each of many calls takes, and the seconds until its 200."""
    await caller.many(uri, 50, 50)
    idle = await asyncio.to_thread(cpu.idle_rate, pid)
    before, began = cpu.nanoseconds(pid), time.monotonic()
    seconds = await caller.many(uri, count, rate)
    used = await asyncio.to_thread(cpu.settled, pid) - before
    used -= int(idle * (time.monotonic() - began))
    return used / count / 1000, seconds


class Bench:
    """The proxy with its phones, and what is measured."""

    def __init__(
        self, platform: Platform, args: argparse.Namespace, caller: Phone, neighbour: Phone
    ) -> None:
        self._pid = platform.program("proxy").process.pid
        self._args = args
        self._caller = caller
        self._neighbour = neighbour

    async def cost(self) -> None:
        figures = {}
        for what, uri in (("within", CALLEE), ("to far.test", "sip:bob@far.test")) * 2:
            micro, seconds = await cpu_and_latency(
                self._pid, self._caller, uri, self._args.calls, self._args.rate
            )
            figures[what] = min(micro, figures.get(what, micro))
            print(f"  call {what:12} {micro:7.1f} µs of CPU   {spread(seconds)}", flush=True)
        ratio = figures["to far.test"] / figures["within"]
        print(f"cost: a call to another domain takes {ratio:.2f} of one within\n")

    async def cold(self, dns: str) -> None:
        warm = [await self._caller.calls("sip:bob@far.test") for _ in range(COLD)]
        cold = [await self._caller.calls(f"sip:bob@n{n}.cold.test") for n in range(COLD)]
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processor:
            loop = asyncio.get_running_loop()
            alone = await loop.run_in_executor(processor, _ask_alone, dns)
        print(f"  known name   {spread(warm)}\n  cold name    {spread(cold)}")
        print(f"  its DNS      {spread(alone)}")
        added = (sum(cold) - sum(warm)) / COLD * 1000
        print(
            f"cold: {added:.2f} ms more; the questions alone take {sum(alone) / COLD * 1000:.2f}\n"
        )

    async def dead(self) -> None:
        args, good = self._args, "sip:bob@far.test"
        names = [f"n{n}.{kind}" for n in range(args.dead // 2) for kind in ("mute", "deaf")]
        attempts = [self._neighbour.attempt(f"sip:bob@{name}.test") for name in names]
        before = await self._caller.many(good, 20 * _GOOD_RATE, _GOOD_RATE)
        lateness = Lateness()
        during = asyncio.create_task(
            self._caller.many(good, int(_FAILED_AFTER * _GOOD_RATE), _GOOD_RATE)
        )
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, attempt in enumerate(attempts):
            self._neighbour.send(attempt)
            if number % 20 == 19:
                due = began + args.within * number / len(attempts)
                await asyncio.sleep(max(0.0, due - loop.time()))
        seconds = await during
        first = seconds[: 2 * _GOOD_RATE]
        print(f"  before             {spread(before)}\n  during             {spread(seconds)}")
        print(f"  its first 2 s      {spread(first)}")
        print(f"  the phones themselves: {lateness.stop()}")
        print(
            f"dead: {_GOOD_RATE} good calls a second while {args.dead} unreachable domains are"
            f" called within {args.within:g} s"
        )


def _ask_alone(dns: str) -> list[float]:
    """How long locating takes as the proxy does it, with nothing around it."""

    async def ask() -> list[float]:
        locator = Locator(ProxySettings(database_url="-", dns_servers=(dns,)))
        locator.listens_at([("127.0.0.1", "127.0.0.1", 5060)])
        took = []
        for n in range(COLD, 2 * COLD):
            uri = parse_uri(b"sip:bob@n%d.cold.test" % n)
            assert isinstance(uri, SipUri)
            began = time.perf_counter()
            await locator.locate(uri, now=began)
            took.append(time.perf_counter() - began)
        await locator.close()
        return took

    os.sched_setaffinity(0, {0})
    return uvloop.run(ask())


async def measure(platform: Platform, dns: str, ports: Ports, args: argparse.Namespace) -> None:
    proxy = (platform.address, platform.port)
    caller, callee, silent = (Phone(port, proxy) for port in ports)
    silent.datagram_received = lambda data, addr: None  # type: ignore[method-assign]
    neighbour = Phone(caller.port, proxy, "127.0.0.2")
    for phone in (caller, callee, silent, neighbour):
        await phone.start()
    await register(callee)
    bench = Bench(platform, args, caller, neighbour)
    for name in args.only:
        await {"cost": bench.cost, "cold": lambda: bench.cold(dns), "dead": bench.dead}[name]()
    for phone in (caller, callee, silent, neighbour):
        phone.close()


async def run(folder: Path, args: argparse.Namespace) -> None:
    postgres = EmbeddedPostgres(folder / "postgres", durable=False)
    try:
        url = await asyncio.to_thread(postgres.start)
        ports: Ports = (free_port(), free_port(), free_port())
        with name_server(ports[1], ports[2], args.dead) as dns:
            platform = Platform(
                folder / "platform",
                database_url=url,
                addresses=("127.0.0.1",),
                own_relay=False,
                settings={
                    "FEDSIP_SIP_DNS_SERVERS": dns,
                    "FEDSIP_SIP_CALLS_OUT_PER_DOMAIN": "10000000",
                    "FEDSIP_SIP_CALLS_OUT_PER_USER": "10000000",
                    "FEDSIP_LOG_LEVEL": "WARNING",
                },
            )
            await asyncio.to_thread(provide, platform)
            async with running(platform):
                os.sched_setaffinity(platform.program("proxy").process.pid, {0})
                os.sched_setaffinity(0, {1})
                await measure(platform, dns, ports, args)
    finally:
        postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1500)
    parser.add_argument("--rate", type=float, default=100.0, help="per second")
    parser.add_argument("--dead", type=int, default=1000, help="unreachable domains")
    parser.add_argument("--within", type=float, default=0.0, help="seconds, for all of those")
    parser.add_argument("--only", nargs="*", default=["cost", "cold", "dead"])
    args = parser.parse_args()
    with temporary_folder() as folder:
        asyncio.run(run(folder, args))


if __name__ == "__main__":
    main()
