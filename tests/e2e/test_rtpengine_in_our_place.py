"""Our proxy, unchanged, with Debian's rtpengine where our relay would be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.test_baresip_calls import hears
from tests.harness.baresip import Baresip
from tests.harness.platform import Platform
from tests.harness.rtpengine import rtpengine

pytestmark = pytest.mark.e2e

DOMAIN = "rtpengine.test"


@pytest.fixture
def platform_with_rtpengine(tmp_path: Path, migrated_url: str) -> Iterator[Platform]:
    platform = Platform(tmp_path / "platform", database_url=migrated_url, own_relay=False)
    with rtpengine(tmp_path / "rtpengine", ng_port=platform.ng_port) as relay, platform:
        platform.add_domain(DOMAIN, "media_policy=always", tenant="rtpengine")
        yield platform
        assert relay.process.poll() is None


def test_call_with_hold_through_rtpengine(
    platform_with_rtpengine: Platform, tmp_path: Path
) -> None:
    platform = platform_with_rtpengine
    with ExitStack() as stack:
        alice, bob = (
            stack.enter_context(
                Baresip(
                    platform.account(platform.add_user(name, DOMAIN), transport),
                    tmp_path / name,
                    seed=seed,
                )
            )
            for name, transport, seed in (("alice", "udp", 1), ("bob", "tls", 2))
        )
        alice.registers()
        bob.registers()
        alice.dials(bob.account.aor)
        bob.accepts()
        alice.established()
        hears(bob, alice)
        hears(alice, bob)
        offered = bob.program.text().split("INVITE sip:")[1]
        assert 50500 <= int(offered.split("m=audio ")[1].split()[0]) < 53000
        alice.command("hold")
        bob.program.awaits(r"^a=sendonly")
        bob.program.awaits(r"^ACK sip:")
        bob.command("hangup")
        alice.closed()
