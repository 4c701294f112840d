"""What may be sent to: by the kind of address, the node's own addresses and the setting."""

from __future__ import annotations

import pytest

from proxy.locate.hop import Hop
from proxy.locate.inside import Guard, InnerAddress

PUBLIC = [("203.0.113.1", "203.0.113.1", 5060), ("127.0.0.1", "127.0.0.1", 5060)]
BEHIND_NAT = [("10.0.0.5", "203.0.113.1", 5060), ("127.0.0.1", "127.0.0.1", 5060)]
BY_NAME = [("10.0.0.5", "sip.example.com", 5060)]
DUAL = [("10.0.0.5", "10.0.0.5", 5060), ("2001:db8::5", "[2001:db8::5]", 5060)]
LAN = [("192.168.1.5", "192.168.1.5", 5060), ("127.0.0.1", "127.0.0.1", 5060)]
LAPTOP = [("127.0.0.1", "127.0.0.1", 5060), ("::1", "[::1]", 5061)]
NOWHERE: list[tuple[str, str, int]] = []
HERE = ("auto",)
NEVER = ["0.0.0.0", "255.255.255.255", "224.0.1.75", "169.254.169.254", "fd00:ec2::254", "::"]
INNER = ["127.0.0.2", "::1", "::ffff:127.0.0.2", "10.9.9.9", "fd12::1", "169.254.1.1", "fe80::1"]


def guard_of(
    listeners: list[tuple[str, str, int]], networks: tuple[str, ...] = HERE, *ports: int
) -> Guard:
    guard = Guard(networks, ports)
    guard.listens_at(listeners)
    return guard


def reached(guard: Guard, addresses: list[str], port: int = 5070) -> list[str]:
    return [address for address in addresses if not guard.why_not(address, port)]


@pytest.mark.parametrize(
    ("listeners", "networks", "expected"),
    [
        (PUBLIC, HERE, []),
        (BEHIND_NAT, HERE, []),
        (BY_NAME, HERE, []),
        (DUAL, HERE, []),
        (NOWHERE, HERE, []),
        (LAN, HERE, ["10.9.9.9", "fd12::1"]),
        (LAPTOP, HERE, ["127.0.0.2", "::1", "::ffff:127.0.0.2"]),
        (LAN, (), []),
        (LAPTOP, (), []),
        (PUBLIC, ("10.0.0.0/8", "fe80::/10"), ["10.9.9.9", "fe80::1"]),
        (PUBLIC, ("127.0.0.0/8",), ["127.0.0.2", "::ffff:127.0.0.2"]),
        (LAN, ("auto", "169.254.0.0/16"), ["10.9.9.9", "fd12::1", "169.254.1.1"]),
        (PUBLIC, ("0.0.0.0/0", "::/0"), INNER),
    ],
)
def test_inner_addresses_that_are_reached(
    listeners: list[tuple[str, str, int]], networks: tuple[str, ...], expected: list[str]
) -> None:
    guard = guard_of(listeners, networks)
    assert reached(guard, INNER) == expected
    assert reached(guard, NEVER) == []
    assert reached(guard, ["198.51.100.7", "2001:db8::7"]) == ["198.51.100.7", "2001:db8::7"]


def test_own_listeners_are_reached_and_nothing_else_of_this_machine() -> None:
    guard = guard_of(BEHIND_NAT)
    assert reached(guard, ["10.0.0.5", "203.0.113.1", "127.0.0.1"], 5060) == [
        *("10.0.0.5", "203.0.113.1", "127.0.0.1")
    ]
    assert reached(guard, ["10.0.0.5", "203.0.113.1", "127.0.0.1"], 6379) == []
    assert guard.why_not("203.0.113.1", 22) == "203.0.113.1 is an address of this node"


@pytest.mark.parametrize(
    "address", ["::ffff:203.0.113.1", "64:ff9b::203.0.113.1", "2002:cb00:7101::", "2001:db8:0::5"]
)
def test_own_addresses_are_own_in_any_spelling(address: str) -> None:
    """The kernel connects to 203.0.113.1 for who asks for ::ffff:203.0.113.1."""
    guard = guard_of([*BEHIND_NAT, *DUAL])
    assert guard.why_not(address, 22) == f"{address} is an address of this node"
    assert guard.why_not("::ffff:198.51.100.7", 22) == ""


@pytest.mark.parametrize("port", [5432, 6379, 5672, 22222, 25])
def test_services_of_the_platform_are_never_sent_to(port: int) -> None:
    """Not even where the networks have them; what others have there is theirs."""
    for guard in (guard_of(LAPTOP, HERE, 22222), guard_of(PUBLIC, ("127.0.0.0/8",), 22222)):
        assert guard.why_not("127.0.0.2", port) == f"port {port} of 127.0.0.2 is no telephone's"
        assert not guard.why_not("198.51.100.7", port)


def test_hops_that_may_be_sent_to_are_left() -> None:
    public, inner = Hop("udp", "198.51.100.7", 5060), Hop("tcp", "10.0.0.1", 5060)
    guard = guard_of(PUBLIC)
    assert guard.permitted([inner, public, inner]) == [public]
    assert guard.permitted([public]) == [public]
    assert guard.permitted([]) == []
    with pytest.raises(InnerAddress, match=r"^10\.0\.0\.1 is an address of a private network$"):
        guard.permitted([inner])
