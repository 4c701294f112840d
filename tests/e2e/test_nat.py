"""Two phones, each behind its own NAT, and the platform on the street between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.test_baresip_calls import hears
from tests.harness.baresip import Account, Baresip
from tests.harness.database import Administrator
from tests.harness.namespaces import PLATFORM_ADDRESS, Home, Street, run
from tests.harness.platform import Platform
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

DOMAIN = "nat.test"
SILENCE_SECONDS = 125


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with Street() as made:
        yield made


@pytest.fixture(scope="module")
def homes(street: Street) -> tuple[Home, Home]:
    """The second NAT gives each flow a random port, as strict ones do."""
    return street.home(1), street.home(2, mode="random")


@pytest.fixture(scope="module")
def platform_on_street(
    street: Street, tmp_path_factory: pytest.TempPathFactory, migrated_url: str
) -> Iterator[Platform]:
    with Platform(
        tmp_path_factory.mktemp("street"),
        database_url=migrated_url,
        addresses=(PLATFORM_ADDRESS,),
        namespace=street.platform,
    ) as running:
        running.add_domain(DOMAIN, "media_policy=always", tenant="nat")
        yield running


@pytest.fixture
def neighbours(
    platform_on_street: Platform, homes: tuple[Home, Home], tmp_path: Path
) -> Iterator[list[Baresip]]:
    with ExitStack() as stack:
        phones = []
        for number, home in enumerate(homes, 1):
            party = platform_on_street.add_user(f"n{number}x{tmp_path.name[-6:]}".lower(), DOMAIN)
            phone = stack.enter_context(
                Baresip(
                    Account(party.user, DOMAIN, party.password, platform_on_street.uri("udp")),
                    tmp_path / party.user,
                    seed=number,
                    address=home.address,
                    namespace=home.namespace,
                    interface=home.address,
                    sound_seconds=200.0,
                    register_seconds=600,
                )
            )
            phone.registers()
            phones.append(phone)
        yield phones


@pytest.mark.parametrize("caller", [0, 1])
def test_call_between_two_nats(
    neighbours: list[Baresip], homes: tuple[Home, Home], administrator: Administrator, caller: int
) -> None:
    """Its record says where packets came from, and where they were to come from."""
    alice, bob = neighbours[caller], neighbours[1 - caller]
    alice.dials(bob.account.aor)
    bob.accepts()
    alice.established()
    hears(bob, alice)
    hears(alice, bob)
    call_id = bob.call_id()
    bob.command("hangup")
    alice.closed()

    def record() -> list[tuple[list[str]]]:
        words = "SELECT verdict_text FROM calls_callrecord WHERE call_id = %s"
        return administrator.ask(words, call_id)

    wait_until(lambda: bool(record()), "the call's record is written")
    [(sentences,)] = record()
    users = alice.account.user, bob.account.user
    assert sentences == [
        f"packets arrived from {home.public} but {user}'s phone had named {home.address}"
        for user, home in zip(users, (homes[caller], homes[1 - caller]), strict=True)
    ]


def test_in_dialog_requests_arrive_after_two_minutes_of_silence(
    neighbours: list[Baresip], homes: tuple[Home, Home]
) -> None:
    """Nothing but our keep-alive crosses the NATs meanwhile, which forget a UDP flow in 30 s."""
    alice, bob = neighbours
    for home in homes:
        run("ip", "netns", "exec", home.router, "sysctl", "-qw",
            "net.netfilter.nf_conntrack_udp_timeout=30",
            "net.netfilter.nf_conntrack_udp_timeout_stream=30")  # fmt: skip
    alice.dials(bob.account.aor)
    bob.accepts()
    alice.established()
    heard = alice.recording()
    wait_until(
        lambda: heard.stat().st_size > SILENCE_SECONDS * 8000 * 2,
        "two minutes of call without a SIP message",
        within=SILENCE_SECONDS + 30,
    )
    alice.command("hold")
    bob.program.awaits(r"^a=sendonly")
    bob.program.awaits(r"^ACK sip:")
    bob.command("hangup")
    alice.closed()
