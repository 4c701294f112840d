"""Numbers as people dial them (docs/behaviour.md s3, E.164 step)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory.numbers import to_e164
from tests.routing.world import EXAMPLE, World, user_of


@pytest.mark.parametrize(
    ("country", "dialled", "number"),
    [
        (b"US", b"2125551212", b"+12125551212"),
        (b"US", b"12125551212", b"+12125551212"),
        (b"US", b"+12125551212", b"+12125551212"),
        (b"US", b"(212) 555-1212", b"+12125551212"),
        (b"US", b"2121551212", None),  # the N of NXX is 2 to 9
        (b"US", b"442071234567", b"+442071234567"),
        (b"US", b"5551234", None),
        (b"US", b"1000", None),
        (b"US", b"911", None),
        (b"DE", b"030901820", b"+4930901820"),
        (b"DE", b"0044 20 7123 4567", b"+442071234567"),
        (b"DE", b"1000", None),
        (b"", b"+442071234567", b"+442071234567"),
        (b"", b"442071234567", b"+442071234567"),
        (b"", b"2125551212", None),
        (b"US", b"+", None),
        (b"US", b"-.()", None),
        (b"XX", b"2125551212", None),
    ],
)
def test_numbers(country: bytes, dialled: bytes, number: bytes | None) -> None:
    assert to_e164(dialled, country) == number


@pytest.mark.parametrize(
    ("is_on", "method", "user"),
    [(True, b"INVITE", b"+12125551212"), (True, b"REFER", b"2125551212"), (False, b"INVITE", None)],
)
def test_the_step_is_the_domains_choice(is_on: bool, method: bytes, user: bytes | None) -> None:
    world = World(replace(EXAMPLE, e164=is_on, e164_country=b"US"))
    far = world.phone(b"gw@192.0.2.99", "192.0.2.99")
    alice = world.phone(b"alice@example.com", "192.0.2.10")
    alice.authenticates(alice.asks(method, b"sip:2125551212@192.0.2.99"))
    assert user_of(far.take_request(method).uri) == (user or b"2125551212")


def test_names_are_left_alone() -> None:
    world = World(replace(EXAMPLE, e164=True, e164_country=b"US"))
    far = world.phone(b"gw@192.0.2.99", "192.0.2.99")
    alice = world.phone(b"alice@example.com", "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", b"sip:alice2125551212@192.0.2.99"))
    assert user_of(far.take_request(b"INVITE").uri) == b"alice2125551212"
