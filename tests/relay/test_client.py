"""NG over UDP: cookies, retransmission, refusals, silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from media.ng import Document, Ping, Query
from proxy.relay.client import RelayClient, RelayError
from tests.relay.conftest import ToldRelay


@pytest.fixture
async def client(relay: ToldRelay) -> AsyncIterator[RelayClient]:
    one = RelayClient(("127.0.0.1", relay.port), timeout=60.0)
    yield one
    one.close()


async def test_an_answer_comes_back(relay: ToldRelay, client: RelayClient) -> None:
    assert await client.request(Ping()) == {b"result": b"pong"}
    assert relay.commands == [{b"command": b"ping"}]


async def test_answers_find_their_questions(relay: ToldRelay, client: RelayClient) -> None:
    relay.answer = lambda document: {b"result": b"ok", b"echo": document[b"call-id"]}
    calls = [b"call-%d" % number for number in range(50)]
    answers = await asyncio.gather(*(client.request(Query(call_id)) for call_id in calls))
    assert [answer[b"echo"] for answer in answers] == calls


async def test_a_lost_command_is_sent_again(relay: ToldRelay, client: RelayClient) -> None:
    def second_time(_: Document) -> Document | None:
        return {b"result": b"pong"} if len(relay.commands) > 1 else None

    relay.answer = second_time
    assert await client.request(Ping()) == {b"result": b"pong"}
    assert len(relay.commands) == 2


async def test_a_refusal_says_why(relay: ToldRelay, client: RelayClient) -> None:
    relay.answer = lambda _: {b"result": b"error", b"error-reason": b"Unknown call-id"}
    with pytest.raises(RelayError, match="Unknown call-id") as refusal:
        await client.request(Query(b"x"))
    assert not refusal.value.is_silent


@pytest.mark.parametrize("rubbish", [b"", b"hello", b"d3:foo", b"i5e", b"\xff\xff"])
async def test_rubbish_is_an_error(relay: ToldRelay, client: RelayClient, rubbish: bytes) -> None:
    relay.answer = lambda _: rubbish
    with pytest.raises(RelayError) as refusal:
        await client.request(Ping())
    assert not refusal.value.is_silent


async def test_silence_is_told(relay: ToldRelay) -> None:
    client = RelayClient(("127.0.0.1", relay.port), timeout=0.4)
    relay.answer = lambda _: None
    with pytest.raises(RelayError) as refusal:
        await client.request(Ping())
    assert refusal.value.is_silent
    assert not client.waiting
    client.close()


async def test_a_port_where_nobody_listens_is_silence() -> None:
    client = RelayClient(("127.0.0.1", 9), timeout=0.3)
    with pytest.raises(RelayError) as refusal:
        await client.request(Ping())
    assert refusal.value.is_silent
    client.close()


async def test_a_request_that_is_given_up_leaves_nothing(
    relay: ToldRelay, client: RelayClient
) -> None:
    relay.answer = lambda _: None
    task = asyncio.create_task(client.request(Ping()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert not client.waiting
