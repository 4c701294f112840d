"""A relay with two interfaces: each phone has its ports at the one of its network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.test_baresip_calls import hears
from tests.harness.baresip import Baresip
from tests.harness.platform import Platform

pytestmark = pytest.mark.e2e

DOMAIN = "interfaces.test"
OUTSIDE, INSIDE = "127.0.0.1", "127.0.0.5"
PHONES = {"alice": "127.0.0.1", "bob": "127.0.0.2"}
SETTINGS = {
    "FEDSIP_MEDIA_INTERFACES": f"inside={INSIDE}",
    "FEDSIP_SIP_RELAY_INTERFACES": f"{PHONES['bob']}/32=inside",
}


@pytest.fixture
def platform_between(tmp_path: Path, migrated_url: str) -> Iterator[Platform]:
    with Platform(tmp_path / "platform", database_url=migrated_url, settings=SETTINGS) as platform:
        platform.add_domain(DOMAIN, "media_policy=always", tenant="interfaces")
        yield platform


def test_each_phone_has_the_interface_of_its_network(
    platform_between: Platform, tmp_path: Path
) -> None:
    """Also from a hold on, which the other one begins."""
    platform = platform_between
    with ExitStack() as stack:
        alice, bob = (
            stack.enter_context(
                Baresip(
                    platform.account(platform.add_user(name, DOMAIN), "udp"),
                    tmp_path / name,
                    seed=seed,
                    address=address,
                    interface=address,
                )
            )
            for seed, (name, address) in enumerate(PHONES.items(), 1)
        )
        alice.registers()
        bob.registers()
        alice.dials(bob.account.aor)
        bob.accepts()
        alice.established()
        hears(bob, alice)
        hears(alice, bob)
        assert relays_of(bob) == {INSIDE}
        assert relays_of(alice) == {OUTSIDE}
        bob.command("hold")
        alice.program.awaits(r"^a=sendonly")
        alice.program.awaits(r"^ACK sip:")
        assert relays_of(bob) == {INSIDE}
        assert relays_of(alice) == {OUTSIDE}
        bob.command("hangup")
        alice.closed()


def relays_of(phone: Baresip) -> set[str]:
    """Where it was told to send, beside its own address, which it tells."""
    own = PHONES[phone.account.user]
    said = [line.split()[-1] for line in phone.program.text().split("\n") if line.startswith("c=")]
    return {one.strip() for one in said} - ({own} if own != OUTSIDE else set())
