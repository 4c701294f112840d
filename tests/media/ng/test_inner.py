"""Kinds of addresses: each range at its edges, and IPv4 within IPv6."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from media.ng.inner import is_within, kind_of

KINDS = {
    "nobody": ["0.0.0.0", "0.255.255.255", "240.0.0.0", "255.255.255.255", "::"],
    "multicast": ["224.0.0.0", "239.255.255.255", "ff02::1", "ff0e::1"],
    "metadata": [
        *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
        *("fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"),
    ],
    "loopback": [
        *("127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"),
        "::ffff:127.0.0.1",
        "::ffff:0:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001:0:c000:201::80ff:fffe",
    ],
    "link_local": ["169.254.0.0", "169.254.255.255", "fe80::1", "fe80::1%eth0", "febf::1"],
    "private": [
        *("10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0"),
        *("192.168.255.255", "100.64.0.0", "100.127.255.255", "192.0.0.1", "198.18.0.0"),
        *("198.19.255.255", "fc00::", "fdff::1", "fec0::1", "64:ff9b:1::1"),
        *("::ffff:10.0.0.1", "2002:c0a8:101::1", "64:ff9b::c0a8:101"),
    ],
    "": [
        *("1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.0.0.1"),
        *("128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0"),
        *("192.0.1.0", "192.0.2.1", "192.167.255.255", "192.169.0.0", "198.17.255.255"),
        *("198.20.0.0", "203.0.113.1", "223.255.255.255"),
        *("2001:db8::1", "2600::1", "fbff::1", "::ffff:192.0.2.1", "64:ff9b::c000:201"),
        *("2002:c000:201::1", "2001:0:c000:201::3fff:fdfe"),
    ],
}


@pytest.mark.parametrize("kind", KINDS)
def test_kind_of(kind: str) -> None:
    assert {address: kind_of(address) for address in KINDS[kind]} == dict.fromkeys(
        KINDS[kind], kind
    )


def test_is_within() -> None:
    networks = [ip_network("10.1.0.0/16"), ip_network("fd00::/16")]
    assert is_within("10.1.2.3", networks)
    assert is_within("::ffff:10.1.2.3", networks)
    assert is_within("fd00::1%eth0", networks)
    assert not is_within("10.2.0.1", networks)
    assert not is_within("10.1.2.3", [])
