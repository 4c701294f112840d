"""A small internet on one machine: two whole platforms, somebody else's proxies, one DNS.

Each platform has its own loopback address, PostgreSQL database and certificate. Who is found where,
and by which transport, is what `publish` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.harness.authority import Authority
from tests.harness.baresip import Account, Baresip
from tests.harness.dns_server import DnsThread, Zones
from tests.harness.kamailio import NEIGHBOUR, kamailio
from tests.harness.platform import Platform
from tests.harness.processes import free_port
from tests.harness.sipp import Party

TRANSPORTS = ("udp", "tcp", "tls")
SERVICES = {"udp": "SIP+D2U _sip._udp", "tcp": "SIP+D2T _sip._tcp", "tls": "SIPS+D2T _sips._tcp"}
USERS = 20
ADDRESSES = {"a": "127.0.0.11", "b": "127.0.0.12"}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Somebody else's proxy at 127.0.0.1; UDP and TCP have one port."""

    sip_port: int
    tls_port: int

    def port(self, transport: str) -> int:
        return self.tls_port if transport == "tls" else self.sip_port

    def uri(self, transport: str) -> str:
        """It as the next hop of others."""
        return f"sip:127.0.0.1:{self.port(transport)};transport={transport}"


@dataclass
class Internet:
    """Platforms by their letter, their users by domain, and what the DNS has."""

    folder: Path
    authority: Authority
    dns: DnsThread
    platforms: dict[str, Platform] = field(default_factory=dict)
    users: dict[str, Iterator[Party]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    _seeds: Iterator[int] = field(default_factory=lambda: count(1))

    def publish(self, domain: str, transport: str, address: str, port: int) -> None:
        """Let a domain be found there, by that transport alone."""
        service, prefix = SERVICES[transport].split()
        self.tables[domain] = f"""
            @        NAPTR 10 10 "s" "{service}" "" {prefix}
            {prefix} SRV 10 10 {port} host
            host     A {address}
            """
        self.dns.server.zones = Zones(self.tables)

    def put_before(self, domain: str, transport: str, address: str, port: int) -> None:
        """Name another server in front of the one that is published."""
        _, prefix = SERVICES[transport].split()
        self.tables[domain] += f"""
            {prefix} SRV 5 10 {port} first
            first    A {address}
            """
        self.dns.server.zones = Zones(self.tables)

    def publish_at(self, domain: str, transport: str, place: Platform) -> None:
        """Let a domain be found at one of the platforms."""
        port = place.tls_port if transport == "tls" else place.port
        self.publish(domain, transport, place.address, port)

    def phone(self, phones: ExitStack, domain: str, folder: Path) -> Baresip:
        """A registered phone of a user of that domain who has none yet."""
        place = next(one for one in self.platforms.values() if domain in one.domains)
        account = place.account(next(self.users[domain]))
        seed = next(self._seeds)
        phone = phones.enter_context(Baresip(account, folder / f"phone{seed}", seed=seed))
        phone.registers()
        return phone

    def neighbour(self, phones: ExitStack, folder: Path, *, domain: str, onward: str) -> Neighbour:
        """Start a Kamailio that serves `domain`, if it is not "", and sends all else onward."""
        made = Neighbour(free_port(), free_port())
        certificate, key = self.authority.issue(folder / "tls", f"sip:{domain or 'transit.test'}")
        config = NEIGHBOUR.format(
            port=made.sip_port,
            tls_port=made.tls_port,
            aliases=f'alias="{domain}"' if domain else "",
            certificate=certificate,
            key=key,
            trust=self.authority.trust,
            onward=onward,
        )
        phones.enter_context(kamailio(config, folder))
        return made

    def neighbours_phone(
        self, phones: ExitStack, domain: str, neighbour: Neighbour, folder: Path
    ) -> Baresip:
        """A phone that is registered at somebody else's proxy."""
        account = Account("nora", domain, "-", neighbour.uri("udp"))
        seed = next(self._seeds)
        phone = phones.enter_context(Baresip(account, folder / f"phone{seed}", seed=seed))
        phone.registers()
        return phone


def policy(transport: str) -> dict[str, str]:
    """What a domain is that is named after its transport: over TLS both sides prove themselves."""
    if transport != "tls":
        return {}
    return {"federation": "verified_tls", "federation_in": "verified_tls"}


@contextmanager
def internet(
    folder: Path, new_database: Callable[[], str], domains: dict[str, dict[str, dict[str, str]]]
) -> Iterator[Internet]:
    """Platforms `a` and `b`, each with its domains and their policies, and users in each.

    A domain is found by the transport that its name ends with: `a-tls.test`, over TLS.
    """
    authority = Authority(folder / "authority")
    with ExitStack() as stack:
        dns = stack.enter_context(DnsThread(Zones({"empty.test": ""})))
        made = Internet(folder, authority, dns)
        for letter, address in ADDRESSES.items():
            certificate, key = authority.issue(folder / f"{letter}-tls", f"sip:{letter}-tls.test")
            place = Platform(
                folder / letter,
                database_url=new_database(),
                addresses=(address,),
                settings={
                    "FEDSIP_SIP_DNS_SERVERS": dns.address,
                    "FEDSIP_TLS_CERT": str(certificate),
                    "FEDSIP_TLS_KEY": str(key),
                    "FEDSIP_TLS_CA": str(authority.trust),
                },
            )
            made.platforms[letter] = stack.enter_context(place)
            for name, people in place.populate(domains[letter], users=USERS).items():
                made.users[name] = iter(people)
                made.publish_at(name, name.partition(".")[0].rpartition("-")[2], place)
        yield made
