"""What rules cost: a call beside ten rules and beside 100,000, and how long an edit holds calls up.

python -m tests.bench.translation [--counts 10 20000 100000] [--calls 1000] [--only match call edit]

call    CPU of complete calls through a whole node in memory (tests/bench/node.py), each of them
        by a rule of its own among so many in its domain, by kind of rule; and with as many rules
        in 1,000 other domains. No address is called twice, however few rules there are: what was
        parsed of an address that comes again is remembered, and rules have no part in that.
        The bench fails where a call costs more than 1.10 times what it does in the first column
edit    a directory that follows an embedded PostgreSQL: from the commit of an edit until it is
        in force, and the longest that the loop, and so any call, had to wait meanwhile. "nothing"
        is what the machine itself does to the loop
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvloop

from fedsip_platform.launch.postgres import EmbeddedPostgres
from proxy.directory.feed import DirectoryFeed
from proxy.directory.model import Translation
from proxy.directory.rules import Rules
from proxy.directory.store import Directory
from proxy.directory.translate import Facts
from tests.bench.lateness import Lateness
from tests.bench.machine import temporary_folder
from tests.bench.node import Bench, calls
from tests.harness.database import Administrator, until
from tests.routing.world import OPEN

ROOT: Final = Path(__file__).resolve().parents[2]
ROUNDS: Final = 15
MOST_ROUNDS: Final = 4 * ROUNDS
PARTS: Final = ["match", "call", "edit"]
MOST_SEARCHED: Final = 1000
FEW_CALLERS: Final = 10
MOST_OF_FIRST: Final = 1.10
SEARCHED: Final = ("one beginning, then classes", "nothing sure")


def _number(n: int) -> str:
    return f"+1{2_000_000_000 + n * 7919 % 1_000_000_007:010d}"


def _dialled(kind: str, n: int) -> str:
    """A number for which the rule of that kind is the n-th one."""
    return f"+12000077{n:03}5" if kind in SEARCHED and n < MOST_SEARCHED else _number(n)


def _searched(form: str, n: int) -> dict[str, object]:
    """A thousand expressions that must be searched for; all other rules are whole numbers."""
    searched = form.format(f"{n:03}")
    return {"match_regex": searched if n < MOST_SEARCHED else rf"^\{_number(n)}$"}


KINDS: Final[dict[str, Callable[[int], dict[str, object]]]] = {
    "whole numbers": lambda n: {"match_regex": rf"^\{_number(n)}$"},
    "beginnings": lambda n: {"match_regex": rf"^\{_number(n)[:-1]}"},
    "beginnings, then a class": lambda n: {"match_regex": rf"^\{_number(n)[:-1]}[0-9]$"},
    "ends": lambda n: {"match_regex": f"{_number(n)[2:]}$"},
    "one beginning, then classes": lambda n: _searched(r"^\+12[0-9]*{0}[0-9]$", n),
    "nothing sure": lambda n: _searched(r"(?i)^\+1[0-9]+77{0}[0-9]$", n),
    "called domains": lambda n: {"request_domain": b"d%d.example" % n},
    "callers": lambda n: {"from_username": b"u%d" % n},
}


def rule(kind: str, n: int, domain_id: int = OPEN.domain_id) -> Translation:
    return Translation(
        domain_id * 1_000_000 + n,
        domain_id,
        OPEN.name,
        tran_user=b"bob",
        tran_domain=OPEN.name,
        **KINDS[kind](n),  # type: ignore[arg-type]
    )


class Dialling(Bench):
    """Calls that a rule leads to bob, each by another one."""

    def __init__(self, kind: str, count: int) -> None:
        super().__init__(OPEN.name)
        self._kind = kind
        # Many callers cost by themselves: what was parsed of them is not remembered.
        self._count = FEW_CALLERS if kind == "callers" else count
        self._random = random.Random(count)

    def request(
        self, method: bytes, number: int, cseq: int, routes: bytes = b"", tag: bytes = b""
    ) -> bytes:
        made = super().request(method, number, cseq, routes, tag)
        if method != b"INVITE":
            return made
        n = self._random.randrange(self._count)
        before = b"INVITE sip:bob@" + OPEN.name
        if self._kind == "called domains":
            after = b"INVITE sip:%b@d%d.example;n=%d" % (_number(n).encode(), n, number)
        else:
            dialled = _dialled(self._kind, n).encode()
            after = b"INVITE sip:%b@%b;n=%d" % (dialled, OPEN.name, number)
        made = made.replace(before, after, 1)
        if self._kind == "callers":
            made = made.replace(b"From: <sip:alice@", b"From: <sip:u%d@" % n, 1)
        return made


async def costs(kind: str, counts: list[int], amount: int, others: list[int]) -> list[float]:
    """CPU-µs of a call for each count, the least of some rounds that take turns; of more rounds
    where it seems too much, since whatever else the machine does only adds."""
    benches = []
    for count, other in zip(counts, others, strict=True):
        bench = Dialling(kind, count)
        directory = bench.world.node.directory
        directory.put_translations(rule(kind, n) for n in range(count))
        directory.put_translations(rule(kind, n, 1000 + n % 1000) for n in range(other))
        benches.append(bench)
    gc.collect()
    gc.freeze()
    rounds: list[list[float]] = []
    best: list[float] = []
    while len(rounds) < MOST_ROUNDS and is_too_much(best):
        rounds += [
            [calls(bench, amount) / amount * 1e6 for bench in benches] for _ in range(ROUNDS)
        ]
        best = [min(figures) for figures in zip(*rounds, strict=True)]
    gc.unfreeze()
    return best


def is_too_much(figures: list[float]) -> bool:
    """Whether calls feel rules more than they may; nothing is known without figures."""
    return not figures or max(figures) > MOST_OF_FIRST * figures[0]


def show_calls(counts: list[int], amount: int) -> list[str]:
    """The kinds of rules that calls feel too much."""
    print("CPU-µs of a call, and beside the first column")
    print(f"{'rules of the domain':28}" + "".join(f"{count:>18,}" for count in counts))
    nothing = [0] * len(counts)
    found = {kind: asyncio.run(costs(kind, counts, amount, nothing)) for kind in KINDS}
    few = [counts[0]] * len(counts)
    found["in 1,000 other domains"] = asyncio.run(costs("whole numbers", few, amount, counts))
    for kind, figures in found.items():
        show(kind, figures)
    return [kind for kind, figures in found.items() if is_too_much(figures)]


def matching(kind: str, count: int) -> float:
    """CPU-µs of finding a call's rule, the least of some rounds."""
    rules = Rules(rule(kind, n) for n in range(count))
    draw = random.Random(count)
    chosen = [draw.randrange(count) for _ in range(1000)]
    asked = [
        Facts(
            b"u%d" % n if kind == "callers" else b"alice",
            b"",
            _dialled(kind, n).encode(),
            b"d%d.example" % n if kind == "called domains" else OPEN.name,
        )
        for n in chosen
    ]
    figures = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for facts in asked:
            if not rules.candidates(facts, random.random):
                raise SystemExit(f"no rule for {facts}")
        figures.append((time.process_time() - began) / len(asked) * 1e6)
    return min(figures)


def show_matching(counts: list[int]) -> None:
    print("CPU-µs to find the rule of a call, and beside the first column")
    print(f"{'rules of the domain':28}" + "".join(f"{count:>18,}" for count in counts))
    for kind in KINDS:
        show(kind, [matching(kind, count) for count in counts])
    print()


def show(what: str, figures: list[float]) -> None:
    cells = "".join(f"{one:>11.1f} {one / figures[0]:>5.2f}x" for one in figures)
    print(f"{what:28}{cells}", flush=True)


@contextmanager
def timed(what: str) -> Iterator[None]:
    gc.collect()
    lateness, began = Lateness(), time.perf_counter()
    yield
    took = time.perf_counter() - began
    print(f"  {what:40}{took * 1000:8.0f} ms   {lateness.stop()}", flush=True)


_INSERT: Final = (
    "INSERT INTO directory_translation (domain_id, match_regex, tran_user) SELECT %s,"
    " '^\\+1' || n || '$', 'u' || n FROM generate_series(%s::bigint, %s::bigint) n"
)
_FIRST: Final = 2_000_000_000


async def edits(url: str, count: int) -> None:
    administrator = Administrator(url)
    tenant = administrator.tenant(f"t{count}")
    domain_id = administrator.domain(tenant, f"n{count}.example")
    insert = (_INSERT, domain_id, _FIRST)
    await asyncio.to_thread(administrator.do, *insert, _FIRST + count - 1)
    directory = Directory()
    feed = DirectoryFeed(url, directory)
    print(f"{count:,} rules in one domain")
    with timed("all of them are loaded at the start"):
        await feed.start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    domain = directory.domain_by_id(domain_id)
    assert domain is not None

    def user_for(number: int) -> bytes:
        facts = Facts(b"", b"", b"+1%d" % number, b"")
        found = directory.rules(domain).candidates(facts, lambda: 0.0)
        return found[0].tran_user if found else b""

    async def changes(what: str, query: str, *values: object, done: Callable[[], bool]) -> None:
        await asyncio.sleep(1)  # nothing of before is under way
        with timed(what):
            await asyncio.to_thread(administrator.do, query, *values)
            await until(done, what)

    with timed("nothing"):
        await asyncio.sleep(2)
    for n in range(3):
        number = _FIRST + count // (n + 2)
        await changes(
            "one rule is edited",
            "UPDATE directory_translation SET tran_user = %s WHERE domain_id = %s"
            " AND match_regex = %s",
            f"edited{n}", domain_id, rf"^\+1{number}$",
            done=lambda number=number, n=n: user_for(number) == b"edited%d" % n,
        )  # fmt: skip
    await changes(
        "one without literals is added",
        "INSERT INTO directory_translation (domain_id, match_regex, tran_user)"
        " VALUES (%s, '[0-9]{12,}', 'long')",
        domain_id,
        done=lambda: user_for(123456789012) == b"long",
    )
    more = _FIRST + 5_000_000
    await changes("20,000 are added", _INSERT, domain_id, more, more + 19_999,
                  done=lambda: user_for(more) != b"")  # fmt: skip
    await changes("all are deleted", "DELETE FROM directory_translation WHERE domain_id = %s",
                  domain_id, done=lambda: not len(directory.rules(domain)))  # fmt: skip
    await feed.close()
    administrator.close()
    gc.unfreeze()


def show_edits(counts: list[int]) -> None:
    with temporary_folder() as folder:
        server = EmbeddedPostgres(folder)
        try:
            url = server.start()
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(migrate, cwd=ROOT, env=os.environ | {"DATABASE_URL": url}, check=True)
            for count in counts:
                uvloop.run(edits(url, count))
        finally:
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 20_000, 100_000])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    args = parser.parse_args()
    too_much: list[str] = []
    if "match" in args.only:
        show_matching(args.counts)
    if "call" in args.only:
        too_much = show_calls(args.counts, args.calls)
    if "edit" in args.only:
        show_edits(args.counts)
    if too_much:
        raise SystemExit(f"more than {MOST_OF_FIRST:.2f} times: {', '.join(too_much)}")


if __name__ == "__main__":
    sys.exit(main())
