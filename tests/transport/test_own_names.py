"""Which hosts and ports are ours, and what we write for a flow."""

from __future__ import annotations

import pytest

from proxy.transport.flow import Flow
from proxy.transport.own_names import OwnNames


def names(advertised_ipv4: str = "", advertised_ipv6: str = "") -> OwnNames:
    own = OwnNames(advertised_ipv4=advertised_ipv4, advertised_ipv6=advertised_ipv6)
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
        for protocol, port in (("udp", 5060), ("tcp", 5060), ("tls", 5061)):
            own.add(protocol, (address, port))
    return own


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        (b"192.0.2.1", None, True),
        (b"192.0.2.1", 5060, True),
        (b"192.0.2.2", 5061, True),
        (b"192.0.2.1", 5062, False),
        (b"192.0.2.3", None, False),
        (b"[2001:db8::1]", 5060, True),
        (b"[2001:DB8:0:0::1]", None, True),
        (b"2001:db8::1", 5060, True),
        (b"[2001:db8::2]", 5060, False),
        (b"sip.example.com", None, True),
        (b"SIP.Example.COM.", 5061, True),
        (b"example.com", None, False),
        (b"", None, False),
        (b"\xff[", 5060, False),
    ],
)
def test_is_own(host: bytes, port: int | None, expected: bool) -> None:
    own = names("sip.example.com")
    assert own.is_own(host, port) is expected
    assert own.is_own(host, port) is expected  # as it is remembered


def test_other_ports_than_the_default_must_be_named() -> None:
    own = OwnNames(advertised_ipv4="", advertised_ipv6="")
    own.add("udp", ("192.0.2.1", 15060))
    assert not own.is_own(b"192.0.2.1", None)
    assert own.is_own(b"192.0.2.1", 15060)


def test_listener_that_comes_later_is_known_at_once() -> None:
    own = names()
    assert not own.is_own(b"192.0.2.9", None)
    own.add("udp", ("192.0.2.9", 5060))
    assert own.is_own(b"192.0.2.9", None)


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (Flow("udp", ("192.0.2.1", 5060), ("198.51.100.7", 1)), (b"192.0.2.1", 5060)),
        (Flow("tls", ("2001:db8::1", 5061), ("2001:db8::7", 1)), (b"[2001:db8::1]", 5061)),
        # a connection of ours has a port that nobody listens on
        (Flow("tcp", ("192.0.2.2", 40000), ("198.51.100.7", 1), 1), (b"192.0.2.2", 5060)),
        (Flow("tls", ("192.0.2.2", 40000), ("198.51.100.7", 1), 1), (b"192.0.2.2", 5061)),
        (Flow("tls", ("192.0.2.99", 40000), ("198.51.100.7", 1), 1), (b"192.0.2.1", 5061)),
        # a browser came to the web process
        (Flow("wss", ("2001:db8::1", 443), ("2001:db8::7", 1), 1), (b"[2001:db8::1]", 5060)),
        (Flow("wss", ("203.0.113.1", 443), ("198.51.100.7", 1), 1), (b"192.0.2.1", 5060)),
    ],
)
def test_advertised(flow: Flow, expected: tuple[bytes, int]) -> None:
    own = names()
    assert own.advertised(flow) == expected
    assert own.advertised(flow) == expected


def test_public_addresses_stand_for_all_of_their_family() -> None:
    own = names("203.0.113.1", "2001:db8:ffff::1")
    udp4 = Flow("udp", ("192.0.2.2", 5060), ("198.51.100.7", 1))
    udp6 = Flow("udp", ("2001:db8::1", 5060), ("2001:db8::7", 1))
    assert own.advertised(udp4) == (b"203.0.113.1", 5060)
    assert own.advertised(udp6) == (b"[2001:db8:ffff::1]", 5060)
    assert own.is_own(b"203.0.113.1", None)
    assert own.is_own(b"192.0.2.2", None)
