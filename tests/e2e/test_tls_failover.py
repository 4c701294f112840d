"""Servers of a domain whose certificates do not prove it: the next one gets the request.

RFC 3263 s4.3 with RFC 5922: real handshakes, and the order from a real DNS server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from proxy.sip import Response
from tests.e2e.test_sipp import Bench
from tests.harness.authority import Authority, signed_by_itself
from tests.harness.calls import invite
from tests.harness.dns_server import DnsThread, Zones
from tests.harness.platform import Platform
from tests.harness.sip_hosts import TlsHost
from tests.harness.sipp import Party, Sipp, ack_of_failure, receive, request, send
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

HOME = "home.test"
FINAL = {"INVITE": 486, "MESSAGE": 404}
"""What the server that proves itself answers."""


class Place:
    """The platform, whose home.test demands proof of others, and who vouches for whom."""

    def __init__(self, folder: Path, database_url: str, stack: ExitStack) -> None:
        self.authority = Authority(folder / "authority")
        self.unknown = Authority(folder / "unknown", "Nobody knows this one")
        self.dns = stack.enter_context(DnsThread(Zones({"empty.test": ""})))
        settings = {
            "FEDSIP_SIP_DNS_SERVERS": self.dns.address,
            "FEDSIP_TLS_CA": str(self.authority.trust),
        }
        self.platform = stack.enter_context(
            Platform(folder / "platform", database_url=database_url, settings=settings)
        )
        people = self.platform.populate({HOME: {"federation": "verified_tls"}}, users=8)
        self._callers = iter(people[HOME])
        self._folder, self._stack = folder, stack

    def caller(self) -> Party:
        return next(self._callers)

    def pair(self, kind: str, domain: str) -> tuple[Path, Path]:
        """Certificate and key of a server that is published for the domain."""
        folder = self._folder / domain / kind
        match kind:
            case "of another domain":
                return self.authority.issue(folder, "sip:another.test", f"host.{domain}")
            case "of an unknown authority":
                return self.unknown.issue(folder, f"sip:{domain}")
            case "signed by itself":
                return signed_by_itself(folder, f"sip:{domain}")
            case _:
                return self.authority.issue(folder, f"sip:{domain}")

    def publish(self, domain: str, *kinds: tuple[str, int]) -> list[TlsHost]:
        """Servers with a certificate of that kind that answer so, in the order of the DNS."""
        hosts = [
            self._stack.enter_context(TlsHost(*self.pair(kind, domain), status))
            for kind, status in kinds
        ]
        records = "".join(
            f"\n_sips._tcp SRV {number} 10 {host.port} host" for number, host in enumerate(hosts)
        )
        table = f'@ NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp{records}\nhost A 127.0.0.1'
        self.dns.server.zones = Zones({domain: table})
        return hosts


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, _new_database: Callable[[], str]
) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path_factory.mktemp("failover"), _new_database(), stack)


@pytest.fixture
def bench(place: Place, tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(place.platform, tmp_path, stack)


def asks(bench: Bench, method: str, caller: Party, domain: str, status: int) -> Sipp:
    """A call or message to somebody there, which ends with that status."""
    target = f"sip:bob@{domain}"
    if method == "INVITE":
        steps = (
            *invite(caller, target),
            receive(status),
            send(ack_of_failure(caller, target, cseq=2), retransmit=False),
        )
    else:
        proof = (caller.authentication,)
        steps = (
            send(request(method, caller, target, cseq=1)),
            receive(407, challenge=True),
            send(request(method, caller, target, cseq=2, extra=proof)),
            receive(status),
        )
    return bench.phone(*steps, name=method.lower())


@pytest.mark.parametrize("method", FINAL)
def test_next_server_where_a_certificate_proves_nothing(
    place: Place, bench: Bench, method: str
) -> None:
    """503 from one that proves itself, three that do not, and another one that does: the first and
    the last get the request, in transactions of their own; the others see no byte of it."""
    domain = f"{method.lower()}.far.test"
    hosts = place.publish(
        domain,
        ("its own", 503),
        ("of another domain", 200),
        ("of an unknown authority", 200),
        ("signed by itself", 200),
        ("its own", FINAL[method]),
    )
    asks(bench, method, place.caller(), domain, FINAL[method]).succeeds()
    first, *unproved, last = hosts
    assert [host.connections for host in hosts] == [1, 1, 1, 1, 1]
    assert [host.came for host in unproved] == [[], [], []]
    if method == "INVITE":
        wait_until(lambda: len(last.came) == 2, "the last one has its ACK")
    expected = [b"INVITE", b"ACK"] if method == "INVITE" else [b"MESSAGE"]
    assert first.methods() == last.methods() == expected
    for host in (first, last):
        assert len({one.via.branch for one in host.came}) == 1, "ACK by the branch of its INVITE"
    assert first.came[0].via.branch != last.came[0].via.branch
    assert (f"_sips._tcp.{domain}", "SRV") in place.dns.server.asked


@pytest.mark.parametrize("method", FINAL)
def test_first_server_proves_nothing(place: Place, bench: Bench, method: str) -> None:
    domain = f"first-{method.lower()}.far.test"
    unproved, proved = place.publish(domain, ("of another domain", 200), ("its own", FINAL[method]))
    asks(bench, method, place.caller(), domain, FINAL[method]).succeeds()
    assert (unproved.connections, unproved.came) == (1, [])
    branch = proved.came[0].via.branch
    assert branch is not None
    assert branch.endswith(b".1"), "the second attempt"
    asks(bench, method, place.caller(), domain, FINAL[method]).succeeds()
    assert unproved.connections == 1, "who has proved nothing is not asked again for a while"


@pytest.mark.parametrize("method", FINAL)
def test_no_server_proves_itself(place: Place, bench: Bench, method: str) -> None:
    """The caller reads why, and when to try again; his tenant finds it among what was refused."""
    domain = f"unproved-{method.lower()}.far.test"
    hosts = place.publish(domain, ("of another domain", 200), ("signed by itself", 200))
    caller = asks(bench, method, place.caller(), domain, 503)
    caller.succeeds()
    assert [host.connections for host in hosts] == [1, 1]
    answer = next(one for one in reversed(caller.messages()) if isinstance(one, Response))
    assert (answer.status, answer.reason) == (503, b"No Verified Peer")
    assert answer.headers.first(b"retry-after") == b"30"
    assert (
        answer.headers.first(b"warning")
        == (
            f'399 {HOME} "{HOME} calls {domain} over TLS alone; no server of it has proved itself'
            f' by its certificate"'
        ).encode()
    )
    wait_until(lambda: refused_to(place, domain) == [("out", "no_verified_peer", 1)], "it is told")


def refused_to(place: Place, domain: str) -> list[tuple[str, str, int]]:
    """What `./fedsip federation refusals` says of a domain: direction, why, how often."""
    rows = json.loads(place.platform.cli("federation", "refusals", HOME, "--json"))
    return [(row["direction"], row["why"], row["amount"]) for row in rows if row["peer"] == domain]
