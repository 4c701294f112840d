"""Two baresip phones through the whole platform: sound both ways, and every way a call ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from media.ng import Query
from tests.harness.baresip import Baresip, desks_hear
from tests.harness.ng import NgClient
from tests.harness.platform import Platform
from tests.harness.sipp import Party
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

Phone = Callable[..., Baresip]
Users = Callable[[str], Party]

HEARD = 0.9
"""Correlation that G.711 keeps easily (measured 0.99) and nothing else reaches (under 0.2)."""


def hears(listener: Baresip, speaker: Baresip) -> None:
    """Wait until the listener's recording holds what the speaker plays."""
    wait_until(
        lambda: listener.hears(speaker.played) > HEARD,
        f"{listener.account.user} hears {speaker.account.user}\n{listener.tail()}",
    )


def talk(caller: Baresip, callee: Baresip) -> None:
    caller.dials(callee.account.aor)
    callee.accepts()
    caller.established()
    callee.established()
    hears(callee, caller)
    hears(caller, callee)


@pytest.mark.parametrize(
    ("from_transport", "to_transport"),
    [
        ("udp", "udp"),
        ("tcp", "tcp"),
        ("tls", "tls"),
        ("udp", "tls"),
        ("tls", "tcp"),
        ("tcp", "udp"),
    ],
)
def test_call_has_sound_both_ways(
    users: Users, baresip: Phone, from_transport: str, to_transport: str
) -> None:
    alice = baresip(users("alice"), from_transport)
    bob = baresip(users("bob"), to_transport)
    talk(alice, bob)
    alice.command("hangup")
    bob.closed()


def test_sound_passes_the_relay_and_not_directly(users: Users, baresip: Phone) -> None:
    alice, bob = baresip(users("alice")), baresip(users("bob"))
    talk(alice, bob)
    offered = bob.program.text().split("INVITE sip:")[1]
    port = int(offered.split("m=audio ")[1].split()[0])
    assert 30000 <= port <= 50400
    assert port != int(alice.program.text().split("m=audio ")[1].split()[0])


def test_callee_hangs_up(users: Users, baresip: Phone) -> None:
    alice, bob = baresip(users("alice")), baresip(users("bob"), "tcp")
    talk(alice, bob)
    bob.command("hangup")
    alice.closed()


def packets_from_each_side(relay: NgClient, call_id: str) -> list[int]:
    """RTP packets that the relay has had from either phone."""
    answer: Any = relay.accepted(Query(call_id.encode()))
    tags = answer[b"tags"]
    return [side[b"medias"][0][b"streams"][0][b"stats"][b"packets"] for side in tags.values()]


def hold_and_resume(holding: Baresip, held: Baresip) -> None:
    holding.command("hold")
    held.program.awaits(r"^a=sendonly")
    held.program.awaits(r"^ACK sip:")
    holding.command("resume")
    held.program.awaits(r"^a=sendrecv")
    held.program.awaits(r"^ACK sip:")


def sound_goes_on(call_id: str, platform: Platform) -> None:
    """Wait until the relay has carried another second of it in both directions."""
    with NgClient(platform.ng_port) as relay:
        before = packets_from_each_side(relay, call_id)

        def has_gone_on() -> bool:
            now = packets_from_each_side(relay, call_id)
            return all(after > earlier + 50 for after, earlier in zip(now, before, strict=True))

        wait_until(has_gone_on, "sound goes on in both directions after the hold")


@pytest.mark.parametrize("holder", ["caller", "callee"])
def test_hold_and_resume(users: Users, baresip: Phone, holder: str) -> None:
    alice, bob = baresip(users("alice")), baresip(users("bob"), "tls")
    talk(alice, bob)
    holding, held = (alice, bob) if holder == "caller" else (bob, alice)
    hold_and_resume(holding, held)
    desks_hear(alice, bob)
    alice.command("hangup")
    bob.closed()


def test_cancel_while_ringing(users: Users, baresip: Phone) -> None:
    alice, bob = baresip(users("alice")), baresip(users("bob"))
    alice.dials(bob.account.aor)
    bob.awaits("CALL_INCOMING")
    alice.awaits("CALL_RINGING")
    alice.command("hangup")
    bob.closed()
    bob.program.awaits(r"^CANCEL sip:")
    alice.program.awaits(r"^SIP/2.0 487 ")


def test_busy(users: Users, baresip: Phone) -> None:
    alice, bob = baresip(users("alice")), baresip(users("bob"))
    alice.dials(bob.account.aor)
    bob.awaits("CALL_INCOMING")
    bob.command("hangup")
    assert "486" in alice.closed()


def test_no_answer(users: Users, baresip: Phone) -> None:
    """The callee's phone gives up after its ring time: the caller learns the reason."""
    alice = baresip(users("alice"))
    bob = baresip(users("bob"), ring_seconds=3)
    alice.dials(bob.account.aor)
    bob.awaits("CALL_INCOMING")
    assert alice.closed()


def test_unknown_and_unregistered_users_answer_alike(users: Users, baresip: Phone) -> None:
    """To a user of his domain an absent one is 480, an unknown one 404 (docs/behaviour.md s3)."""
    alice = baresip(users("alice"))
    absent = users("absent")
    alice.dials(absent.aor)
    assert "480" in alice.closed()
    alice.dials("sip:nobody-of-that-name@e2e.test")
    assert "404" in alice.closed()


def test_wrong_password_does_not_register(users: Users, baresip: Phone) -> None:
    from tests.harness.processes import PeerFailed

    real = users("alice")
    with pytest.raises(PeerFailed, match=r"40[13]"):
        baresip(Party(real.user, real.domain, "not-the-password"))
