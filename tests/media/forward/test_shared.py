"""One socket for many: who gets what by user name and by source, and what nobody can take away."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from media.forward.rule import Address, is_lane, lane, socket_of
from media.forward.shared import Shared
from media.ice import stun

RTP = b"\x80\x00" + bytes(20)


class Side:
    """A lane that notes what arrives, and may have selected somebody."""

    def __init__(self, selected: Address | None = None) -> None:
        self.packets: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()
        self.selected = selected

    def arrived(self, packet: bytes, source: tuple[object, ...]) -> None:
        self.packets.put_nowait((packet, (str(source[0]), int(str(source[1])))))

    def has_selected(self, source: Address) -> bool:
        return source == self.selected

    async def hears(self) -> bytes:
        async with asyncio.timeout(10):
            return (await self.packets.get())[0]


def bound(local: Address) -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    found.bind(local)
    return found


@pytest.fixture
async def shared() -> Iterator[Shared]:  # type: ignore[misc]
    loop = asyncio.get_running_loop()
    with bound(("127.0.0.1", 0)) as found:
        one = Shared(found, listen_again=lambda: None)
        loop.add_reader(found, one.receive)
        yield one
        loop.remove_reader(found)


@pytest.fixture
def browser() -> Iterator[socket.socket]:
    with bound(("127.0.0.1", 0)) as found:
        yield found


def check(ufrag: bytes) -> bytes:
    user = (stun.USERNAME, ufrag + b":theirs")
    return stun.serialise(stun.Message(stun.BINDING_REQUEST, bytes(12), (user,)), key=b"k")


def test_names_of_lanes() -> None:
    one = lane("2001:db8::1", 3478, 7)
    assert is_lane(one)
    assert socket_of(one) == ("2001:db8::1", 3478)
    assert not is_lane(("192.0.2.1", 5004))
    assert socket_of(("192.0.2.1", 5004)) == ("192.0.2.1", 5004)


async def test_checks_go_by_name_and_the_rest_by_source(
    shared: Shared, browser: socket.socket
) -> None:
    to, here = shared.socket.getsockname(), browser.getsockname()
    one, two = Side(), Side()
    shared.name(one, b"one")
    shared.name(two, b"two")
    browser.sendto(RTP, to)  # of nobody yet
    browser.sendto(check(b"nobody"), to)
    browser.sendto(check(b"two"), to)
    assert await two.hears() == check(b"two")
    assert shared.strangers == 2
    shared.expect(two, here)
    browser.sendto(RTP, to)
    assert await two.hears() == RTP
    browser.sendto(check(b"one"), to)
    assert await one.hears() == check(b"one")
    browser.sendto(RTP, to)  # it has not proved anything to that one
    assert await two.hears() == RTP


async def test_new_names_and_the_end(shared: Shared, browser: socket.socket) -> None:
    to, here = shared.socket.getsockname(), browser.getsockname()
    one, two = Side(), Side()
    shared.name(one, b"old")
    shared.name(one, b"new")
    shared.expect(one, here)
    shared.leave(one)
    shared.name(two, b"two")
    for datagram in (check(b"old"), check(b"new"), RTP, check(b"two")):
        browser.sendto(datagram, to)
    assert await two.hears() == check(b"two")
    assert one.packets.empty()
    assert shared.strangers == 3


async def test_a_source_that_is_selected_is_not_given_away(
    shared: Shared, browser: socket.socket
) -> None:
    to, here = shared.socket.getsockname(), browser.getsockname()
    victim, thief = Side(here), Side()
    shared.expect(victim, here)
    shared.expect(thief, here)
    browser.sendto(RTP, to)
    assert await victim.hears() == RTP
    victim.selected = None
    shared.expect(thief, here)
    browser.sendto(RTP, to)
    assert await thief.hears() == RTP


async def test_sources_of_a_lane_are_bounded(shared: Shared, browser: socket.socket) -> None:
    one, two = Side(), Side()
    shared.expect(one, browser.getsockname())
    for port in range(1, 40):
        shared.expect(one, ("192.0.2.1", port))
    shared.name(two, b"two")
    browser.sendto(RTP, shared.socket.getsockname())
    browser.sendto(check(b"two"), shared.socket.getsockname())
    assert await two.hears() == check(b"two")
    assert one.packets.empty()
