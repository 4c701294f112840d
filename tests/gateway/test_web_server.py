"""Daphne with back-pressure, as it runs, under TLS; its two ends against a socket in memory; and
uvicorn, which may stand in its place."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import websockets

from tests.harness.processes import Program, free_port
from tests.harness.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
TRUSTING = ssl.create_default_context()
TRUSTING.check_hostname = False
TRUSTING.verify_mode = ssl.CERT_NONE


@contextmanager
def serving(folder: Path, *options: str, server: str = "daphne") -> Iterator[int]:
    """The server with an application that a test asks questions; its port."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    # fmt: off
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"],
        check=True, capture_output=True,
    )
    # fmt: on
    number = free_port()
    # With a limit of open files as most systems give it: browsers are many more.
    words = ["prlimit", "--nofile=1024:4096", sys.executable, "-m"]
    if server == "daphne":
        endpoint = f"ssl:{number}:privateKey={key}:certKey={certificate}:interface=127.0.0.1"
        words += ["fedsip_platform.web_server", "-e", endpoint]
    else:
        words += ["uvicorn", "--ws", "websockets-sansio", "--lifespan", "off"]
        words += ["--host", "127.0.0.1", "--port", str(number)]
        words += ["--ssl-keyfile", str(key), "--ssl-certfile", str(certificate)]
    application = "tests.gateway.pressure_app:application"
    with Program([*words, *options, application], log=folder / "log", cwd=ROOT) as running:
        running.awaits("Listening on TCP address|Uvicorn running")
        yield number


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving(tmp_path_factory.mktemp("web")) as number:
        yield number


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def any_port(
    request: pytest.FixtureRequest, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """Of each server that docs/operations.md lets one choose for many browsers."""
    if request.param == "daphne":
        yield port
        return
    with serving(tmp_path_factory.mktemp("uvicorn"), server="uvicorn") as number:
        yield number


def state(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=TRUSTING) as answer:
        return dict(json.loads(answer.read()))


def test_it_takes_all_open_files_that_it_may(port: int) -> None:
    assert state(port)["files"] == 4096


def connect(port: int, path: str, **options: Any) -> Any:
    return websockets.connect(
        f"wss://127.0.0.1:{port}{path}", ssl=TRUSTING, compression=None, max_size=None, **options
    )


async def test_a_handshake_is_refused_with_the_status_that_was_meant(any_port: int) -> None:
    with pytest.raises(websockets.InvalidStatus) as caught:
        await connect(any_port, "/refused")
    assert caught.value.response.status_code == 400
    assert (await asyncio.to_thread(state, any_port))["scheme"] == "wss"


async def test_a_browser_that_does_not_read_holds_the_application_up(any_port: int) -> None:
    """64 MB are for it; none of them wait in our memory, and all come when it reads again."""
    before = await asyncio.to_thread(state, any_port)
    async with connect(any_port, "/flood", max_queue=1) as browser:
        assert len(await browser.recv()) == 100_000
        halfway = await asyncio.to_thread(state, any_port)
        assert halfway["sent"] < 600
        assert [len(message) async for message in messages(browser)] == [100_000] * 639
        assert browser.close_code == 1012
    after = await asyncio.to_thread(state, any_port)
    assert after["sent"] == 640
    assert after["peak_kib"] - before["peak_kib"] < 20_000


async def messages(browser: Any) -> Any:
    while True:
        try:
            yield await browser.recv()
        except websockets.ConnectionClosed:
            return


async def test_a_message_above_the_limit_ends_it(port: int) -> None:
    async with connect(port, "/sink") as browser:
        await browser.send("x" * (256 * 1024))
        await browser.send("x" * (256 * 1024 + 1))
        with pytest.raises(websockets.ConnectionClosed):
            await browser.recv()
    assert (await asyncio.to_thread(state, port))["received"] == 1


@pytest.mark.e2e
@pytest.mark.parametrize(("server", "prefix"), [("daphne", "--"), ("uvicorn", "--ws-")])
async def test_one_that_answers_no_ping_is_given_up(
    tmp_path: Path, server: str, prefix: str
) -> None:
    """As a browser does whose network is gone: no packet says that it has left."""
    pings = (f"{prefix}ping-interval", "1", f"{prefix}ping-timeout", "1")
    with serving(tmp_path, *pings, server=server) as port:
        async with connect(port, "/sink") as lively, connect(port, "/sink") as dead:
            dead.transport.pause_reading()
            await asyncio.to_thread(wait_until, lambda: state(port)["left"] == 1, "it is given up")
            await lively.send("still here")
            await asyncio.to_thread(wait_until, lambda: state(port)["received"] == 1, "it is heard")
            dead.transport.abort()


class Socket:
    """Twisted's transport, as far as an inbox sees it."""

    def __init__(self) -> None:
        self.reads = True

    def pauseProducing(self) -> None:
        self.reads = False

    def resumeProducing(self) -> None:
        self.reads = True


async def test_a_browser_is_not_read_while_much_waits_for_the_application() -> None:
    from fedsip_platform.web_server import MOST_WAITING, _Inbox

    socket = Socket()
    inbox = _Inbox(socket)
    for number in range(MOST_WAITING):
        assert socket.reads
        inbox.put_nowait({"type": "websocket.receive", "text": str(number)})
    assert not socket.reads
    for number in range(MOST_WAITING):
        assert (await inbox.get())["text"] == str(number)
    assert socket.reads
