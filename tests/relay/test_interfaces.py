"""The narrowest network says the interface."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from proxy.relay.interfaces import Interfaces

NETWORKS = [
    (ip_network("0.0.0.0/0"), "outside"),
    (ip_network("10.0.0.0/8"), "inside"),
    (ip_network("10.9.0.0/16"), "branch"),
    (ip_network("fd00::/8"), "inside"),
]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.1.2.3", b"inside"),
        ("10.9.2.3", b"branch"),
        ("192.0.2.1", b"outside"),
        ("fd00::7", b"inside"),
        ("fe80::1%eth0", b""),
        ("2001:db8::1", b""),
        ("", b""),
    ],
)
def test_the_narrowest_network(address: str, name: bytes) -> None:
    interfaces = Interfaces(NETWORKS)
    assert interfaces.name_of(address) == name
    assert interfaces.name_of(address) == name  # as it is remembered


def test_without_any() -> None:
    assert Interfaces([]).name_of("10.1.2.3") == b""


def test_what_is_remembered_is_bounded() -> None:
    interfaces = Interfaces(NETWORKS)
    for number in range(12_000):
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        assert interfaces.name_of(address) == b"inside"
    assert len(interfaces._known) <= 10_000
