"""Whose pages may open a WebSocket for SIP."""

from __future__ import annotations

import pytest

from fedsip_platform.gateway.origins import Origins, normal_origin


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://www.example.com", "https://www.example.com"),
        ("HTTPS://WWW.Example.Com:443/", "https://www.example.com"),
        ("http://example.com:80", "http://example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("https://[2001:DB8::1]:444", "https://[2001:db8::1]:444"),
        ("null", None),
        ("", None),
        ("ftp://example.com", None),
        ("https://", None),
        ("https://example.com/shop", None),
        ("https://example.com?x", None),
        ("https://me@example.com", None),
        ("https://example.com:port", None),
        ("https://[::1", None),
    ],
)
def test_one_spelling(text: str, normal: str | None) -> None:
    assert normal_origin(text) == normal


async def listed(origin: str) -> bool:
    return origin == "https://shop.example"


@pytest.mark.parametrize(
    ("origin", "host", "may_come"),
    [
        ("", "sip.example.com", True),  # no browser
        ("https://sip.example.com", "sip.example.com", True),
        ("https://sip.example.com:8443", "sip.example.com:8443", True),
        ("https://sip.example.com:8443", "sip.example.com", True),  # by our own list of hosts
        ("https://other.example:8443", "other.example:8443", True),  # as the browser knows us
        ("https://other.example:8443", "other.example", False),
        ("https://shop.example", "sip.example.com", True),
        ("https://SHOP.example:443", "sip.example.com", True),
        ("http://shop.example", "sip.example.com", False),
        ("https://evil.example", "sip.example.com", False),
        ("https://sip.example.com.evil.example", "sip.example.com", False),
        ("null", "sip.example.com", False),
        ("null", "null", False),
    ],
)
async def test_may_come(origin: str, host: str, may_come: bool) -> None:
    assert await Origins(["sip.example.com"], listed).may_come(origin, host) is may_come


async def test_a_star_for_hosts_lets_no_pages_in() -> None:
    assert not await Origins(["*"], listed).may_come("https://evil.example", "sip.example.com")
