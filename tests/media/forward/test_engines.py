"""Real sockets on loopback, each engine: what goes through, what does not, what is counted."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack

import pytest

from media.forward.engine import Counters
from media.forward.rule import Address, ForwardRule
from media.rtp import packet
from tests.media.forward.conftest import Made

HOSTS = ["127.0.0.1", "::1"]
REPORT = b"\x80\xc9\x00\x01\x00\x00\x00\x07"
BOUND_SECONDS = 60.0
# A broadcast that is not allowed; an address of the other family.
NOWHERE = {"127.0.0.1": ("255.255.255.255", 9), "::1": ("192.0.2.1", 9)}


def rtp(number: int, payload: bytes = b"x" * 160) -> bytes:
    return packet.build(
        payload_type=0,
        sequence_number=number,
        rtp_timestamp=160 * number,
        ssrc=7,
        payload=payload,
    )


class Street:
    """Two phones, an engine with one port for each, and what its slow path was told."""

    def __init__(self, host: str, engine: Made, stack: ExitStack) -> None:
        self.host = host
        self.strangers: list[tuple[Address, bytes, Address]] = []
        self.reports: list[tuple[Address, bytes]] = []
        self.verdict = False
        self.stack = stack
        self.caller, self.callee = self.phone(), self.phone()
        self.on_stranger = self._stranger
        self.engine = engine(
            asyncio.get_running_loop(),
            on_stranger=lambda *heard: self.on_stranger(*heard),
            on_report=self._report,
        )
        stack.callback(self.engine.stop)
        self.left, self.right = self.open(), self.open()

    def phone(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        phone = self.stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        phone.bind((self.host, 0))
        phone.setblocking(False)
        return phone

    def open(self) -> Address:
        with socket.socket(self.caller.family, socket.SOCK_DGRAM) as probe:
            probe.bind((self.host, 0))
            local = address_of(probe)
        self.engine.open(local)
        self.stack.callback(self.engine.close, local)
        return local

    def connect(self, *, is_exclusive: bool = False, is_rtp: bool = True) -> None:
        """Rules in both directions, both sources known."""
        caller, callee = address_of(self.caller), address_of(self.callee)
        self.engine.install(
            [
                ForwardRule(here, this, there, that, there, that, is_rtp, is_exclusive)
                for here, this, there, that in (
                    (self.left, caller, self.right, callee),
                    (self.right, callee, self.left, caller),
                )
            ]
        )

    def _stranger(self, local: Address, datagram: bytes, source: Address) -> bool:
        self.strangers.append((local, datagram, source))
        return self.verdict

    def _report(self, local: Address, datagram: bytes, _: int) -> None:
        self.reports.append((local, datagram))


def address_of(phone: socket.socket) -> Address:
    host, port = phone.getsockname()[:2]
    return host, port


async def heard(phone: socket.socket) -> tuple[bytes, Address]:
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(phone, ready.set)
    try:
        async with asyncio.timeout(BOUND_SECONDS):
            await ready.wait()
    finally:
        loop.remove_reader(phone)
    datagram, source = phone.recvfrom(65_535)
    return datagram, source[:2]


async def happens(condition: Callable[[], object]) -> None:
    """Let the loop run until it is so: nothing else moves a packet that is in the kernel."""
    async with asyncio.timeout(BOUND_SECONDS):
        while not condition():  # noqa: ASYNC110  (a socket has no event for what it dropped)
            await asyncio.sleep(0)


@pytest.fixture(params=HOSTS)
async def street(request: pytest.FixtureRequest, engine: Made) -> AsyncIterator[Street]:
    with ExitStack() as stack:
        yield Street(request.param, engine, stack)


@pytest.mark.parametrize("is_exclusive", [False, True])
async def test_both_directions(street: Street, is_exclusive: bool) -> None:
    street.connect(is_exclusive=is_exclusive)
    for number in range(3):
        street.caller.sendto(rtp(number), street.left)
        assert await heard(street.callee) == (rtp(number), street.right)
        street.callee.sendto(rtp(number, b"back"), street.right)
        assert await heard(street.caller) == (rtp(number, b"back"), street.left)
    assert street.engine.counters(street.left) == Counters(
        packets=3,
        octets=3 * 172,
        expected=3,
        ssrc=7,
        jitter_seconds=street.engine.counters(street.left).jitter_seconds,
    )
    assert street.engine.packets(street.right) == 3
    assert not street.strangers


async def test_burst_arrives_whole_and_in_order(street: Street) -> None:
    street.connect()
    for number in range(100):
        street.caller.sendto(rtp(number), street.left)
    assert [await heard(street.callee) for _ in range(100)] == [
        (rtp(number), street.right) for number in range(100)
    ]


async def test_loss_and_order_are_counted(street: Street) -> None:
    street.connect()
    for number in (1, 2, 5, 4, 7):
        street.caller.sendto(rtp(number), street.left)
        await heard(street.callee)
    counters = street.engine.counters(street.left)
    assert (counters.expected, counters.lost) == (7, 2)


@pytest.mark.parametrize(
    "datagram", [b"", b"x", bytes(65_000), b"\x00\x01" + bytes(18), b"\x80\x00 too short"[:11]]
)
async def test_any_datagram_of_the_phone_goes_through(street: Street, datagram: bytes) -> None:
    street.connect()
    street.caller.sendto(datagram, street.left)
    assert (await heard(street.callee))[0] == datagram
    assert street.engine.counters(street.left).expected == 0


async def test_fax_has_no_sequence_numbers(street: Street) -> None:
    street.connect(is_rtp=False)
    street.caller.sendto(rtp(1), street.left)
    await heard(street.callee)
    assert street.engine.counters(street.left).expected == 0


async def test_rtcp_goes_its_own_way(street: Street) -> None:
    other, out = street.phone(), street.open()
    caller, callee = address_of(street.caller), address_of(street.callee)
    rule = ForwardRule(street.left, caller, street.right, callee, out, address_of(other))
    street.engine.install([rule])
    street.caller.sendto(REPORT, street.left)
    street.caller.sendto(rtp(1), street.left)
    assert await heard(other) == (REPORT, out)
    assert await heard(street.callee) == (rtp(1), street.right)
    assert street.reports == [(street.left, REPORT)]
    assert street.engine.counters(street.left).expected == 1


async def test_rtcp_that_nobody_wants_is_still_told(street: Street) -> None:
    caller = address_of(street.caller)
    rule = ForwardRule(street.left, caller, street.right, None, street.right, None)
    street.engine.install([rule])
    street.caller.sendto(REPORT, street.left)
    street.caller.sendto(rtp(1), street.left)
    await happens(lambda: street.reports)
    assert street.reports == [(street.left, REPORT)]
    await happens(lambda: street.engine.packets(street.left) == 2)
    assert street.engine.counters(street.left).errors == 0


async def test_stranger_is_told_and_dropped(street: Street) -> None:
    street.connect()
    stranger = street.phone()
    stranger.sendto(rtp(1, b"evil"), street.left)
    await happens(lambda: street.strangers)
    street.caller.sendto(rtp(1), street.left)
    assert (await heard(street.callee))[0] == rtp(1)
    assert street.strangers == [(street.left, rtp(1, b"evil"), address_of(stranger))]
    counters = street.engine.counters(street.left)
    assert (counters.packets, counters.strangers) == (1, 1)


async def test_stranger_that_is_accepted_is_forwarded_by_the_new_rules(street: Street) -> None:
    newcomer = street.phone()
    street.connect()
    before = street._stranger

    def accept(local: Address, datagram: bytes, source: Address) -> bool:
        before(local, datagram, source)
        street.caller = newcomer
        street.connect()
        return True

    street.on_stranger = accept
    newcomer.sendto(rtp(1), street.left)
    assert await heard(street.callee) == (rtp(1), street.right)
    assert street.engine.counters(street.left).strangers == 0
    street.callee.sendto(rtp(2), street.right)
    assert (await heard(newcomer))[0] == rtp(2)


async def test_exclusive_keeps_strangers_out_until_it_ends(street: Street) -> None:
    stranger = street.phone()
    street.connect(is_exclusive=True)
    stranger.sendto(rtp(1, b"evil"), street.left)
    street.caller.sendto(rtp(1), street.left)
    assert (await heard(street.callee))[0] == rtp(1)
    assert not street.strangers
    street.connect(is_exclusive=False)
    stranger.sendto(rtp(2, b"evil"), street.left)
    await happens(lambda: street.strangers)
    street.caller.sendto(rtp(2), street.left)
    assert (await heard(street.callee))[0] == rtp(2)


@pytest.mark.parametrize("is_exclusive", [False, True])
async def test_phone_that_has_gone_and_comes_back(street: Street, is_exclusive: bool) -> None:
    """ICMP errors of a closed port neither stop the other direction nor what comes later."""
    street.connect(is_exclusive=is_exclusive)
    gone = address_of(street.callee)
    street.callee.close()
    for number in range(5):
        street.caller.sendto(rtp(number), street.left)
    await happens(lambda: street.engine.packets(street.left) == 5)
    street.callee = _phone_at(street, gone)
    for _ in range(3):  # the error that is still pending may cost one
        street.caller.sendto(rtp(9), street.left)
    assert (await heard(street.callee))[0] == rtp(9)
    street.callee.sendto(rtp(1), street.right)
    assert (await heard(street.caller))[0] == rtp(1)


def _phone_at(street: Street, address: Address) -> socket.socket:
    phone = street.stack.enter_context(socket.socket(street.caller.family, socket.SOCK_DGRAM))
    phone.bind(address)
    phone.setblocking(False)
    return phone


async def test_destination_that_cannot_be_reached_is_an_error_that_is_counted(
    street: Street,
) -> None:
    nowhere = NOWHERE[street.host]
    caller = address_of(street.caller)
    rule = ForwardRule(street.left, caller, street.right, nowhere, street.right, nowhere)
    street.engine.install([rule])
    for datagram in (rtp(1), REPORT):
        street.caller.sendto(datagram, street.left)
    await happens(lambda: street.reports)
    assert street.engine.counters(street.left).errors == 2
    street.engine.send(street.left, b"x", nowhere)
    assert street.engine.counters(street.left).errors == 3


async def test_exclusive_towards_an_address_without_a_route_goes_on_unconnected(
    street: Street,
) -> None:
    nowhere = NOWHERE[street.host]
    rule = ForwardRule(
        street.left, nowhere, street.right, None, street.right, None, is_exclusive=True
    )
    street.engine.install([rule])
    street.caller.sendto(rtp(1), street.left)
    street.caller.sendto(b"\x80\x00 short", street.left)
    await happens(lambda: len(street.strangers) == 2)


async def test_own_datagrams(street: Street) -> None:
    street.engine.send(street.left, b"hello", address_of(street.caller))
    assert await heard(street.caller) == (b"hello", street.left)


async def test_port_that_is_taken(street: Street) -> None:
    taken = address_of(street.caller)
    with pytest.raises(OSError, match=r"in use") as caught:
        street.engine.open(taken)
    assert caught.value.errno == errno.EADDRINUSE
    with pytest.raises(KeyError):
        street.engine.counters(taken)


async def test_closed_port_hears_nothing_more(street: Street) -> None:
    street.connect()
    local = street.open()
    street.engine.close(local)
    with socket.socket(street.caller.family, socket.SOCK_DGRAM) as again:
        again.bind(local)
    street.engine.open(local)  # for the clean-up, and to show that it is free
