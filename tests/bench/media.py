"""CPU-µs for a forwarded packet and added latency: our relay beside Debian's rtpengine.

    ./fedsip build
    python -m tests.bench.media [--calls 100 500] [--seconds 10] [--rounds 2] [--only native]

"native" and "python" are our engines.

Every call has two phones that each send 50 packets of 172 bytes a second. The relay is bound to
processor 0, the phones to processor 1. CPU is the kernel's own account of all the relay's threads
(schedstat). Latency is from just before the send to the kernel's own receive time stamp, of ten
calls among the others; `direct` is the same without a relay. rtpengine runs in user space
(--table=-1); what its kernel module could do is not measured here.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import socket
import statistics
import struct
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from media.ng import Answer, Delete, Offer
from tests.harness import cpu
from tests.harness.ng import REPLACE, NgClient, our_relay
from tests.harness.processes import Program
from tests.harness.rtpengine import rtpengine

RELAYS = ("native", "python", "rtpengine")
INTERVAL = 0.020
SLOTS = 40
GROUPS = 8
PROBES = 10
WARM_UP_SECONDS = 7.0
PORTS = (24000, 26999)
NG_PORT = 27800
_SO_TIMESTAMPNS = 35
_HEADER = struct.Struct("!BBHII")
_SENT_AT = struct.Struct("!Q")


@dataclass(frozen=True, slots=True)
class Row:
    """What one run of one relay came to."""

    relay: str
    calls: int
    cpu_us: float
    p50_us: float
    p99_us: float
    lost_percent: float


class Sends(Protocol):
    """One direction of one call."""

    def send(self) -> None:
        """Send the next packet."""


class Way:
    """One direction of one call: from a phone's socket to the relay's port."""

    __slots__ = ("_packet", "_sequence", "_socket", "_ssrc", "_to")

    def __init__(self, phone: socket.socket, to: tuple[str, int], ssrc: int) -> None:
        self._socket = phone
        self._to = to
        self._ssrc = ssrc
        self._sequence = 0
        self._packet = bytearray(172)

    def send(self) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        _HEADER.pack_into(
            self._packet, 0, 0x80, 0, self._sequence, 160 * self._sequence, self._ssrc
        )
        _SENT_AT.pack_into(self._packet, 12, time.time_ns())
        self._socket.sendto(self._packet, self._to)


class Load:
    """All phones. Most share a few sockets; the probes have their own, with time stamps."""

    def __init__(self) -> None:
        self.groups = [_phone() for _ in range(2 * GROUPS)]
        self.probes = [_phone(stamped=True) for _ in range(2 * PROBES)]
        self.ways: list[Sends] = []
        self.opened: dict[socket.socket, Callable[[bytes], bytes]] = {}
        """How a probe decrypts what it hears, where that is encrypted."""
        self.sent = 0
        self.heard = 0
        self.latencies_us: list[float] = []
        self._buffer = bytearray(2048)
        self._poll = select.epoll()
        self._by_file: dict[int, Callable[[], None]] = {}
        for phones, read in ((self.groups, self._count), (self.probes, self._stamp)):
            for phone in phones:
                self._poll.register(phone.fileno(), select.EPOLLIN)
                self._by_file[phone.fileno()] = lambda phone=phone, read=read: read(phone)

    def phones_of(self, call: int) -> tuple[socket.socket, socket.socket]:
        if call < PROBES:
            return self.probes[2 * call], self.probes[2 * call + 1]
        group = 2 * (call % GROUPS)
        return self.groups[group], self.groups[group + 1]

    def run(self, seconds: float) -> None:
        """Send evenly over each 20 ms, and read whatever has come in between."""
        slots = [self.ways[number::SLOTS] for number in range(SLOTS)]
        due = time.monotonic()
        end = due + seconds
        while due < end:
            for slot in slots:
                for way in slot:
                    way.send()
                self.sent += len(slot)
                due += INTERVAL / SLOTS
                self._read(due)
        self._read(time.monotonic() + 0.3)

    def _read(self, until: float) -> None:
        while True:
            left = until - time.monotonic()
            for file, _ in self._poll.poll(max(0.0, left), 64):
                self._by_file[file]()
            if left <= 0:
                return

    def _count(self, phone: socket.socket) -> None:
        receive, buffer = phone.recv_into, self._buffer
        try:
            while True:
                receive(buffer)
                self.heard += 1
        except BlockingIOError:
            return

    def _stamp(self, phone: socket.socket) -> None:
        try:
            while True:
                data, control, _, _ = phone.recvmsg(2048, 64)
                seconds, nanoseconds = struct.unpack("qq", control[0][2])
                if phone in self.opened:
                    data = self.opened[phone](data)
                (sent_at,) = _SENT_AT.unpack_from(data, 12)
                self.latencies_us.append((seconds * 10**9 + nanoseconds - sent_at) / 1000)
                self.heard += 1
        except BlockingIOError:
            return

    def forget(self) -> None:
        self.sent = self.heard = 0
        self.latencies_us.clear()

    def close(self) -> None:
        self._poll.close()
        for phone in (*self.groups, *self.probes):
            phone.close()


def _phone(*, stamped: bool = False) -> socket.socket:
    phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    if stamped:
        phone.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    phone.bind(("127.0.0.1", 0))
    phone.setblocking(False)
    return phone


def description(phone: socket.socket) -> bytes:
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {phone.getsockname()[1]} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    ).encode()


def set_up(load: Load, calls: int) -> None:
    """Make the calls by NG and aim every phone at its port."""
    with NgClient(NG_PORT) as proxy:
        for number in range(calls):
            caller, callee = load.phones_of(number)
            call_id = b"bench-%d" % number
            to_callee = proxy.describes(Offer(call_id, b"a", description(caller), options=REPLACE))
            to_caller = proxy.describes(
                Answer(call_id, b"a", b"b", description(callee), options=REPLACE)
            )
            for ssrc, phone, told in ((1, caller, to_caller), (2, callee, to_callee)):
                to = ("127.0.0.1", told.media[0].port)
                load.ways.append(Way(phone, to, 2 * number + ssrc))


def tear_down(calls: int) -> None:
    with NgClient(NG_PORT) as proxy:
        for number in range(calls):
            proxy.accepted(Delete(b"bench-%d" % number, b"a", delay=0))


def bind_to_processor(pid: int, processor: int) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), {processor})


def measure(
    name: str,
    program: Program,
    calls: int,
    seconds: float,
    *,
    set_up: Callable[[Load, int], None] = set_up,
    warm_up: float = WARM_UP_SECONDS,
) -> Row:
    """One run of one relay; `set_up` makes so many calls and aims the phones of the load."""
    pid = program.process.pid
    bind_to_processor(pid, 0)
    load = Load()
    try:
        set_up(load, calls)
        load.run(warm_up)
        assert load.heard, f"{name} forwards nothing"
        load.forget()
        before = cpu.nanoseconds(pid)
        load.run(seconds)
        used = cpu.nanoseconds(pid) - before
        tear_down(calls)
        return row_of(name, calls, load, used)
    finally:
        load.close()


def row_of(name: str, calls: int, load: Load, used: int) -> Row:
    cuts = statistics.quantiles(load.latencies_us, n=100)
    return Row(
        relay=name,
        calls=calls,
        cpu_us=used / max(1, load.heard) / 1000,
        p50_us=cuts[49],
        p99_us=cuts[98],
        lost_percent=100 * (1 - load.heard / load.sent),
    )


def direct(calls: int, seconds: float) -> Row:
    """The phones send to each other, past any relay."""
    load = Load()
    try:
        for number in range(calls):
            pair = load.phones_of(number)
            for phone, other in (pair, pair[::-1]):
                load.ways.append(Way(phone, other.getsockname(), number))
        load.run(seconds)
        return row_of("direct", calls, load, 0)
    finally:
        load.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, nargs="+", default=[100, 500])
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--only", choices=RELAYS, nargs="+", default=RELAYS)
    chosen = options.parse_args()
    os.sched_setaffinity(0, {1})
    print(f"{'calls':>6} {'relay':<10} {'CPU-µs':>7} {'p50 µs':>8} {'p99 µs':>8} {'lost %':>7}")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for calls in chosen.calls:
            show(direct(calls, 3.0))
            found: dict[str, list[float]] = {}
            for _ in range(chosen.rounds):
                for name in chosen.only:
                    with start(name, folder) as program:
                        row = measure(name, program, calls, chosen.seconds)
                    show(row)
                    found.setdefault(name, []).append(row.cpu_us)
            for name in found.keys() - {"rtpengine"} if "rtpengine" in found else ():
                ratio = min(found[name]) / min(found["rtpengine"])
                print(f"{calls:>6} {name} / rtpengine, CPU of the best rounds: {ratio:.2f}")


def start(name: str, folder: Path) -> Program:
    """A relay that has as many threads as it takes on this machine, whatever the bench is bound
    to."""
    bound = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        if name == "rtpengine":
            return rtpengine(folder / name, ng_port=NG_PORT, ports=PORTS)
        return our_relay(folder / name, ng_port=NG_PORT, ports=PORTS, ENGINE=name)
    finally:
        os.sched_setaffinity(0, bound)


def show(row: Row) -> None:
    print(
        f"{row.calls:>6} {row.relay:<10} {row.cpu_us:>7.2f} {row.p50_us:>8.0f} "
        f"{row.p99_us:>8.0f} {row.lost_percent:>7.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
