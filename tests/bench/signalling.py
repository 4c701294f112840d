"""CPU-µs of a REGISTER pair, a relayed OPTIONS and a complete call: ours beside Kamailio.

    python -m tests.bench.signalling [--rate 100] [--count 2000] [--only call] [--proxy tuned]

The same SIPp scenarios drive each proxy on processor 0 from processor 1, all of them at a high
priority, since neighbours are not to be measured; CPU time is the kernel's own account of the
whole process tree, read 6 s after the last message so that clean-up is charged, less what it takes
when idle. Ours runs twice: compiled by `./fedsip build` and in plain Python. Kamailio runs
as Debian ships it, and tuned with `-x fm -X fm` (its fast memory manager). Digest is asked where
the row says so. No relay takes part (media_policy=never); everything else is on, also what these
two Kamailios have not: records of calls, their messages (`--trace off`: not those), log lines,
sealed tokens, bindings made durable. The third, `equal` (equal_kamailio.py), is tuned and has most
of that. What PostgreSQL takes beside is shown for those that use it, and in no other figure.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fedsip_platform.launch import compiler
from fedsip_platform.launch.postgres import EmbeddedPostgres
from tests.bench import equal_kamailio
from tests.bench.machine import temporary_folder
from tests.harness import cpu
from tests.harness.calls import in_dialog, invite, register
from tests.harness.kamailio import REGISTRAR, kamailio
from tests.harness.platform import Platform
from tests.harness.processes import free_port
from tests.harness.sipp import SDP, Party, Sipp, receive, request, response, scenario, send

OPEN, GUARDED = "open.test", "guarded.test"
PASSWORD = "bench-password"
USERS = 1000
CALLEES = {"options": "user1001", "call": "user1002", "digest": "user1003"}
"""A user for each row, whom nothing else registers: a second contact would be a second target."""
PRIORITY = -15
PROXIES = ("compiled", "plain", "stock", "tuned", "equal")
RIVALS = ("stock", "tuned", "equal")
TUNED = ("-x", "fm", "-X", "fm")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy under measurement."""

    name: str
    pid: int
    port: int
    database_pid: int = 0
    """Its PostgreSQL, whose CPU is shown beside; 0 for none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: CPU-µs of the proxy for one REGISTER pair, OPTIONS or call."""

    what: str
    proxy: str
    microseconds: float
    database_microseconds: float
    seconds: float


def run(proxy: Proxy, folder: Path, name: str, *steps: str, port: int = 0, **how: object) -> Sipp:
    return Sipp(
        scenario(*steps), folder, name=f"{proxy.name}-{name}", remote=f"127.0.0.1:{proxy.port}",
        port=port or free_port(), trace=False, cpu=1, within=180.0, **how,  # type: ignore[arg-type]
    )  # fmt: skip


def callee_port(proxy: Proxy, folder: Path, party: Party) -> int:
    """Register the callee from the port on which it will answer."""
    port = free_port()
    steps = register(party)
    if party.domain == OPEN:
        steps = (steps[0], receive(200))
    run(proxy, folder, f"callee-{party.domain}", *steps, port=port).succeeds()
    return port


def measure(proxy: Proxy, what: str, count: int, load: Callable[[], None]) -> Row:
    for pid in cpu.tree(proxy.pid):
        os.setpriority(os.PRIO_PROCESS, pid, PRIORITY)
    idle = cpu.idle_rate(proxy.pid)
    beside = _of_database(proxy)
    before, began = cpu.nanoseconds(proxy.pid), time.monotonic()
    load()
    seconds = time.monotonic() - began
    used = cpu.settled(proxy.pid) - before - idle * (time.monotonic() - began)
    beside = _of_database(proxy) - beside
    return Row(what, proxy.name, used / count / 1000, beside / count / 1000, seconds)


def _of_database(proxy: Proxy) -> int:
    return cpu.nanoseconds(proxy.database_pid) if proxy.database_pid else 0


def registers(proxy: Proxy, folder: Path, count: int, rate: int) -> Row:
    users = folder / "users.csv"
    users.write_text("SEQUENTIAL\n" + "".join(
        f"user{n};[authentication username=user{n} password={PASSWORD}]\n" for n in range(USERS)
    ))  # fmt: skip
    party = Party("[field0]", GUARDED)
    steps = [step.replace(party.authentication, "[field1]") for step in register(party)]

    def load() -> None:
        run(proxy, folder, "register", *steps, calls=count, rate=rate, limit=2000,
            options=["-inf", str(users)]).succeeds()  # fmt: skip

    return measure(proxy, "REGISTER pair", count, load)


def options(proxy: Proxy, folder: Path, count: int, rate: int) -> Row:
    bob = Party(CALLEES["options"], OPEN, PASSWORD)
    port = callee_port(proxy, folder, bob)
    alice = Party("user2", OPEN, PASSWORD)

    def load() -> None:
        callee = run(proxy, folder, "options-callee", receive("OPTIONS"),
                     send(response(200, "OK"), retransmit=False),
                     port=port, calls=count)  # fmt: skip
        run(proxy, folder, "options", send(request("OPTIONS", alice, bob.aor, cseq=1)),
            receive(200), calls=count, rate=rate, limit=2000).succeeds()  # fmt: skip
        callee.stop()

    return measure(proxy, "relayed OPTIONS", count, load)


def calls(proxy: Proxy, folder: Path, count: int, rate: int, domain: str) -> Row:
    called = CALLEES["call" if domain == OPEN else "digest"]
    alice, bob = Party("user2", domain, PASSWORD), Party(called, domain, PASSWORD)
    port = callee_port(proxy, folder, bob)
    if domain == GUARDED:
        begin = invite(alice, bob.aor)
        what = "call with digest"
    else:
        text = request("INVITE", alice, bob.aor, cseq=2, body=SDP)
        begin = (send(text), receive(100, optional=True))
        what = "call"

    def load() -> None:
        callee = run(
            proxy, folder, f"{what}-callee".replace(" ", "-"),
            receive("INVITE", route_set=True),
            send(response(180, "Ringing", user=bob.user), retransmit=False),
            send(response(200, "OK", user=bob.user, body=SDP)),
            receive("ACK"), receive("BYE"),
            send(response(200, "OK", new_tag=False), retransmit=False),
            port=port, calls=count, limit=10000,
        )  # fmt: skip
        run(
            proxy, folder, what.replace(" ", "-"), *begin, receive(180),
            receive(200, route_set=True), in_dialog("ACK", alice, bob.aor, cseq=2),
            in_dialog("BYE", alice, bob.aor, cseq=3), receive(200),
            calls=count, rate=rate, limit=2000,
        ).succeeds()  # fmt: skip
        callee.stop()

    return measure(proxy, what, count, load)


def rows(proxy: Proxy, folder: Path, args: argparse.Namespace) -> list[Row]:
    wanted: dict[str, Callable[[], Row]] = {
        "register": lambda: registers(proxy, folder, args.count, args.rate),
        "options": lambda: options(proxy, folder, args.count, args.rate),
        "call": lambda: calls(proxy, folder, args.count, args.rate, OPEN),
        "digest": lambda: calls(proxy, folder, args.count, args.rate, GUARDED),
    }
    found = []
    for name in args.only or wanted:
        found.append(wanted[name]())
        row = found[-1]
        print(f"  {row.proxy:10} {row.what:18} {row.microseconds:7.1f} µs, its PostgreSQL "
              f"{row.database_microseconds:.1f}   ({args.count} in {row.seconds:.1f} s)",
              flush=True)  # fmt: skip
    return found


def kamailio_rows(
    name: str, flags: tuple[str, ...], folder: Path, args: argparse.Namespace
) -> list[Row]:
    port = free_port()
    config = REGISTRAR.format(port=port, password=PASSWORD, domain=GUARDED).replace(
        "children=1\n", f'children=1\nalias="{OPEN}"\n', 1
    )
    config = config.replace(
        'is_method("INVITE") && !pv', f'is_method("INVITE") && $fd == "{GUARDED}" && !pv'
    ).replace("if (!pv_www", f'if ($td == "{GUARDED}" && !pv_www')
    program = kamailio(config, folder / name, options=flags, cpu=0)
    try:
        return rows(Proxy(name, program.process.pid, port), folder, args)
    finally:
        program.stop()


def equal_rows(folder: Path, args: argparse.Namespace) -> list[Row]:
    port = free_port()
    program, postgres = equal_kamailio.start(
        folder / "equal", port=port, domains=(OPEN, GUARDED), users=USERS + 10, password=PASSWORD,
        trace=args.trace == "on", options=TUNED, cpu=0,
    )  # fmt: skip
    try:
        proxy = Proxy("equal", program.process.pid, port, _pid(postgres))
        return rows(proxy, folder, args)
    finally:
        program.stop()
        postgres.stop()


def _pid(postgres: EmbeddedPostgres) -> int:
    return 0 if postgres.process is None else postgres.process.pid


def our_rows(folder: Path, args: argparse.Namespace) -> list[Row]:
    postgres = EmbeddedPostgres(folder / "postgres", durable=False)
    try:
        platform = Platform(
            folder / "platform",
            database_url=postgres.start(),
            addresses=("127.0.0.1",),
            own_relay=False,
        )
        platform.cli("migrate", "--verbosity", "0")
        kept = ("media_policy=never", f"trace={args.trace}")
        platform.add_domain(OPEN, *kept, "unauthenticated=on", tenant="bench")
        platform.add_domain(GUARDED, *kept, tenant="bench")
        platform.python(
            _PROVISION.format(count=USERS + 10, password=PASSWORD, domains=[OPEN, GUARDED])
        )
        found = []
        for name in [name for name in ("compiled", "plain") if name in args.proxy]:
            platform.environment["FEDSIP_PURE"] = "on" if name == "plain" else "off"
            with platform:
                pid = platform.program("proxy").process.pid
                os.sched_setaffinity(pid, {0})
                proxy = Proxy(name, pid, platform.port, _pid(postgres))
                found += rows(proxy, folder, args)
        return found
    finally:
        postgres.stop()


_PROVISION = """
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain
for name in {domains}:
    domain = Domain.objects.get(name=name)
    for n in range({count}):
        services.create_subscriber(domain, f"user{{n}}", "{password}")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=int, default=100, help="per second")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--only", nargs="*", choices=["register", "options", "call", "digest"])
    parser.add_argument("--proxy", nargs="*", choices=PROXIES, default=PROXIES)
    parser.add_argument("--trace", choices=["on", "off"], default="on", help="keep messages")
    args = parser.parse_args()
    if "compiled" in args.proxy:
        compiler.prepare()
        print(f"ours runs as {compiler.described()}")
    os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)  # SIPp has it from us
    found: list[Row] = []
    with temporary_folder() as folder:
        if {"compiled", "plain"} & set(args.proxy):
            found += our_rows(folder, args)
        for name, flags in (("stock", ()), ("tuned", TUNED)):
            if name in args.proxy:
                found += kamailio_rows(name, flags, folder, args)
        if "equal" in args.proxy:
            found += equal_rows(folder, args)
    heads = "".join(f"{name:>10}" for name in PROXIES)
    ratios = "".join(f"{'compiled/' + name:>16}" for name in RIVALS)
    print(f"\nCPU-µs{'':12}{heads}{ratios}")
    for what in dict.fromkeys(row.what for row in found):
        figures = {row.proxy: row.microseconds for row in found if row.what == what}
        line = "".join(f"{figures.get(name, 0.0):10.1f}" for name in PROXIES)
        for rival in RIVALS:
            has_both = "compiled" in figures and rival in figures
            line += f"{figures['compiled'] / figures[rival]:16.2f}" if has_both else f"{'-':>16}"
        print(f"{what:18}{line}")


if __name__ == "__main__":
    main()
