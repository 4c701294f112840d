"""SIP over WebSocket (RFC 7118) against the web process and the proxy as they run."""

from __future__ import annotations

import asyncio
import json
import re
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import websockets

from tests.harness.platform import Platform
from tests.harness.sipp import Party
from tests.harness.waiting import wait_until
from tests.harness.websocket_phone import WebSocketPhone, connect, field

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN, OTHERS = "websocket.test", "others-websocket.test"
SHOP = "https://shop.example"
PROXY, STRANGER = "127.0.0.2", "127.0.0.1"  # of which the first is trusted: conftest.py
INSTANCE = "<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"


@pytest.fixture(scope="module")
def platform(web_platform: Platform) -> Platform:
    web_platform.add_domain(DOMAIN, tenant="websocket")
    web_platform.add_domain(OTHERS, tenant="others-websocket")
    web_platform.cli("origin", "add", SHOP, "--tenant", "websocket")
    return web_platform


OpenPhone = Callable[..., Awaitable[WebSocketPhone]]


@pytest.fixture
async def phone(platform: Platform) -> AsyncIterator[OpenPhone]:
    """Opens a phone of a new user."""
    numbers = iter(range(1, 99))
    async with AsyncExitStack() as ends:

        async def start(name: str, *, domain: str = DOMAIN, **options: Any) -> WebSocketPhone:
            party = await asyncio.to_thread(platform.add_user, name, domain)
            connection = await connect(platform.web_port, **options)
            ends.push_async_callback(connection.close)
            return WebSocketPhone(connection, party, next(numbers))

        yield start


def devices(platform: Platform, party: Party) -> list[dict[str, Any]]:
    rows = json.loads(platform.cli("registrations", "--json"))
    return [row for row in rows if row["aor"] == f"{party.user}@{party.domain}"]


@pytest.mark.parametrize("subprotocols", [None, ["chat"]])
async def test_without_the_subprotocol_400(
    platform: Platform, subprotocols: list[str] | None
) -> None:
    with pytest.raises(websockets.InvalidStatus) as caught:
        await connect(platform.web_port, subprotocols=subprotocols)
    assert caught.value.response.status_code == 400


async def test_a_page_of_a_stranger_403(platform: Platform) -> None:
    with pytest.raises(websockets.InvalidStatus) as caught:
        await connect(platform.web_port, origin="https://evil.example")
    assert caught.value.response.status_code == 403


async def test_a_page_on_a_tenant_s_list_is_for_that_tenant_alone(phone: OpenPhone) -> None:
    await (await phone("listed", origin=SHOP)).registers()
    other = await phone("unlisted", domain=OTHERS, origin=SHOP)
    await other.connection.send(other.request("REGISTER", f"sip:{OTHERS}"))
    assert (await other.response()).startswith("SIP/2.0 403 Site is not allowed")


async def test_text_and_binary_and_several_in_flight(phone: OpenPhone) -> None:
    """Answers come in whatever order; each names its request."""
    one = await phone("flight")
    await one.registers()
    asked = [one.request("OPTIONS", f"sip:{DOMAIN}") for _ in range(40)]
    for number, request in enumerate(asked):
        await one.connection.send(request.encode() if number % 2 else request)
    answers = [await one.response() for _ in asked]
    wanted = {field(request, "CSeq") for request in asked}
    assert {field(answer, "CSeq") for answer in answers} == wanted
    assert {answer[:11] for answer in answers} == {"SIP/2.0 200"}


async def test_keep_alive_is_answered(phone: OpenPhone) -> None:
    one = await phone("alive")
    await one.connection.send("\r\n\r\n")
    assert await one.receives() == "\r\n"


async def test_a_message_that_is_too_large_ends_it(phone: OpenPhone) -> None:
    one = await phone("large")
    await one.connection.send("x" * 70_000)
    with pytest.raises(websockets.ConnectionClosed):
        await one.connection.recv()
    assert one.connection.close_code == 1009


@pytest.mark.parametrize("abruptly", [False, True])
async def test_the_binding_goes_at_once_with_its_socket(
    platform: Platform, phone: OpenPhone, abruptly: bool
) -> None:
    one = await phone(f"leaves{abruptly}".lower())
    await one.registers(expires=3600)
    assert len(await asyncio.to_thread(devices, platform, one.party)) == 1
    if abruptly:
        _reset(one.connection.transport)
    else:
        await one.connection.close()
    await asyncio.to_thread(
        wait_until, lambda: devices(platform, one.party) == [], "the binding is gone"
    )


def _reset(transport: asyncio.Transport) -> None:
    """End the connection by RST, without a word of TLS or WebSocket."""
    connection = transport.get_extra_info("socket")
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(1, 13, linger)  # SOL_SOCKET, SO_LINGER
    transport.abort()


@pytest.mark.parametrize(("peer", "believed"), [(PROXY, "203.0.113.9"), (STRANGER, STRANGER)])
async def test_the_address_that_a_trusted_proxy_reports(
    phone: OpenPhone, peer: str, believed: str
) -> None:
    one = await phone(
        f"behind{peer[-1]}",
        local_addr=(peer, 0),
        additional_headers={"X-Forwarded-For": "203.0.113.9"},
    )
    via = field(await one.registers(), "Via")
    assert re.search(r";received=([^;]+)", via)[1] == believed  # type: ignore[index]


async def test_outbound_and_gruu_as_sip_js_uses_them(phone: OpenPhone) -> None:
    """The public GRUU leads to this device alone, whose Contact nobody could reach."""
    browser, other, caller = await phone("gruu"), await phone("other"), await phone("caller")
    browser.params = f';reg-id=1;+sip.instance="{INSTANCE}"'
    answer = await browser.registers("Supported: path, gruu, outbound")
    assert field(answer, "Require") == "outbound"
    contact = field(answer, "Contact")
    gruu = re.search(r'pub-gruu="([^"]+)"', contact)[1]  # type: ignore[index]
    assert gruu.startswith(f"sip:gruu@{DOMAIN};gr=")
    assert "temp-gruu=" in contact
    other.party = browser.party
    await other.registers()
    await caller.registers()

    asking = asyncio.create_task(caller.signed("OPTIONS", gruu))
    request = await browser.receives()
    assert request.startswith(f"OPTIONS {browser.contact.strip('<>')} SIP/2.0")
    await browser.answer(request)
    assert (await asking).startswith("SIP/2.0 200")
    await other.connection.send("\r\n\r\n")
    assert await other.receives() == "\r\n"  # and nothing before it
