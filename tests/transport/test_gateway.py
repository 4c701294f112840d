"""Browsers' links on a real Unix socket, through the whole layer."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from proxy.sip.message import Request
from proxy.transport.flow import Flow, FlowFailed
from proxy.transport.gateway_frames import FrameReader, Preamble, frame
from proxy.transport.listening import ListenFailed

from .conftest import OpenOffice
from .peers import Office, options, soon

BROWSER = Preamble(("198.51.100.7", 40000), ("192.0.2.1", 443), is_secure=True)
REQUEST = options(via="SIP/2.0/WSS k3j2.invalid;branch=z9hG4bK1")


@pytest.fixture
def host() -> str:
    return "127.0.0.1"  # the link is a Unix socket: once is enough


class Link:
    """The web process's side of one browser."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, office: Office, ends: AsyncExitStack, preamble: Preamble = BROWSER) -> Link:
        link = cls(*await asyncio.open_unix_connection(office.settings.gateway))
        ends.callback(link.writer.close)
        link.writer.write(preamble.serialise())
        return link

    async def message(self) -> bytes:
        frames = FrameReader(100_000)
        while True:
            data = await soon(self.reader.read(65536))
            assert data
            if found := frames.feed(data):
                assert len(found) == 1
                return found[0]

    async def ended(self) -> bool:
        try:
            return await soon(self.reader.read()) == b""
        except ConnectionError:
            return True


@pytest.mark.parametrize("is_secure", [False, True])
async def test_message_and_answer(office: Office, ends: AsyncExitStack, is_secure: bool) -> None:
    preamble = Preamble(BROWSER.source, BROWSER.local, is_secure)
    link = await Link.open(office, ends, preamble)
    link.writer.write(frame(REQUEST))
    message, flow = await office.next()
    assert isinstance(message, Request)
    protocol = "wss" if is_secure else "ws"
    assert flow == Flow(protocol, BROWSER.local, BROWSER.source, flow.connection_id)
    assert flow.is_reliable
    assert flow.is_secure is is_secure
    assert message.via.param(b"received") == b"198.51.100.7"
    assert office.layer.reply_flow(message.via, flow) is flow
    assert office.layer.advertised(flow) == (b"127.0.0.1", office.settings.port)
    office.layer.send(b"answer", flow)
    assert await link.message() == b"answer"


async def test_browser_over_ipv6(office: Office, ends: AsyncExitStack) -> None:
    preamble = Preamble(("2001:db8::7", 40000), ("2001:db8::1", 443), is_secure=True)
    link = await Link.open(office, ends, preamble)
    link.writer.write(frame(REQUEST))
    _, flow = await office.next()
    assert flow.remote == ("2001:db8::7", 40000)
    assert flow.family == 6


async def test_several_messages_and_keep_alives_in_pieces(
    office: Office, ends: AsyncExitStack
) -> None:
    link = await Link.open(office, ends)
    data = frame(b"\r\n\r\n") + frame(REQUEST) + frame(b"") + frame(options("2"))
    for at in range(0, len(data), 11):
        link.writer.write(data[at : at + 11])
        await link.writer.drain()
    assert [(await office.next())[0].call_id for _ in range(2)] == [b"1", b"2"]


async def test_end_is_told(office: Office, ends: AsyncExitStack) -> None:
    link = await Link.open(office, ends)
    link.writer.write(frame(REQUEST))
    _, flow = await office.next()
    link.writer.close()
    assert await soon(office.closed.get()) == flow
    with pytest.raises(FlowFailed):
        office.layer.send(b"x", flow)


async def test_kept_alive_flow_is_only_watched(
    open_office: OpenOffice, ends: AsyncExitStack
) -> None:
    office = await open_office(nat_ping_seconds=0.01)
    link = await Link.open(office, ends)
    link.writer.write(frame(REQUEST))
    _, flow = await office.next()
    office.layer.keep_alive(flow, on=True)
    link.writer.write(frame(options("2")))
    await office.next()
    office.layer.send(b"first", flow)
    assert await link.message() == b"first"  # no ping came before it


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        BROWSER.serialise() + (100_000).to_bytes(4, "big"),
    ],
)
async def test_link_that_breaks_the_format_is_closed(
    office: Office, ends: AsyncExitStack, data: bytes
) -> None:
    link = Link(*await asyncio.open_unix_connection(office.settings.gateway))
    ends.callback(link.writer.close)
    link.writer.write(data)
    assert await link.ended()


async def test_too_many(open_office: OpenOffice, ends: AsyncExitStack) -> None:
    office = await open_office(max_connections_per_source=1)
    first = await Link.open(office, ends)
    first.writer.write(frame(REQUEST))
    await office.next()
    assert await (await Link.open(office, ends)).ended()


async def test_slow_reader_is_closed(office: Office, ends: AsyncExitStack) -> None:
    link = await Link.open(office, ends)
    link.writer.write(frame(REQUEST))
    _, flow = await office.next()
    link.writer.transport.pause_reading()  # type: ignore[attr-defined]

    def write_for_ever() -> None:
        for _ in range(10_000):
            office.layer.send(b"x" * 60_000, flow)

    with pytest.raises(FlowFailed, match="does not read"):
        write_for_ever()
    assert await soon(office.closed.get()) == flow


# -- the socket


async def test_only_owner_and_group_may_connect(office: Office) -> None:
    mode = os.stat(office.settings.gateway).st_mode
    assert stat.S_IMODE(mode) == 0o660


async def test_socket_goes_with_us(office: Office) -> None:
    office.layer.close()
    assert not os.path.exists(office.settings.gateway)  # noqa: ASYNC240


async def test_socket_of_a_killed_process_is_replaced(
    folder: Path, tmp_path: Path, ends: AsyncExitStack
) -> None:
    path = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    office = Office("127.0.0.1", folder, gateway=str(path))
    ends.callback(office.layer.close)
    await office.layer.start()
    link = await Link.open(office, ends)
    link.writer.write(frame(REQUEST))
    await office.next()


async def test_socket_of_another_process_is_left(
    folder: Path, tmp_path: Path, ends: AsyncExitStack
) -> None:
    path = tmp_path / "held.sock"
    with socket.socket(socket.AF_UNIX) as holder:
        holder.bind(str(path))
        holder.listen()
        office = Office("127.0.0.1", folder, gateway=str(path))
        with pytest.raises(ListenFailed, match=r"held\.sock: Address already in use"):
            await office.layer.start()
        assert path.exists()


async def test_file_that_is_no_socket_is_left(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("x")
    office = Office("127.0.0.1", folder, gateway=str(path))
    with pytest.raises(ListenFailed, match="is no socket"):
        await office.layer.start()
    assert path.read_text() == "x"


async def test_default_path_that_cannot_be_had_is_only_told(
    folder: Path, tmp_path: Path, ends: AsyncExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    office = Office("127.0.0.1", folder, state_dir=tmp_path / "nowhere")
    ends.callback(office.layer.close)
    await office.layer.start()
    assert "no gateway for browsers" in caplog.text
    assert office.layer.listeners


async def test_a_page_that_cannot_ping_is_answered(office: Office, ends: AsyncExitStack) -> None:
    """CRLF keep-alives come as messages of their own (RFC 7118 s6, RFC 5626 s3.5.1)."""
    link = await Link.open(office, ends)
    link.writer.write(frame(b"\r\n\r\n"))
    assert await link.message() == b"\r\n"
    link.writer.write(frame(b"\r\n"))
    link.writer.write(frame(REQUEST))
    message, _ = await office.next()
    assert isinstance(message, Request)


async def test_the_tenants_that_let_a_page_in_go_with_its_flow(
    office: Office, ends: AsyncExitStack
) -> None:
    preamble = Preamble(BROWSER.source, BROWSER.local, True, (7, 9))
    link = await Link.open(office, ends, preamble)
    link.writer.write(frame(REQUEST))
    _, flow = await office.next()
    assert flow.tenants == (7, 9)
