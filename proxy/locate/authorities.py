"""What the servers of a zone say themselves, beside what a resolver remembers (RFC 1034 s4).

The zone of a name is the nearest one above it that has NS records; each of its servers is asked
each question directly, without recursion. Never on the path of a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from .explain import texts_of
from .resolver import close_servers, make_resolver, values_of
from .rfc3263 import LocateError, Question

_PORT: Final = 53
_MOST_SERVERS: Final = 8
_MOST_ADDRESSES: Final = 2
"""Of one server: IPv4 and IPv6."""
_ANSWER_SECONDS: Final = 2.0
_ZONE_SECONDS: Final = 10.0

Said = tuple[str, ...] | LocateError
"""Records as a zone file has them, () for none; or why there is no answer."""


@dataclass(frozen=True, slots=True)
class Authority:
    """One server of a zone at one of its addresses."""

    server: str
    address: str
    """Empty where the server's name has none."""
    said: tuple[Said, ...]
    """To each question."""


async def ask_authorities(
    name: str, questions: Sequence[Question], dns_servers: tuple[str, ...], *, port: int = _PORT
) -> list[Authority]:
    """Ask each server of the zone that `name` is in; raises LocateError when it has none."""
    resolver = make_resolver(dns_servers)
    resolver.lifetime = _ZONE_SECONDS
    try:
        servers = await _servers_of(name, resolver)
        places = await asyncio.gather(*[_addresses(server, resolver) for server in servers])
    finally:
        close_servers(resolver)
    return await asyncio.gather(
        *[
            _ask(server, address, questions, port)
            for server, addresses in zip(servers, places, strict=True)
            for address in addresses or [""]
        ]
    )


async def _servers_of(name: str, resolver: dns.asyncresolver.Resolver) -> list[str]:
    zone = dns.name.from_text(name)
    while len(zone) > 2:  # a label and the root
        try:
            found = await resolver.resolve(zone, "NS")
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            zone = zone.parent()
        except dns.exception.DNSException as error:
            raise LocateError(f"NS {zone.to_text(omit_final_dot=True)}: {error}") from error
        else:
            return sorted(record.target.to_text() for record in found)[:_MOST_SERVERS]
    raise LocateError(f"no zone of {name} is found")


async def _addresses(server: str, resolver: dns.asyncresolver.Resolver) -> list[str]:
    try:
        found = await resolver.resolve_name(server)
    except dns.exception.DNSException:
        return []
    return list(found.addresses())[:_MOST_ADDRESSES]


async def _ask(server: str, address: str, questions: Sequence[Question], port: int) -> Authority:
    said = await asyncio.gather(*[_answer(address, question, port) for question in questions])
    return Authority(server.rstrip("."), address, tuple(said))


async def _answer(address: str, question: Question, port: int) -> Said:
    if not address:
        return LocateError("its name has no address")
    query = dns.message.make_query(question.name, question.kind, flags=0)
    try:
        response, _ = await dns.asyncquery.udp_with_fallback(
            query, address, timeout=_ANSWER_SECONDS, port=port
        )
    except dns.exception.Timeout:
        return LocateError("does not answer")
    except (dns.exception.DNSException, OSError) as error:
        return LocateError(str(error) or type(error).__name__)
    if response.rcode() == dns.rcode.NXDOMAIN:
        return ()
    if response.rcode() != dns.rcode.NOERROR:
        return LocateError(dns.rcode.to_text(response.rcode()))
    if not response.flags & dns.flags.AA:
        return LocateError("does not serve this zone")
    kind = dns.rdatatype.from_text(question.kind)
    return tuple(
        text
        for rrset in response.answer
        if rrset.rdtype == kind
        for text in texts_of(values_of(question, rrset))
    )
