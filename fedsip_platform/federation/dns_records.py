"""The DNS records by which others find a domain here: written out, and compared with what is there.

RFC 3263: NAPTR names the transports in the order of our preference, SRV the port and the host of
each, A and AAAA the addresses. The most private transport comes first.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass

from fedsip_platform.calls.models import Node
from proxy.locate.authorities import Authority, ask_authorities
from proxy.locate.explain import texts_of
from proxy.locate.resolver import Locator
from proxy.locate.rfc3263 import LocateError, Question
from proxy.settings import ProxySettings

TTL = 3600
_ASKED_AT_ONCE = 50
_SERVICES = (
    # transport, NAPTR service, SRV prefix
    ("tls", "SIPS+D2T", "_sips._tcp"),
    ("tcp", "SIP+D2T", "_sip._tcp"),
    ("udp", "SIP+D2U", "_sip._udp"),
)


@dataclass(frozen=True, slots=True)
class Record:
    """One record to publish; names are whole, without the final dot."""

    name: str
    kind: str
    value: str

    def __str__(self) -> str:
        value = f'"{self.value}"' if self.kind == "TXT" else self.value
        return f"{self.name}. {TTL} IN {self.kind} {value}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A record with what the DNS has in its place."""

    record: Record
    state: str
    """"published", "missing", "different" or "unknown"."""
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """Where this platform is reached."""

    host: str
    """Name of the SIP servers; empty: `sip.` before the domain."""
    addresses: tuple[str, ...]
    ports: dict[str, int]
    """Port of each transport that is on."""


def this_site(*, host: str = "", addresses: Iterable[str] = ()) -> Site:
    """What the settings say, and the heartbeats of the proxies; arguments say it better."""
    settings = ProxySettings.from_env()
    known = list(addresses) or [
        text for text in (settings.advertised_ipv4, settings.advertised_ipv6) if _is_address(text)
    ]
    if not known:
        rows = Node.objects.exclude(address="").values_list("address", flat=True)
        known = [address.rpartition(":")[0].strip("[]") for address in rows]
    offered = (
        ("tls", settings.tls, settings.tls_port),
        ("tcp", settings.tcp, settings.port),
        ("udp", settings.udp, settings.port),
    )
    ports = {transport: port for transport, is_on, port in offered if is_on}
    name = host or os.environ.get("FEDSIP_HOSTNAME", "")
    return Site(name.rstrip(".").lower(), tuple(dict.fromkeys(known)), ports)


def records(domain: str, site: Site) -> list[Record]:
    """What to publish for a domain, in the order of a zone file."""
    host = site.host or f"sip.{domain}"
    offered = [each for each in _SERVICES if each[0] in site.ports]
    made = [
        Record(domain, "NAPTR", f'{10 * order} 10 "s" "{service}" "" {prefix}.{domain}.')
        for order, (_, service, prefix) in enumerate(offered, start=1)
    ]
    made += [
        Record(f"{prefix}.{domain}", "SRV", f"10 100 {site.ports[transport]} {host}.")
        for transport, _, prefix in offered
    ]
    made += [Record(host, "AAAA" if ":" in address else "A", address) for address in site.addresses]
    return made


def check(wanted: list[Record]) -> list[Checked]:
    """Ask the DNS for each; waits for all of it."""
    return check_all([wanted])[0]


def check_all(wanted: list[list[Record]]) -> list[list[Checked]]:
    """Ask the DNS for the records of several domains at the same time; waits for all of it."""
    if not wanted:
        return []
    return asyncio.run(_check_all(wanted))


@dataclass(frozen=True, slots=True)
class AtServer:
    """What one of the zone's own servers has."""

    server: str
    address: str
    checked: tuple[Checked, ...]


def check_at_authorities(domain: str, wanted: list[Record]) -> list[AtServer]:
    """Ask each server of the domain's zone for the records below the domain; waits for all of it.

    Raises LocateError when the zone has no servers.
    """
    below = [each for each in wanted if f".{each.name}".endswith(f".{domain}")]
    questions = [_question(each) for each in below]
    settings = ProxySettings.from_env()
    asked = asyncio.run(ask_authorities(domain, questions, settings.dns_servers))
    return [_at_server(each, below) for each in asked]


def _at_server(authority: Authority, wanted: list[Record]) -> AtServer:
    checked = [_compared(*each) for each in zip(wanted, authority.said, strict=True)]
    return AtServer(authority.server, authority.address, tuple(checked))


async def _check_all(wanted: list[list[Record]]) -> list[list[Checked]]:
    locator = Locator(ProxySettings.from_env())
    free = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def of_domain(records: list[Record]) -> list[Checked]:
        return await asyncio.gather(*[_checked(record, locator, free) for record in records])

    try:
        return await asyncio.gather(*[of_domain(records) for records in wanted])
    finally:
        await locator.close()


async def _checked(record: Record, locator: Locator, free: asyncio.Semaphore) -> Checked:
    async with free:
        outcome, _ = await locator.ask(_question(record))
    said = outcome if isinstance(outcome, LocateError) else texts_of(outcome)
    return _compared(record, said)


def _compared(record: Record, found: tuple[str, ...] | LocateError) -> Checked:
    if isinstance(found, LocateError):
        return Checked(record, "unknown", (str(found),))
    if _plain(record.value) in map(_plain, found):
        return Checked(record, "published")
    return Checked(record, "different" if found else "missing", found)


def _question(record: Record) -> Question:
    # One of the five kinds: `records` makes no other.
    return Question(record.kind, record.name)  # type: ignore[arg-type]


def _plain(value: str) -> str:
    """Without what makes no difference: case, final dots."""
    return " ".join(word.rstrip(".") for word in value.lower().split())


def _is_address(text: str) -> bool:
    return bool(text) and (":" in text or text.replace(".", "").isdigit())
