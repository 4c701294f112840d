"""Which addresses the settings mean."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from proxy.settings import ProxySettings
from proxy.transport.addresses import (
    AddressError,
    canonical,
    is_chosen_by_us,
    local_addresses,
)


def settings(*addresses: str, ipv4: bool = True, ipv6: bool = True) -> ProxySettings:
    return ProxySettings(database_url="unused", addresses=addresses, ipv4=ipv4, ipv6=ipv6)


def test_auto_is_all_of_this_machine() -> None:
    found = local_addresses(settings("auto"))
    assert "127.0.0.1" in found
    assert not [text for text in found if ip_address(text).is_link_local]
    assert all(canonical(text) == text for text in found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(("wildcard", "family"), [("0.0.0.0", 4), ("::", 6), ("[::]", 6)])
def test_wildcard_is_all_of_its_family(wildcard: str, family: int) -> None:
    found = local_addresses(settings(wildcard))
    assert found == [
        text for text in local_addresses(settings("auto")) if ip_address(text).version == family
    ]


def test_named_ones_in_their_order() -> None:
    found = local_addresses(settings("[2001:DB8::1]", "192.0.2.1", "2001:db8:0::1"))
    assert found == ["2001:db8::1", "192.0.2.1"]


def test_families_that_are_off() -> None:
    assert local_addresses(settings("::1", "127.0.0.1", ipv6=False)) == ["127.0.0.1"]
    assert local_addresses(settings("::1", "127.0.0.1", ipv4=False)) == ["::1"]


@pytest.mark.parametrize("text", ["sip.example.com", "192.0.2.1:5060", "eth0", "192.0.2.300"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(AddressError, match="FEDSIP_SIP_ADDRESSES"):
        local_addresses(settings(text))


def test_who_chose() -> None:
    assert is_chosen_by_us(settings("auto", "192.0.2.1"), "127.0.0.1")
    assert not is_chosen_by_us(settings("auto", "192.0.2.1"), "192.0.2.1")
    assert not is_chosen_by_us(settings("[2001:DB8::1]"), "2001:db8::1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8:0:0::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("example.com", None),
        ("", None),
    ],
)
def test_canonical(text: str, expected: str | None) -> None:
    assert canonical(text) == expected
