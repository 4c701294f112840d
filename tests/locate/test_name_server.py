"""One DNS server over kept sockets: what counts as its answer, and what becomes of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import dns.exception
import dns.flags
import dns.message
import dns.rrset
import pytest

from proxy.locate.name_server import _ASKED_BY_ONE, _PORTS, NameServer
from proxy.locate.turns import Turns
from tests.harness.processes import free_port

LONG = 30.0


class Answering(asyncio.DatagramProtocol):
    """Gives to each question the datagrams that `says` makes of it; notes where it came from."""

    def __init__(self) -> None:
        self.says: Callable[[dns.message.QueryMessage], list[bytes]] = lambda query: [good(query)]
        self.came_from: list[int] = []
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> NameServer:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        self._transport = transport
        return NameServer("127.0.0.1", transport.get_extra_info("sockname")[1], Turns(2))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        query = dns.message.from_wire(data)
        assert isinstance(query, dns.message.QueryMessage)
        self.came_from.append(addr[1])
        for answer in self.says(query):
            self._transport.sendto(answer, addr)


@pytest.fixture
async def far() -> AsyncIterator[Answering]:
    far = Answering()
    yield far
    far.close()


@pytest.fixture
async def server(far: Answering) -> AsyncIterator[NameServer]:
    server = await far.start()
    yield server
    server.close()


def good(query: dns.message.QueryMessage, address: str = "192.0.2.1") -> bytes:
    response = dns.message.make_response(query)
    name = query.question[0].name
    response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", address))
    return response.to_wire()


def about_another(query: dns.message.QueryMessage) -> bytes:
    other = dns.message.make_query("evil.test", "A", id=query.id)
    return good(other, "203.0.113.66")


def with_another_id(query: dns.message.QueryMessage) -> bytes:
    return (query.id ^ 1).to_bytes(2, "big") + good(query, "203.0.113.66")[2:]


def cut_short(response: bytes) -> bytes:
    message = dns.message.from_wire(response)
    message.flags |= dns.flags.TC
    message.answer.clear()
    return message.to_wire()


async def ask(server: NameServer, name: str = "a.test", seconds: float = LONG) -> str:
    """The address that it answers with."""
    query = dns.message.make_query(name, "A")
    response = await server.async_query(query, timeout=seconds, max_size=False)
    assert response.question == query.question
    return str(response.answer[0][0])


async def test_an_answer(server: NameServer) -> None:
    assert await ask(server) == "192.0.2.1"


@pytest.mark.parametrize(
    "wrong",
    [
        with_another_id,
        about_another,
        lambda query: query.to_wire(),
        lambda query: good(query)[:20],
        lambda query: cut_short(about_another(query)),
        lambda query: b"",
    ],
)
async def test_what_is_no_answer_is_passed_over(
    far: Answering, server: NameServer, wrong: Callable[[dns.message.QueryMessage], bytes]
) -> None:
    is_asked = asyncio.Event()

    def says(query: dns.message.QueryMessage) -> list[bytes]:
        is_asked.set()
        return [wrong(query)]

    far.says = says
    waiting = asyncio.create_task(ask(server))
    await is_asked.wait()
    far.says = lambda query: [good(query)]
    assert await ask(server, "b.test") == "192.0.2.1"
    assert not waiting.done()
    waiting.cancel()


async def test_one_that_is_too_large_says_so(far: Answering, server: NameServer) -> None:
    far.says = lambda query: [cut_short(good(query))]
    with pytest.raises(dns.message.Truncated):
        await ask(server)


async def test_silence(far: Answering, server: NameServer) -> None:
    far.says = lambda query: []
    with pytest.raises(dns.exception.Timeout):
        await ask(server, seconds=0.01)
    far.says = lambda query: [good(query)]
    assert await ask(server) == "192.0.2.1"


async def test_where_nobody_listens_is_known_at_once() -> None:
    server = NameServer("127.0.0.1", free_port(), Turns(2))
    with pytest.raises(dns.exception.Timeout):
        await ask(server)
    server.close()


async def test_where_no_way_leads() -> None:
    server = NameServer("255.255.255.255", 53, Turns(2))
    with pytest.raises(OSError, match="Permission denied"):
        await ask(server)
    server.close()


async def test_questions_leave_by_many_ports_which_change(
    far: Answering, server: NameServer
) -> None:
    count = _PORTS * _ASKED_BY_ONE
    for begin in range(0, count, 64):
        await asyncio.gather(*[ask(server, f"n{n}.test") for n in range(begin, begin + 64)])
    ports = set(far.came_from)
    assert len(ports) > _PORTS
    assert max(far.came_from.count(port) for port in ports) <= _ASKED_BY_ONE


async def test_equal_ids_are_told_apart(far: Answering, server: NameServer) -> None:
    queries = [dns.message.make_query(f"n{n}.test", "A", id=7) for n in range(4 * _PORTS)]
    responses = await asyncio.gather(
        *[server.async_query(query, timeout=LONG, max_size=False) for query in queries]
    )
    assert [one.question for one in responses] == [one.question for one in queries]
