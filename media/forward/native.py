"""The engine whose packets a thread in C carries (forward.c), beside Python and without its lock.

Sockets, rules and the slow path stay those of the Python engine, which this one has inside: the
thread reads the sockets in the loop's place, sends on what a rule covers, and hands up the rest.
Lanes (many sides on one socket) and ports with several sections stay wholly in Python. SRTP is
libsrtp's in both; a session is used by one at a time.

`./fedsip build` compiles forward.c where there is a C compiler (library.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cffi import FFI

from media.forward import library
from media.forward.engine import Counters, OnReport, OnStranger
from media.forward.python import MAX_DATAGRAM, Port, PythonEngine
from media.forward.rule import Address, ForwardRule, Transform, is_lane

_DRAINED_AT_ONCE: Final = 64


class NotBuilt(Exception):
    """The library has not been made from these sources; the message is one sentence."""


class NativeEngine:
    """An Engine: the thread begins with it, and ends with `stop`."""

    __slots__ = ("_python", "_thread")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_stranger: OnStranger,
        on_report: OnReport,
        folder: Path = library.FOLDER,
    ) -> None:
        """Raises NotBuilt."""
        self._thread = _Thread(loop, on_report, library.of(folder))
        self._python = PythonEngine(
            loop, on_stranger=on_stranger, on_report=on_report, reading=self._thread
        )

    def open(self, local: Address) -> None:
        self._python.open(local)

    def share(self, local: Address) -> None:
        self._python.share(local)

    def expect(self, local: Address, source: Address) -> None:
        self._python.expect(local, source)

    def close(self, local: Address) -> None:
        self._python.close(local)

    def stop(self) -> None:
        """End the thread, and give up the shared sockets: ports and lanes are closed."""
        self._python.stop()
        self._thread.stop()

    def install(self, rules: Sequence[ForwardRule]) -> None:
        with self._thread.held():
            self._python.install([_locked(rule, self._thread) for rule in rules])
            for rule in rules:
                if not is_lane(rule.local):
                    self._thread.follow(rule, self._python.port)

    def send(self, local: Address, datagram: bytes, to: Address) -> None:
        self._python.send(local, datagram, to)

    def counters(self, local: Address) -> Counters:
        """What the thread has counted, and what was handed up."""
        slow = self._python.counters(local)
        if is_lane(local):
            return slow
        quick = self._thread.counted(self._python.port(local))
        expected = quick.expected_before + quick.next - quick.base
        has_heard = quick.rtp_packets > 0
        return Counters(
            packets=slow.packets + quick.packets,
            octets=slow.octets + quick.octets,
            errors=slow.errors + quick.errors,
            strangers=slow.strangers + quick.strangers,
            undecryptable=slow.undecryptable + quick.undecryptable,
            expected=slow.expected + expected,
            lost=slow.lost + max(0, expected - quick.rtp_packets),
            jitter_seconds=quick.jitter_seconds if has_heard else slow.jitter_seconds,
            ssrc=quick.ssrc if has_heard else slow.ssrc,
        )

    def packets(self, local: Address) -> int:
        slow = self._python.packets(local)
        if is_lane(local):
            return slow
        return slow + int(self._thread.counted(self._python.port(local)).packets)


class _Thread:
    """What reads the sockets (python.Reading), and hands up."""

    __slots__ = (
        "_counters",
        "_engine",
        "_ffi",
        "_free",
        "_head",
        "_lib",
        "_loop",
        "_memory",
        "_numbers",
        "_on_report",
        "_ports",
        "_rules",
        "_senders",
        "_wake",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, on_report: OnReport, path: Path) -> None:
        if not path.exists():
            raise NotBuilt("the relay's native engine is not built: ./fedsip build makes it")
        self._ffi: Any = FFI()
        self._ffi.cdef(library.declarations())
        self._lib: Any = self._ffi.dlopen(str(path))
        self._engine = self._lib.forward_start()
        if self._engine == self._ffi.NULL:
            raise NotBuilt("the relay's native engine cannot have a thread")
        self._loop = loop
        self._on_report = on_report
        self._head = self._ffi.new("struct forward_packet *")
        self._memory = self._ffi.new("uint8_t[]", MAX_DATAGRAM)
        self._counters = self._ffi.new("struct forward_counters *")
        self._numbers: dict[Port, int] = {}
        self._ports: dict[int, Port] = {}
        self._free: list[int] = []
        self._rules: dict[Port, tuple[ForwardRule, Port, Port]] = {}
        """With the ports that packets go out at. Keeps the sessions that the thread points at."""
        self._senders: dict[Port, set[Port]] = {}
        """By port: whose packets go out there."""
        self._wake: int = self._lib.forward_wake(self._engine)
        loop.add_reader(self._wake, self._drain)

    def stop(self) -> None:
        self._loop.remove_reader(self._wake)
        self._lib.forward_stop(self._engine)

    # -- python.Reading

    def begin(self, port: Port) -> None:
        number = self._ffi.new("uint64_t *")
        place = self._free.pop() if self._free else len(self._ports)
        failed = self._lib.forward_open(self._engine, place, port.socket.fileno(), number)
        if failed:
            self._free.append(place)
            raise OSError(failed, "the socket cannot be watched")
        self._numbers[port] = number[0]
        self._ports[number[0]] = port

    def again(self, port: Port) -> None:
        """Nothing: the thread takes errors as they come, and asks nobody how to receive."""

    def end(self, port: Port) -> None:
        """Its descriptor may be another's soon: nobody sends through it any more either."""
        for sender in list(self._senders.get(port, ())):
            self._lib.forward_follow(self._engine, self._numbers[sender], self._handing_up())
            self._forget_rule(sender)
        self._senders.pop(port, None)
        number = self._numbers.pop(port)
        del self._ports[number]
        self._lib.forward_close(self._engine, number)
        self._forget_rule(port)
        self._free.append(number & 0xFFFFFFFF)

    # -- rules

    @contextmanager
    def held(self) -> Iterator[None]:
        """The thread touches no packet and no SRTP session meanwhile; may be nested."""
        self._lib.forward_hold(self._engine)
        try:
            yield
        finally:
            self._lib.forward_release(self._engine)

    def follow(self, rule: ForwardRule, port_of: Callable[[Address], Port]) -> None:
        """Give the thread a rule; the Python port has it already, for what is handed up."""
        port, out, rtcp_out = port_of(rule.local), port_of(rule.out), port_of(rule.rtcp_out)
        given = self._handing_up()
        given.is_handed_up = rule.accepts is None or bool(rule.others)
        given.is_only_media = rule.is_only_media
        given.is_rtp = rule.is_rtp
        self._write_address(given.accepts, rule.accepts)
        self._write_side(given.rtp, out, rule.destination)
        self._write_side(given.rtcp, rtcp_out, rule.rtcp_destination)
        self._write_transform(given.unprotect, rule.unprotect)
        self._write_transform(given.protect, rule.protect)
        self._write_transform(given.rtcp_protect, rule.rtcp_protect)
        for number, rate in rule.clock_rates:
            given.clock_rates[number] = rate
        self._lib.forward_follow(self._engine, self._numbers[port], given)
        self._forget_rule(port)
        self._rules[port] = rule, out, rtcp_out
        for other in (out, rtcp_out):
            self._senders.setdefault(other, set()).add(port)

    def counted(self, port: Port) -> Any:
        """A struct forward_counters, good until the next one."""
        self._lib.forward_counted(self._engine, self._numbers[port], self._counters)
        return self._counters

    def _forget_rule(self, port: Port) -> None:
        _, *outs = self._rules.pop(port, (None,))
        for out in outs:
            self._senders[out].discard(port)

    def _handing_up(self) -> Any:
        given = self._ffi.new("struct forward_rule *")
        given.is_handed_up = 1
        return given

    def _write_address(self, into: Any, address: Address | None) -> None:
        if address is not None:
            self._lib.forward_read_address(
                address[0].encode(), address[1], self._ffi.addressof(into)
            )

    def _write_side(self, into: Any, out: Port, to: Address | None) -> None:
        self._write_address(into.to, to)
        into.fd = out.socket.fileno()
        into.is_connected = out.peer is not None and out.peer == to

    def _write_transform(self, into: Any, transform: Transform | None) -> None:
        if transform is None:
            return
        session, rtp, rtcp = transform.pointers
        into.session = self._ffi.cast("void *", session)
        into.rtp = self._ffi.cast("int (*)(void *, void *, int *)", rtp)
        into.rtcp = self._ffi.cast("int (*)(void *, void *, int *)", rtcp)

    # -- what is handed up

    def _drain(self) -> None:
        head = self._head
        for _ in range(_DRAINED_AT_ONCE):
            if not self._lib.forward_take(self._engine, head, self._memory):
                return
            port = self._ports.get(head.port)
            if port is None:
                continue  # closed since
            datagram = bytes(self._ffi.buffer(self._memory, head.size))
            if head.is_report:
                self._on_report(port.local, datagram)
                continue
            host = self._ffi.string(head.source_host).decode()
            source = (host, head.source_port)
            port.arrived(datagram, (*source, 0, 0) if ":" in host else source)


class _Locked:
    """A transform for what is handed up: the thread uses the same session."""

    __slots__ = ("_thread", "_transform")

    def __init__(self, transform: Transform, thread: _Thread) -> None:
        self._transform = transform
        self._thread = thread

    @property
    def pointers(self) -> tuple[int, int, int]:
        return self._transform.pointers

    def rtp(self, packet: bytes) -> bytes:
        with self._thread.held():
            return self._transform.rtp(packet)

    def rtcp(self, packet: bytes) -> bytes:
        with self._thread.held():
            return self._transform.rtcp(packet)


def _locked(rule: ForwardRule, thread: _Thread) -> ForwardRule:
    def locked(transform: Transform | None) -> Transform | None:
        return None if transform is None else _Locked(transform, thread)

    return replace(
        rule,
        unprotect=locked(rule.unprotect),
        protect=locked(rule.protect),
        rtcp_protect=locked(rule.rtcp_protect),
        others=tuple(_locked(other, thread) for other in rule.others),
    )
