"""Both event loops and both address families for the tests with real sockets."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import uvloop

from .peers import Office, StreamPhone, UdpPhone, make_certificate


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with certificates: the node's and that of a hosted domain."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder, "node.test")
    make_certificate(folder / "domains" / "hosted.test", "hosted.test")
    return folder


@pytest.fixture(scope="session", autouse=True)
def small_system_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A system's trust store of one authority: reading a hundred takes a tenth of a second."""
    folder = tmp_path_factory.mktemp("system-trust")
    make_certificate(folder, "authority.test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "cert.pem"))
        yield


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=["127.0.0.1", "::1"])
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def ends() -> AsyncIterator[AsyncExitStack]:
    """What has to be closed after the test."""
    async with AsyncExitStack() as stack:
        yield stack


OpenOffice = Callable[..., Awaitable[Office]]


@pytest.fixture
def open_office(host: str, folder: Path, tmp_path: Path, ends: AsyncExitStack) -> OpenOffice:
    """Start a layer with the settings given beside its address and ports."""
    number = itertools.count()

    async def open_one(**settings: object) -> Office:
        office = Office(host, folder, gateway=str(tmp_path / f"{next(number)}.sock"), **settings)
        ends.callback(office.layer.close)
        await office.layer.start()
        return office

    return open_one


@pytest.fixture
async def office(open_office: OpenOffice) -> Office:
    return await open_office()


@pytest.fixture
def udp_phone(host: str, ends: AsyncExitStack) -> UdpPhone:
    phone = UdpPhone(host)
    ends.callback(phone.close)
    return phone


@pytest.fixture
def connect(ends: AsyncExitStack) -> Callable[..., Awaitable[StreamPhone]]:
    """Connect to a layer; closed after the test."""

    async def connect_one(office: Office, protocol: str, name: str | None = None) -> StreamPhone:
        phone = await StreamPhone.connect(
            office.address(protocol), tls=protocol == "tls", name=name
        )
        ends.push_async_callback(phone.close)
        return phone

    return connect_one
