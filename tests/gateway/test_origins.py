"""Whose pages may open a WebSocket for SIP."""

from __future__ import annotations

import pytest

from fedsip_platform.gateway.origins import ALL, Origins, normal_origin


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


async def listers(origin: str) -> list[int]:
    return {"https://shop.example": [7, 9]}.get(origin, [])


@pytest.mark.parametrize(
    ("origin", "host", "tenants"),
    [
        ("", "sip.example.com", ALL),  # no browser
        ("https://sip.example.com", "sip.example.com", ALL),
        ("https://sip.example.com:8443", "sip.example.com:8443", ALL),
        ("https://sip.example.com:8443", "sip.example.com", ALL),  # by our own list of hosts
        ("https://other.example:8443", "other.example:8443", ALL),  # as the browser knows us
        ("https://other.example:8443", "other.example", None),
        ("https://shop.example", "sip.example.com", [7, 9]),
        ("https://SHOP.example:443", "sip.example.com", [7, 9]),
        ("http://shop.example", "sip.example.com", None),
        ("https://evil.example", "sip.example.com", None),
        ("https://sip.example.com.evil.example", "sip.example.com", None),
        ("null", "sip.example.com", None),
        ("null", "null", None),
    ],
)
async def test_for_whom_it_may_speak(origin: str, host: str, tenants: object) -> None:
    assert await Origins(["sip.example.com"], listers).tenants_for(origin, host) == tenants


async def test_a_star_for_hosts_lets_no_pages_in() -> None:
    star = Origins(["*"], listers)
    assert await star.tenants_for("https://evil.example", "sip.example.com") is None
