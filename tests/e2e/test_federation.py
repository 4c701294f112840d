"""Two whole platforms and Kamailio call each other by name: DNS, TLS, sound, hold, BYE.

Each by every transport, in both directions, through no, one and two further proxies; each test
makes two calls: the one who called ends the first, the one who was called the second.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_baresip_calls import hold_and_resume, sound_goes_on, talk
from tests.harness.baresip import Baresip
from tests.harness.internet import SERVICES, TRANSPORTS, Internet, internet, policy
from tests.harness.platform import Platform
from tests.harness.processes import free_port
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

OTHER = {"a": "b", "b": "a"}


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, _new_database: Callable[[], str]
) -> Iterator[Internet]:
    """a-udp.test, a-tcp.test and a-tls.test by that transport; behind-1-a-udp.test and so on, which
    the tests publish at somebody else's proxies; the same for b."""
    domains: dict[str, dict[str, dict[str, str]]] = {
        letter: {f"{letter}-{transport}.test": policy(transport) for transport in TRANSPORTS}
        | {f"behind-{n}-{letter}-{one}.test": {} for n in (1, 2) for one in TRANSPORTS}
        for letter in OTHER
    }
    domains["b"] |= {f"second-{transport}.test": policy(transport) for transport in TRANSPORTS}
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


def has_come(callee: Baresip, *, by: str, through: int) -> None:
    """Whether its call crossed so many proxies, and went from each to the next so."""
    vias = vias_at(callee)
    assert len(vias) == through + 1
    assert {via.split()[0] for via in vias[1:-1]} == {by.upper()}


def call_twice(caller: Baresip, callee: Baresip, *platforms: Platform) -> None:
    """Sound both ways, by the relays of these platforms; hold by either side and sound again; BYE
    from either side."""
    for holder, ender in ((callee, caller), (caller, callee)):
        talk(caller, callee)
        hold_and_resume(holder, callee if holder is caller else caller)
        for platform in platforms:
            sound_goes_on(caller.call_id(), platform)
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
    call_twice(caller, callee, *world.platforms.values())
    has_come(callee, by=transport, through=2)
    assert vias_at(callee)[1].endswith(f" {world.platforms[letter].address}")


def test_stranger_without_a_certificate_is_told_why(phone_at: PhoneAt) -> None:
    """From a domain that is found over UDP to one that wants its callers to prove themselves."""
    caller = phone_at("a-udp.test")
    caller.dials("sip:anybody@strict-udp.test")
    assert "421" in caller.closed()
    caller.program.awaits(r"^Warning: 399 strict-udp\.test ")


def hops_of_last_call(place: Platform, caller: Baresip) -> list[dict[str, Any]]:
    """Where the caller's only call was tried, as its platform's command says."""
    asked = ("calls", "--user", caller.account.aor.removeprefix("sip:"), "--json")
    wait_until(lambda: json.loads(place.cli(*asked)) != [], "the call is on record")
    [call] = json.loads(place.cli(*asked))
    shown = json.loads(place.cli("calls", "show", call["id"], "--json"))
    return list(shown["hops"])


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_dead_first_server_stands_in_the_record(
    world: Internet, phone_at: PhoneAt, transport: str
) -> None:
    """The call goes on to the next one, and its record says so, with the DNS's answers."""
    called, dead, place = f"second-{transport}.test", free_port(), world.platforms["b"]
    world.put_before(called, transport, "127.0.0.1", dead)
    caller, callee = phone_at(f"a-{transport}.test"), phone_at(called)
    talk(caller, callee)
    caller.command("hangup")
    callee.closed()
    first, second = hops_of_last_call(world.platforms["a"], caller)
    service, prefix = SERVICES[transport].split()
    assert (first["address"], first["outcome"]) == (f"{transport} 127.0.0.1:{dead}", "failed")
    assert (second["address"], second["outcome"], second["status"]) == (
        f"{transport} {place.address}:{place.port}", "answered", 200,
    )  # fmt: skip
    assert first["at"] <= second["at"]
    assert first["leads"] == [
        f'{called} NAPTR 10 10 "s" "{service}" "" {prefix}.{called}.',
        f"{prefix}.{called} SRV 5 10 {dead} first.{called}.",
        f"first.{called} A 127.0.0.1",
    ]
    assert second["leads"][1:] == [
        f"{prefix}.{called} SRV 10 10 {place.port} host.{called}.",
        f"host.{called} A {place.address}",
    ]


def test_certificate_of_another_name_stands_in_the_record(
    world: Internet, phone_at: PhoneAt
) -> None:
    """second-tls.test is found at a platform whose certificate is b-tls.test's."""
    caller, place = phone_at("a-tls.test"), world.platforms["b"]
    caller.dials("sip:anybody@second-tls.test")
    caller.closed()
    [hop] = hops_of_last_call(world.platforms["a"], caller)
    assert (hop["address"], hop["outcome"], hop["reason"]) == (
        f"tls {place.address}:{place.tls_port}",
        "failed",
        f"the certificate of {place.address} is not one for second-tls.test",
    )


@pytest.mark.parametrize("letter", ["a", "b"])
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("proxies", [1, 2])
def test_call_crosses_proxies_of_others(
    world: Internet,
    phone_at: PhoneAt,
    phones: ExitStack,
    tmp_path: Path,
    proxies: int,
    transport: str,
    letter: str,
) -> None:
    called = f"behind-{proxies}-{OTHER[letter]}-{transport}.test"
    onward = world.platforms[OTHER[letter]].uri(transport)
    for number in range(proxies):
        transit = world.neighbour(phones, tmp_path / f"transit{number}", domain="", onward=onward)
        onward = transit.uri(transport)
    world.publish(called, transport, "127.0.0.1", transit.port(transport))
    caller, callee = phone_at(f"{letter}-udp.test"), phone_at(called)
    call_twice(caller, callee, *world.platforms.values())
    has_come(callee, by=transport, through=2 + proxies)


@pytest.mark.parametrize("direction", ["to", "from"])
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("proxies", [1, 2])
def test_foreign_domain_on_kamailio(
    world: Internet,
    phone_at: PhoneAt,
    phones: ExitStack,
    tmp_path: Path,
    proxies: int,
    transport: str,
    direction: str,
) -> None:
    """A second proxy, between, has no certificate of that domain: nobody asks for one then."""
    domain = f"{direction}-neighbour-{proxies}-{transport}.test"
    onward = world.platforms["a"].uri(transport)
    if (proxies, direction) == (2, "from"):
        transit = world.neighbour(phones, tmp_path / "transit", domain="", onward=onward)
        onward = transit.uri(transport)
    neighbour = world.neighbour(phones, tmp_path / "kamailio", domain=domain, onward=onward)
    nora = world.neighbours_phone(phones, domain, neighbour, tmp_path)
    way_in = neighbour
    if (proxies, direction) == (2, "to"):
        way_in = world.neighbour(
            phones, tmp_path / "transit", domain="", onward=neighbour.uri(transport)
        )
    world.publish(domain, transport, "127.0.0.1", way_in.port(transport))
    ours = phone_at("a-udp.test" if proxies == 2 else f"a-{transport}.test")
    caller, callee = (ours, nora) if direction == "to" else (nora, ours)
    call_twice(caller, callee, world.platforms["a"])
    has_come(callee, by=transport, through=1 + proxies)
