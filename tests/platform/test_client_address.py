"""Whose address counts: the connection's, or what a trusted proxy reports."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from fedsip_platform.client_address import believed, counted_as
from fedsip_platform.trusted_proxies import TrustedProxies

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::"),
        ("rubbish", "0.0.0.0"),
    ],
)
def test_counted_as(address: str, key: str) -> None:
    assert counted_as(address) == key


@pytest.mark.parametrize(
    ("peer", "reported", "client"),
    [
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),  # a stranger's header is nothing
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.1"], "198.51.100.1"),  # the first is forged
        ("10.0.0.1", ["198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("2001:db8:1::5", ["rubbish"], "rubbish"),
    ],
)
def test_believed(peer: str, reported: list[str], client: str) -> None:
    assert believed(peer, reported, TRUSTED) == client


async def seen(headers: list[tuple[bytes, bytes]], peer: str, kind: str = "http") -> dict[str, Any]:
    scopes: list[dict[str, Any]] = []

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        scopes.append(scope)

    scheme = {"http": "http", "websocket": "ws"}[kind]
    scope = {"type": kind, "scheme": scheme, "client": (peer, 4711), "headers": headers}
    await TrustedProxies(application, TRUSTED)(scope, None, None)
    return scopes[0]


FORWARDED = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-proto", b"https")]


async def test_trusted_proxy_is_believed() -> None:
    scope = await seen(FORWARDED, "10.1.2.3")
    assert scope["client"][0] == "198.51.100.1"
    assert scope["scheme"] == "https"
    assert (await seen(FORWARDED, "10.1.2.3", "websocket"))["scheme"] == "wss"


async def test_stranger_is_not_believed() -> None:
    scope = await seen(FORWARDED, "192.0.2.1")
    assert scope["client"] == ("192.0.2.1", 4711)
    assert scope["scheme"] == "http"
