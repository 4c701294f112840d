"""The engine whose packets threads in C carry (forward.c), beside Python and without its lock.

Sockets, rules and the slow path stay those of the Python engine, which this one has inside: the
threads read the sockets in the loop's place, send on what a rule covers, and hand up the rest.
A port that many sides share (lanes) is as many sockets as there are threads, among which the kernel
divides the sides. SRTP is libsrtp's in both; a session is used by one at a time.

`./fedsip build` compiles forward.c where there is a C compiler (library.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from socket import SO_REUSEPORT, SOL_SOCKET, socket
from typing import Any, Final

from cffi import FFI

from media.forward import library
from media.forward.engine import Counters, OnReport, OnStranger
from media.forward.python import MAX_DATAGRAM, Port, PythonEngine, bound
from media.forward.rule import Address, ForwardRule, Transform
from media.forward.shared import Shared
from media.rtp.stats import Run, counted_by_two

_DRAINED_AT_ONCE: Final = 64
_ALL_SECTIONS: Final = -1


class NotBuilt(Exception):
    """The library has not been made from these sources; the message is one sentence."""


class NativeEngine:
    """An Engine: the threads begin with it, and end with `stop`."""

    __slots__ = ("_python", "_threads")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_stranger: OnStranger,
        on_report: OnReport,
        threads: int = 1,
        folder: Path = library.FOLDER,
    ) -> None:
        """Raises NotBuilt."""
        self._threads = _Threads(loop, on_report, library.of(folder), threads)
        self._python = PythonEngine(
            loop, on_stranger=on_stranger, on_report=on_report, reading=self._threads
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
        """End the threads, and give up the shared sockets: ports and lanes are closed."""
        self._python.stop()
        self._threads.stop()

    def install(self, rules: Sequence[ForwardRule]) -> None:
        if not rules:
            return
        ports = [self._python.port(rule.local) for rule in rules]
        self._threads.join(ports)
        with self._threads.held(ports[0]):
            self._python.install(
                [
                    _locked(rule, port, self._threads)
                    for rule, port in zip(rules, ports, strict=True)
                ]
            )
            for rule in rules:
                self._threads.follow(rule, self._python.port)

    def send(self, local: Address, datagram: bytes, to: Address) -> None:
        self._python.send(local, datagram, to)

    def counters(self, local: Address, section: int = 0) -> Counters:
        """What the threads have counted, and what was handed up."""
        slow, port = self._python.counters(local, section), self._python.port(local)
        quick = self._threads.counted(port, section)
        run = Run(quick.ssrc, quick.base, quick.next, quick.expected_before, quick.rtp_packets)
        expected, lost = counted_by_two(run, port.heard(section).run)
        has_heard = quick.rtp_packets > 0
        return Counters(
            packets=slow.packets + quick.packets,
            octets=slow.octets + quick.octets,
            errors=slow.errors + quick.errors,
            strangers=slow.strangers + quick.strangers,
            undecryptable=slow.undecryptable + quick.undecryptable,
            expected=expected,
            lost=lost,
            jitter_seconds=quick.jitter_seconds if has_heard else slow.jitter_seconds,
            ssrc=quick.ssrc if has_heard else slow.ssrc,
        )

    def packets(self, local: Address) -> int:
        port = self._python.port(local)
        return port.packets + int(self._threads.counted(port, _ALL_SECTIONS).packets)


class _Threads:
    """What reads the sockets (python.Reading), and hands up."""

    __slots__ = (
        "_amount",
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
        "_places",
        "_ports",
        "_rules",
        "_senders",
        "_shared",
        "_sockets",
        "_wake",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_report: OnReport, path: Path, amount: int
    ) -> None:
        if not path.exists():
            raise NotBuilt("the relay's native engine is not built: ./fedsip build makes it")
        self._ffi: Any = FFI()
        self._ffi.cdef(library.declarations())
        self._lib: Any = self._ffi.dlopen(str(path))
        self._engine = self._lib.forward_start(amount)
        if self._engine == self._ffi.NULL:
            raise NotBuilt(f"the relay's native engine cannot have {amount} threads")
        self._amount = amount
        self._loop = loop
        self._on_report = on_report
        self._head = self._ffi.new("struct forward_packet *")
        self._memory = self._ffi.new("uint8_t[]", MAX_DATAGRAM)
        self._counters = self._ffi.new("struct forward_counters *")
        self._numbers: dict[Port, int] = {}
        self._ports: dict[int, Port] = {}
        self._shared: dict[int, Shared] = {}
        self._sockets: dict[Shared, list[tuple[int, socket]]] = {}
        """Numbers and sockets of each, one of each thread's."""
        self._places = 0
        self._free: list[int] = []
        self._rules: dict[Port, tuple[ForwardRule | None, AbstractSet[Port]]] = {}
        """With the ports that packets go out at. Keeps the sessions that the threads point at."""
        self._senders: dict[Port, set[Port]] = {}
        """By port: whose packets go out there."""
        self._wake: int = self._lib.forward_wake(self._engine)
        loop.add_reader(self._wake, self._drain)

    def stop(self) -> None:
        self._loop.remove_reader(self._wake)
        self._lib.forward_stop(self._engine)

    # -- python.Reading

    def begin(self, port: Port) -> None:
        if port.shared is None:
            number = self._opened(self._lib.forward_open, port.socket.fileno())
        else:
            number = self._opened(self._lib.forward_lane)
        self._numbers[port] = number
        self._ports[number] = port

    def again(self, port: Port) -> None:
        """Nothing: the threads take errors as they come, and ask nobody how to receive."""

    def end(self, port: Port) -> None:
        """Its descriptor may be another's soon: nobody sends through it any more either."""
        for sender in list(self._senders.get(port, ())):
            self._follow(sender, self._handing_up(), self._ffi.NULL, 0)
            self._forget_rule(sender)
        self._senders.pop(port, None)
        number = self._numbers.pop(port)
        del self._ports[number]
        self._forget_rule(port)
        self._closed(number)

    def share(self, local: Address) -> Shared:
        sockets = [bound(local)]  # which says whether another program has the port
        if self._amount > 1:
            sockets[0].setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)
            sockets += [bound(local, is_one_of_several=True) for _ in range(1, self._amount)]
        numbers = [
            self._opened(self._lib.forward_share, one.fileno(), thread)
            for thread, one in enumerate(sockets)
        ]

        def expect(source: Address, lane: object) -> None:
            address = self._ffi.new("struct forward_address *")
            self._write_address(address[0], source)
            to = self._numbers[lane] if isinstance(lane, Port) else 0
            for number in numbers:
                self._check(self._lib.forward_expect(self._engine, number, address, to))

        shared = Shared(sockets[0], listen_again=lambda: None, on_expected=expect)
        self._sockets[shared] = list(zip(numbers, sockets, strict=True))
        self._shared |= dict.fromkeys(numbers, shared)
        return shared

    def end_sharing(self, shared: Shared) -> None:
        for number, one in self._sockets.pop(shared):
            del self._shared[number]
            self._closed(number)
            one.close()

    def _opened(self, how: Callable[..., int], *words: int) -> int:
        """A number in a place that is free."""
        number = self._ffi.new("uint64_t *")
        if not self._free:
            self._free.append(self._places)
            self._places += 1
        self._check(how(self._engine, self._free[-1], *words, number))
        self._free.pop()
        return int(number[0])

    def _closed(self, number: int) -> None:
        self._lib.forward_close(self._engine, number)
        self._free.append(number & 0xFFFFFFFF)

    def _check(self, failed: int) -> None:
        if failed:
            raise OSError(failed, "the relay's native engine has no room")

    # -- rules

    def join(self, ports: Sequence[Port]) -> None:
        """They are of one call: what uses one of their SRTP sessions keeps the others waiting."""
        for port in ports[1:]:
            self._lib.forward_join(self._engine, self._numbers[port], self._numbers[ports[0]])

    @contextmanager
    def held(self, port: Port) -> Iterator[None]:
        """No thread touches a packet or an SRTP session of its call meanwhile; may be nested."""
        held = self._lib.forward_hold(self._engine, self._numbers[port])
        try:
            yield
        finally:
            self._lib.forward_release(self._engine, held)

    def follow(self, rule: ForwardRule, port_of: Callable[[Address], Port]) -> None:
        """Give the threads a rule; the Python port has it already, for what is handed up."""
        port = port_of(rule.local)
        given = self._handing_up()
        given.is_handed_up = rule.accepts is None
        given.is_only_media = rule.is_only_media
        given.is_rtp = rule.is_rtp
        given.mid_extension = rule.mid_extension
        self._write_address(given.accepts, rule.accepts)
        self._write_transform(given.unprotect, rule.unprotect)
        rules = (rule, *rule.others)
        sections = self._ffi.new("struct forward_section[]", len(rules))
        outs: set[Port] = set()
        for section, one in zip(sections, rules, strict=True):
            out, rtcp_out = port_of(one.out), port_of(one.rtcp_out)
            outs |= {out, rtcp_out}
            section.name = one.section
            section.back = self._numbers[out]
            self._write_side(section.rtp, out, one.destination)
            self._write_side(section.rtcp, rtcp_out, one.rtcp_destination)
            self._write_transform(section.protect, one.protect)
            self._write_transform(section.rtcp_protect, one.rtcp_protect)
            if one.names is not None:
                self._write_element(section.names, *one.names)
            if rule.others:
                self._write_what_tells(section, one)
            for number, rate in one.clock_rates:
                section.clock_rates[number] = rate
        self._follow(port, given, sections, len(rules))
        self._forget_rule(port)
        self._rules[port] = rule, outs
        for other in outs:
            self._senders.setdefault(other, set()).add(port)

    def counted(self, port: Port, section: int) -> Any:
        """A struct forward_counters, good until the next one."""
        self._lib.forward_counted(self._engine, self._numbers[port], section, self._counters)
        return self._counters

    def _follow(self, port: Port, rule: Any, sections: Any, amount: int) -> None:
        number = self._numbers[port]
        self._check(self._lib.forward_follow(self._engine, number, rule, sections, amount))

    def _forget_rule(self, port: Port) -> None:
        _, outs = self._rules.pop(port, (None, frozenset()))
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

    def _write_what_tells(self, section: Any, rule: ForwardRule) -> None:
        self._write_element(section.mid, rule.mid_extension, rule.mid)
        sources = rule.sources[: len(section.sources)]
        section.amount_of_sources = len(sources)
        section.sources[0 : len(sources)] = sources
        for number in rule.payload_types:
            section.payload_types[number] = 1

    def _write_element(self, into: Any, number: int, carried: bytes) -> None:
        into.number, into.length = number, len(carried)
        self._ffi.buffer(into.octets)[: len(carried)] = carried  # ValueError where it is too long

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
            to = port or self._shared.get(head.port)
            if to is None:
                continue  # closed since
            datagram = bytes(self._ffi.buffer(self._memory, head.size))
            if port is not None and head.is_report:
                self._on_report(port.local, datagram, head.section)
                continue
            host = self._ffi.string(head.source_host).decode()
            source = (host, head.source_port)
            to.arrived(datagram, (*source, 0, 0) if ":" in host else source)


class _Locked:
    """A transform for what is handed up: the threads use the same session."""

    __slots__ = ("_port", "_threads", "_transform")

    def __init__(self, transform: Transform, port: Port, threads: _Threads) -> None:
        self._threads = threads
        self._port = port
        self._transform = transform

    @property
    def pointers(self) -> tuple[int, int, int]:
        return self._transform.pointers

    def rtp(self, packet: bytes) -> bytes:
        with self._threads.held(self._port):
            return self._transform.rtp(packet)

    def rtcp(self, packet: bytes) -> bytes:
        with self._threads.held(self._port):
            return self._transform.rtcp(packet)


def _locked(rule: ForwardRule, port: Port, threads: _Threads) -> ForwardRule:
    def locked(transform: Transform | None) -> Transform | None:
        return None if transform is None else _Locked(transform, port, threads)

    return replace(
        rule,
        unprotect=locked(rule.unprotect),
        protect=locked(rule.protect),
        rtcp_protect=locked(rule.rtcp_protect),
        others=tuple(_locked(other, port, threads) for other in rule.others),
    )
