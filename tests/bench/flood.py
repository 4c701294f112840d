"""What strangers' datagrams leave in the memory of a node: requests that are refused, from many
addresses, none of which sends so many that it would be banned.

    .venv/bin/python -m tests.bench.flood --count 140000 --seconds 30

In memory as tests/bench/node.py, on a clock of its own: the resident memory of the process before,
with all of it behind (within the 32 s of timers H and J), and when they have ended; then that of
large datagrams that wait to be served. The first round warms up what is remembered anyway.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from pathlib import Path

from proxy.transport.fair_queue import FairQueue
from proxy.transport.flow import Flow
from tests.bench.node import HERE, Bench
from tests.routing.world import EXAMPLE

OF_EACH = 20
"""Datagrams of one address; fewer than FEDSIP_SIP_FLOOD_REQUESTS allows."""
METHODS = (b"OPTIONS", b"INVITE", b"MESSAGE", b"REGISTER", b"SUBSCRIBE")
LARGEST = 65_507
ENDED_SECONDS = 70.0


def odd_request(number: int, host: str) -> bytes:
    """What nobody here wants: for a user of another domain, or a registration with one."""
    method = METHODS[number % len(METHODS)]
    return (
        b"%b sip:nobody%d@elsewhere.test SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP %b:5060;rport;branch=z9hG4bK%x\r\n"
        b"Max-Forwards: 70\r\nFrom: <sip:%d@far.test>;tag=%x\r\n"
        b"To: <sip:nobody%d@elsewhere.test>\r\nCall-ID: %x@%b\r\n"
        b"CSeq: 1 %b\r\nUser-Agent: odd\r\nContact: <sip:%d@%b>\r\n"
    ) % (
        *(method, number, host.encode(), number, number, number, number, number, host.encode()),
        *(method, number, host.encode()),
    )


def address(source: int) -> str:
    return f"198.{18 + source // 62_500}.{source // 250 % 250}.{1 + source % 250}"


def resident() -> float:
    """MiB of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def flood(bench: Bench, count: int, seconds: float) -> None:
    """All of them, spread over so many seconds of the node's clock."""
    bench.wire.last.clear()
    for first in range(0, count, OF_EACH):
        host = address(first // OF_EACH)
        flow = Flow("udp", HERE, (host, 5060))
        for number in range(first, min(first + OF_EACH, count)):
            bench.say(odd_request(number, host), flow)
        bench.wire.last.clear()
        bench.world.clock.advance(seconds * OF_EACH / count)


def waiting(count: int) -> tuple[int, float]:
    """How many of so many large datagrams wait, and in how many MiB."""
    before = resident()
    queue: FairQueue[bytes] = FairQueue()
    for number in range(count):
        if queue.is_full:
            break
        queue.add(address(number // OF_EACH), bytes([number % 256]) * LARGEST, LARGEST)
    return len(queue), resident() - before


async def run(count: int, seconds: float) -> None:
    bench = Bench(EXAMPLE.name)
    for name in ("first", "second"):
        before = resident()
        flood(bench, count, seconds)
        servers, _ = bench.world.layer.transactions
        behind = resident()
        bench.world.clock.advance(ENDED_SECONDS)
        print(
            f"{name} {count} requests in {seconds:.0f} s: before {before:.0f} MiB, behind them "
            f"{behind:.0f} MiB with {servers} server transactions, ended {resident():.0f} MiB"
        )
    number, room = waiting(count)
    print(f"datagrams of {LARGEST} bytes: {number} wait, in {room:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=140_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    args = parser.parse_args()
    asyncio.run(run(args.count, args.seconds))


if __name__ == "__main__":
    main()
