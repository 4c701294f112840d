"""One question to name servers that answer, fail, refuse, guess and stay silent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import dns.message
import dns.rcode
import dns.rrset
import pytest

from proxy.locate.stub import Reply, Server, Stub, StubError
from tests.harness.dns_server import DnsServer, Zones
from tests.harness.processes import free_port

TABLE = "one 120 A 192.0.2.1\nalias 60 CNAME one\n" + "".join(
    f"many A 192.0.2.{number}\n" for number in range(1, 200)
)


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with DnsServer(Zones({"example.org": TABLE}, negative_ttl=77)) as made:
        yield made


def place(server: DnsServer) -> Server:
    host, _, port = server.address.partition(":")
    return host, int(port)


def asking(*servers: Server, seconds: float = 5.0, try_seconds: float = 5.0) -> Stub:
    return Stub(servers, seconds=seconds, try_seconds=try_seconds)


def said(reply: Reply) -> tuple[list[str], float]:
    return [str(one) for one in reply.records], reply.seconds


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("one.example.org", "A", (["192.0.2.1"], 120.0)),
        ("ONE.example.ORG.", "A", (["192.0.2.1"], 120.0)),
        ("alias.example.org", "A", (["192.0.2.1"], 60.0)),
        ("one.example.org", "AAAA", ([], 60.0)),
        ("absent.example.org", "A", ([], 60.0)),
    ],
)
async def test_answers(
    server: DnsServer, name: str, kind: str, found: tuple[list[str], float]
) -> None:
    assert said(await asking(place(server)).ask(name, kind)) == found


async def test_what_is_cut_comes_over_tcp(server: DnsServer) -> None:
    reply = await asking(place(server)).ask("many.example.org", "A")
    assert len(reply.records) == 199
    assert server.asked_over_tcp == [("many.example.org", "A")]


@pytest.mark.parametrize("name", ["a..b", "x" * 64, ".".join(["x" * 60] * 5), "\ud800"])
async def test_no_name(server: DnsServer, name: str) -> None:
    with pytest.raises(StubError, match="is no name"):
        await asking(place(server)).ask(name, "A")
    assert server.asked == []


async def test_the_next_server_is_asked_for_what_the_first_refuses(server: DnsServer) -> None:
    async with DnsServer(Zones({})) as knows_nothing:
        stub = asking(place(knows_nothing), ("127.0.0.1", free_port()), place(server))
        assert said(await stub.ask("one.example.org", "A")) == (["192.0.2.1"], 120.0)
        assert len(knows_nothing.asked) == 1


async def test_nobody_knows(server: DnsServer) -> None:
    server.zones.rcodes["one.example.org", "A"] = "SERVFAIL"
    with pytest.raises(StubError, match=r"127\.0\.0\.1: SERVFAIL"):
        await asking(place(server)).ask("one.example.org", "A")
    assert len(server.asked) == 1
    with pytest.raises(StubError, match="no server"):
        await asking().ask("one.example.org", "A")


async def test_nobody_is_there() -> None:
    with pytest.raises(StubError, match="refused"):
        await asking(("127.0.0.1", free_port())).ask("one.example.org", "A")


async def test_silence_is_asked_again_and_ends(server: DnsServer) -> None:
    server.zones.silent.add(("one.example.org", "A"))
    with pytest.raises(StubError, match="does not answer"):
        await asking(place(server), seconds=0.3, try_seconds=0.1).ask("one.example.org", "A")
    assert len(server.asked) > 1


async def test_a_lost_question_is_made_up_for(server: DnsServer) -> None:
    server.zones.silent.add(("one.example.org", "A"))
    reply = asyncio.create_task(
        asking(place(server), seconds=20, try_seconds=0.05).ask("one.example.org", "A")
    )
    while not server.asked:  # noqa: ASYNC110 -- the server has no event
        await asyncio.sleep(0.01)
    server.zones.silent.clear()
    assert said(await reply) == (["192.0.2.1"], 120.0)


class Forger(asyncio.DatagramProtocol):
    """Sends what somebody makes of a question."""

    def __init__(self, answers: Callable[[bytes], list[bytes]]) -> None:
        self._answers = answers

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for answer in self._answers(data):
            self._transport.sendto(answer, addr)


def true_answer(question: bytes, address: str = "192.0.2.1") -> bytes:
    query = dns.message.from_wire(question)
    response = dns.message.make_response(query)
    response.answer.append(dns.rrset.from_text(query.question[0].name, 9, "IN", "A", address))
    return response.to_wire()


def guesses(question: bytes) -> list[bytes]:
    """Another number, another name, a question instead of an answer, rubbish; then the truth."""
    forged = true_answer(question, "192.0.2.66")
    return [
        bytes((forged[0] ^ 1,)) + forged[1:],
        forged.replace(b"example", b"exampla"),
        question,
        question[:5],
        b"",
        true_answer(question),
    ]


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (guesses, (["192.0.2.1"], 9.0)),
        (lambda question: [true_answer(question)[:-2]], None),
        (lambda question: [true_answer(question) + b"more"], None),
    ],
)
async def test_what_a_server_may_send(
    answers: Callable[[bytes], list[bytes]], found: tuple[list[str], float] | None
) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Forger(answers), ("127.0.0.1", 0), family=socket.AF_INET
    )
    stub = asking(transport.get_extra_info("sockname"))
    if found is None:
        with pytest.raises(StubError, match=r"127\.0\.0\.1: "):
            await stub.ask("one.example.org", "A")
    else:
        assert said(await stub.ask("one.example.org", "A")) == found
    transport.close()
