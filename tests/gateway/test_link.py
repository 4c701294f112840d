"""One browser's link on a real Unix socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fedsip_platform.gateway import link as links
from proxy.transport.gateway_frames import Preamble

from .conftest import BOUND_SECONDS, Proxy

BROWSER = Preamble(("198.51.100.7", 40000), ("192.0.2.1", 443), is_secure=True)


async def connected(proxy: Proxy) -> links.Link:
    return await links.connect(proxy.path, BROWSER, max_message=65535)


async def test_preamble_then_messages_both_ways(proxy: Proxy) -> None:
    link = await connected(proxy)
    side = await proxy.link()
    assert await side.preamble() == BROWSER
    await link.send(b"one")
    await link.send(b"two")
    assert [await side.message(), await side.message()] == [b"one", b"two"]
    side.send(b"three")
    side.send(b"four")
    assert [await link.receive(), await link.receive()] == [b"three", b"four"]
    link.close()
    assert await side.ended()


async def test_no_proxy(tmp_path: Path) -> None:
    with pytest.raises(links.LinkLost, match="does not listen"):
        await links.connect(tmp_path / "nobody.sock", BROWSER, max_message=100)


async def test_what_came_before_the_end_is_still_given(proxy: Proxy) -> None:
    link = await connected(proxy)
    side = await proxy.link()
    side.send(b"last")
    side.writer.close()
    assert await link.receive() == b"last"
    with pytest.raises(links.LinkLost, match="closed"):
        await link.receive()
    with pytest.raises(links.LinkLost, match="closed"):
        await link.send(b"too late")


async def test_rubbish_ends_it(proxy: Proxy) -> None:
    link = await connected(proxy)
    side = await proxy.link()
    side.writer.write(b"\xff\xff\xff\xff")
    with pytest.raises(links.LinkLost, match="no frame"):
        await link.receive()


async def test_a_slow_browser_stops_the_reading(proxy: Proxy) -> None:
    """What the proxy writes beyond the bound stays on its own side, whose limit ends the link."""
    link = await connected(proxy)
    side = await proxy.link()
    message = b"m" * 10_000
    written = 2000
    for _ in range(written):
        side.send(message)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(side.writer.drain(), 0.3)  # nobody takes it
    for _ in range(written):
        assert await asyncio.wait_for(link.receive(), BOUND_SECONDS) == message
    await asyncio.wait_for(side.writer.drain(), BOUND_SECONDS)


async def test_a_slow_proxy_holds_the_browser_up(proxy: Proxy) -> None:
    link = await connected(proxy)
    side = await proxy.link()
    message = b"m" * 10_000
    sent = 0

    async def browser() -> None:
        nonlocal sent
        while sent < 2000:
            await link.send(message)
            sent += 1

    sending = asyncio.create_task(browser())
    assert await side.preamble() == BROWSER
    assert sent < 2000  # 20 MB: more than sockets hold
    for _ in range(2000):
        await side.message()
    await asyncio.wait_for(sending, BOUND_SECONDS)
