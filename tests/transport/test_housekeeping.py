"""What the layer does each ten seconds, done by hand."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from .conftest import OpenOffice
from .peers import (
    BOUND_SECONDS,
    Office,
    StreamPhone,
    UdpPhone,
    common_name,
    make_certificate,
    options,
    soon,
)

Connect = Callable[..., Awaitable[StreamPhone]]


@pytest.fixture
def host() -> str:
    return "127.0.0.1"


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_idle_connections_end(open_office: OpenOffice, connect: Connect) -> None:
    office = await open_office(idle_seconds=60.0)
    phone = await connect(office, "tcp")
    phone.send(options())
    _, flow = await office.next()
    office.layer.keep_house(now=now() + 50)
    assert office.layer.live_flow(flow) == flow
    office.layer.keep_house(now=now() + 61)
    assert await soon(office.closed.get()) == flow
    assert await phone.ended() == b""


async def test_message_that_never_ends_is_given_up(office: Office, connect: Connect) -> None:
    whole, half = await connect(office, "tcp"), await connect(office, "tcp")
    half.send(options()[:-10])
    whole.send(options())
    _, flow = await office.next()
    async with asyncio.timeout(BOUND_SECONDS):
        while office.closed.empty():  # nobody tells when half a message has come
            office.layer.keep_house(now=now() + 31)
            await asyncio.sleep(0)
    assert (await soon(office.closed.get())) != flow
    assert office.layer.live_flow(flow) == flow


async def test_datagrams_go_on(office: Office, udp_phone: UdpPhone) -> None:
    for number in range(3):
        office.layer.keep_house(now=now())
        udp_phone.send(options(str(number)), office.address("udp"))
        message, flow = await office.next()
        assert message.call_id == str(number).encode()
        office.layer.send(b"back", flow)
        assert (await udp_phone.receive())[0] == b"back"


@pytest.fixture
async def renewing(tmp_path: Path, folder: Path, ends: AsyncExitStack) -> tuple[Office, Path]:
    """An office whose certificate the test may change."""
    own = Path(shutil.copytree(folder, tmp_path / "state"))
    office = Office("127.0.0.1", own)
    ends.callback(office.layer.close)
    await office.layer.start()
    return office, own


async def test_new_certificate(renewing: tuple[Office, Path], connect: Connect) -> None:
    office, folder = renewing
    before = await connect(office, "tls")
    make_certificate(folder, "renewed.test")
    office.layer.keep_house(now=now())
    after = await connect(office, "tls")
    assert [common_name(phone.certificate) for phone in (before, after)] == [
        "node.test",
        "renewed.test",
    ]
    before.send(options())
    assert (await office.next())[0].call_id == b"1"


async def test_broken_certificate_is_told_once(
    renewing: tuple[Office, Path], connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    office, folder = renewing
    (folder / "cert.pem").unlink()
    for _ in range(3):
        office.layer.keep_house(now=now())
    told = [one.message for one in caplog.records if "certificates not read" in one.message]
    assert len(told) == 1
    assert common_name((await connect(office, "tls")).certificate) == "node.test"


async def test_source_may_be_told_of_again_after_a_minute(
    office: Office, udp_phone: UdpPhone, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for later in (0.0, 59.0, 61.0):
        office.layer.keep_house(now=now() + later)
        udp_phone.send(b"rubbish\r\n\r\n", office.address("udp"))
        udp_phone.send(options(), office.address("udp"))
        await office.next()
    assert len([one for one in caplog.records if "malformed" in one.message]) == 2
