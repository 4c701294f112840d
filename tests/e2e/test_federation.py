"""Two whole platforms and Kamailio call each other by name: DNS, TLS, sound, hold, BYE.

Each test makes two calls: the one who called ends the first, the one who was called the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.test_baresip_calls import talk
from tests.harness.baresip import Baresip
from tests.harness.internet import TRANSPORTS, Internet, internet, policy

pytestmark = pytest.mark.e2e

OTHER = {"a": "b", "b": "a"}


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, _new_database: Callable[[], str]
) -> Iterator[Internet]:
    """a-udp.test, a-tcp.test and a-tls.test by that transport; behind-a-udp.test and so on, which
    the tests publish at somebody else's proxies; the same for b."""
    domains: dict[str, dict[str, dict[str, str]]] = {
        letter: {f"{letter}-{transport}.test": policy(transport) for transport in TRANSPORTS}
        | {f"behind-{letter}-{transport}.test": {} for transport in TRANSPORTS}
        for letter in OTHER
    }
    domains["b"]["strict-udp.test"] = {"federation_in": "verified_tls"}
    with internet(tmp_path_factory.mktemp("internet"), _new_database, domains) as made:
        yield made


@pytest.fixture
def phone_at(phones: ExitStack, tmp_path: Path, world: Internet) -> Callable[[str], Baresip]:
    """A registered phone of a user of one of the platforms' domains."""
    return lambda domain: world.phone(phones, domain, tmp_path)


PhoneAt = Callable[[str], Baresip]


def vias_at(phone: Baresip) -> list[str]:
    """Transport and host of each Via of the INVITE that came last, the nearest first."""
    head = next(
        message
        for message in reversed(phone.program.text().split("INVITE sip:")[1:])
        if "\nCSeq: " in message and "\nVia: " in message and "\nRecord-Route: " in message
    ).split("\n\n")[0]
    values = [line[5:].split() for line in head.splitlines() if line.startswith("Via: ")]
    return [f"{value[0].rpartition('/')[2]} {value[1].partition(':')[0]}" for value in values]


def holds_and_resumes(holder: Baresip, held: Baresip) -> None:
    holder.command("hold")
    held.program.awaits(r"^a=sendonly")
    held.program.awaits(r"^ACK sip:")
    holder.command("resume")
    held.program.awaits(r"^a=sendrecv")
    held.program.awaits(r"^ACK sip:")


def call_twice(caller: Baresip, callee: Baresip) -> None:
    """Sound both ways, hold by either side, BYE from either side."""
    for holder, ender in ((callee, caller), (caller, callee)):
        talk(caller, callee)
        holds_and_resumes(holder, callee if holder is caller else caller)
        ender.command("hangup")
        for phone in (caller, callee):
            phone.closed()
            phone.forgets_what_it_heard()


@pytest.mark.parametrize("letter", ["a", "b"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_platforms_call_each_other(
    world: Internet, phone_at: PhoneAt, transport: str, letter: str
) -> None:
    caller = phone_at(f"{letter}-{transport}.test")
    callee = phone_at(f"{OTHER[letter]}-{transport}.test")
    call_twice(caller, callee)
    assert vias_at(callee)[1] == f"{transport.upper()} {world.platforms[letter].address}"


def test_stranger_without_a_certificate_is_told_why(phone_at: PhoneAt) -> None:
    """From a domain that is found over UDP to one that wants its callers to prove themselves."""
    caller = phone_at("a-udp.test")
    caller.dials("sip:anybody@strict-udp.test")
    assert "421" in caller.closed()
    caller.program.awaits(r"^Warning: 399 strict-udp\.test ")


@pytest.mark.parametrize(
    ("proxies", "transport", "letter"),
    [
        (1, "udp", "a"),
        (1, "tcp", "b"),
        (1, "tls", "a"),
        (2, "udp", "b"),
        (2, "tcp", "a"),
        (2, "tls", "b"),
    ],
)
def test_call_crosses_proxies_of_others(
    world: Internet,
    phone_at: PhoneAt,
    phones: ExitStack,
    tmp_path: Path,
    proxies: int,
    transport: str,
    letter: str,
) -> None:
    called = f"behind-{OTHER[letter]}-{transport}.test"
    onward = world.platforms[OTHER[letter]].uri(transport)
    for number in range(proxies):
        port, tls_port = world.neighbour(
            phones, tmp_path / f"kamailio{number}", domain="", onward=onward
        )
        port = tls_port if transport == "tls" else port
        onward = f"sip:127.0.0.1:{port};transport={transport}"
    world.publish(called, transport, "127.0.0.1", port)
    caller, callee = phone_at(f"{letter}-udp.test"), phone_at(called)
    call_twice(caller, callee)
    vias = vias_at(callee)
    assert len(vias) == 3 + proxies
    assert {via.split()[0] for via in vias[1:-1]} == {transport.upper()}


@pytest.mark.parametrize("direction", ["to", "from"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_foreign_domain_on_kamailio(
    world: Internet,
    phone_at: PhoneAt,
    phones: ExitStack,
    tmp_path: Path,
    transport: str,
    direction: str,
) -> None:
    domain = f"neighbour-{transport}.test"
    port, tls_port = world.neighbour(
        phones, tmp_path / "kamailio", domain=domain, onward=world.platforms["a"].uri(transport)
    )
    world.publish(domain, transport, "127.0.0.1", tls_port if transport == "tls" else port)
    nora = world.neighbours_phone(phones, domain, port, tmp_path)
    ours = phone_at(f"a-{transport}.test")
    if direction == "to":
        call_twice(ours, nora)
    else:
        call_twice(nora, ours)
        assert vias_at(ours)[1] == f"{transport.upper()} 127.0.0.1"
