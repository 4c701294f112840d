"""The relay's pure parts on a virtual clock: ports without sockets, an engine without packets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from media.driver import BoundPorts, Driver
from media.dtls.identity import Identity
from media.forward.engine import Counters
from media.forward.rule import Address, ForwardRule
from media.ng import Answer, Offer, Options
from media.ports import PortPool
from media.sdp import Connection
from media.settings import Interface
from media.stream import LocalPair, Refused

IP4, IP6 = b"IP4", b"IP6"
IDENTITY = Identity()


class Time:
    """A clock that stands still until it is moved; `wall` runs with it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._due: list[Due] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_700_000_000.5 + self.now

    def advance(self, seconds: float) -> None:
        """Move on; what is due on the way is called."""
        end = self.now + seconds
        while self._due and min(one.at for one in self._due) <= end:
            first = min(self._due, key=lambda one: one.at)
            self._due.remove(first)
            self.now = max(self.now, first.at)
            first.callback()
        self.now = end

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Due:
        due = Due(self, self.now + seconds, callback)
        self._due.append(due)
        return due

    def cancel(self, due: Due) -> None:
        if due in self._due:
            self._due.remove(due)


class Due:
    """A timer of Time."""

    def __init__(self, time: Time, at: float, callback: Callable[[], None]) -> None:
        self.at = at
        self.callback = callback
        self._time = time

    def cancel(self) -> None:
        self._time.cancel(self)


class IdleEngine:
    """An Engine whose packets are numbers that the test sets. It refuses what a real one would."""

    def __init__(self, *, busy: set[int] | None = None) -> None:
        self.opened: set[Address] = set()
        self.rules: dict[Address, ForwardRule] = {}
        self.counts: dict[Address, Counters] = {}
        self.riding: dict[tuple[Address, int], Counters] = {}
        """Of further sections at a port."""
        self.sent: list[tuple[Address, bytes, Address]] = []
        self.busy = busy or set()

    def open(self, local: Address) -> None:
        assert local not in self.opened
        if local[1] in self.busy:
            raise OSError(98, "Address already in use")
        self.opened.add(local)

    def share(self, local: Address) -> None:
        """Lanes of it may be opened."""

    def expect(self, local: Address, source: Address) -> None:
        assert local in self.opened

    def close(self, local: Address) -> None:
        self.opened.remove(local)
        self.rules.pop(local, None)
        self.counts.pop(local, None)

    def install(self, rules: Sequence[ForwardRule]) -> None:
        for rule in rules:
            assert {rule.local, rule.out, rule.rtcp_out} <= self.opened
            self.rules[rule.local] = rule

    def send(self, local: Address, datagram: bytes, to: Address) -> None:
        assert local in self.opened
        self.sent.append((local, datagram, to))

    def counters(self, local: Address, section: int = 0) -> Counters:
        rule = self.rules.get(local)
        if rule is not None and section in [one.section for one in rule.others]:
            return self.riding.get((local, section), Counters())
        return self.counts.get(local, Counters())

    def packets(self, local: Address) -> int:
        return self.counters(local).packets

    def hears(self, local: Address, packets: int = 1) -> None:
        """So many more packets came from the accepted source."""
        found = self.counters(local)
        self.counts[local] = replace(
            found, packets=found.packets + packets, octets=found.octets + 172 * packets
        )


class Pairs:
    """A PortSource that counts: 24000, 24002, ...; IPv4 and IPv6 unless told otherwise."""

    def __init__(self, limit: int = 99, families: tuple[bytes, ...] = (IP4, IP6)) -> None:
        self.out: list[LocalPair] = []
        self.back: list[LocalPair] = []
        self._limit = limit
        self._families = families

    def families(self, interface: bytes = b"") -> tuple[bytes, ...]:
        return self._families if interface in (b"", b"inside") else ()

    def take(
        self, family: bytes, interface: bytes = b"", *, is_shared: bool = False, now: float
    ) -> LocalPair:
        if family not in self._families:
            raise Refused("No such address here")
        if len(self.out) >= self._limit:
            raise Refused("Ran out of ports")
        host = "2001:db8::9" if family == IP6 else "203.0.113.9"
        host = {b"inside": "10.0.0.9"}.get(interface, host)
        advertised = Connection(family, host.encode())
        pair = LocalPair(host, 24000 + 2 * len(self.out), advertised, interface)
        self.out.append(pair)
        return pair

    def give_back(self, pair: LocalPair, *, now: float) -> None:
        self.back.append(pair)


def driver_of(
    engine: IdleEngine,
    time: Time,
    *,
    ports: tuple[int, int] = (24000, 24099),
    max_calls: int = 100,
    families: tuple[bytes, ...] = (IP4, IP6),
    browser_port: int = 0,
    random: Callable[[int], bytes] = bytes,
) -> Driver:
    """A driver that serves 203.0.113.9 and 2001:db8::9, pairs drawn in order."""
    hosts = {IP4: "203.0.113.9", IP6: "2001:db8::9"}
    interfaces = {(b"", family): Interface(hosts[family], hosts[family]) for family in families}
    pools = {key: PortPool(*ports) for key in interfaces}
    return Driver(
        engine,
        BoundPorts(engine, interfaces, pools, browser_port=browser_port),
        identity=IDENTITY,
        random=random,
        max_calls=max_calls,
        clock=time.monotonic,
        wall=time.wall,
        call_later=time.call_later,
    )


def sdp(
    port: int = 5004,
    *extra: str,
    host: str = "192.0.2.1",
    protocol: str = "RTP/AVP",
    head: Sequence[str] = (),
) -> bytes:
    """A description of one audio section, with further lines at its end."""
    family = "IP6" if ":" in host else "IP4"
    lines = (
        "v=0",
        f"o=- 1 1 IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        "t=0 0",
        *head,
        f"m=audio {port} {protocol} 0",
        *extra,
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def offer(
    body: bytes,
    *,
    call_id: bytes = b"c",
    tag: bytes = b"a",
    to_tag: bytes = b"",
    branch: bytes = b"",
    options: Options | None = None,
) -> Offer:
    return Offer(call_id, tag, body, to_tag, branch, options or Options())


def answer(
    body: bytes,
    *,
    call_id: bytes = b"c",
    tag: bytes = b"a",
    to_tag: bytes = b"b",
    branch: bytes = b"",
    options: Options | None = None,
) -> Answer:
    return Answer(call_id, tag, to_tag, body, branch, options or Options())
