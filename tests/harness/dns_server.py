"""A real authoritative DNS server on loopback, its zones written as tables.

    zones = Zones({"example.org": '''
        @          NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp
        _sip._udp  SRV   10 0 5060 one
        one        A     192.0.2.1
    '''})
    async with DnsServer(zones) as server:
        ... server.address, server.asked

UDP with truncation, and TCP. A question can be made to fail with a code or to stay unanswered.
`Zones.look_up` gives the same answers without any socket.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import textwrap
import threading
from collections.abc import Mapping
from functools import cache
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone

from tests.harness.closing import Closing

_HEAD = "$ORIGIN {}.\n$TTL 60\n@ IN SOA ns hostmaster 1 60 60 60 {}\n@ IN NS ns\n"
_MOST_ALIASES = 8


class Zones:
    """Zones by name, each a table of records in zone-file form; names are relative to the zone."""

    def __init__(self, tables: Mapping[str, str], *, negative_ttl: int = 60) -> None:
        self._zones = [_zone(origin, table, negative_ttl) for origin, table in tables.items()]
        self.rcodes: dict[tuple[str, str], str] = {}
        """(name, kind) -> "SERVFAIL", "REFUSED"...: what is answered instead."""
        self.silent: set[tuple[str, str]] = set()
        """(name, kind) of questions that get no answer at all."""
        self.without_soa = False
        """Whether negative answers do not say how long they hold."""

    def respond(self, query: dns.message.Message) -> dns.message.Message | None:
        """The answer to a query; None where the server stays silent."""
        name = query.question[0].name
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        key = (str(name).rstrip(".").lower(), kind)
        if key in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA | dns.flags.RA
        if key in self.rcodes:
            response.set_rcode(dns.rcode.from_text(self.rcodes[key]))
            return response
        self._fill(response, name, query.question[0].rdtype)
        return response

    def look_up(self, name: str, kind: str) -> list[str] | None:
        """The records as text, aliases followed; None where the DNS fails."""
        response = self.respond(dns.message.make_query(name, kind))
        if response is None or response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return None
        wanted = dns.rdatatype.from_text(kind)
        return [str(one) for rrset in response.answer if rrset.rdtype == wanted for one in rrset]

    def _zone_of(self, name: dns.name.Name) -> dns.zone.Zone | None:
        return next((zone for zone in self._zones if name.is_subdomain(_origin(zone))), None)

    def _fill(
        self, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> None:
        for _ in range(_MOST_ALIASES):
            zone = self._zone_of(name)
            if zone is None:
                if not response.answer:
                    response.set_rcode(dns.rcode.REFUSED)
                return
            node = zone.get_node(name)
            found = node.get_rdataset(zone.rdclass, kind) if node is not None else None
            if found is not None:
                response.answer.append(dns.rrset.from_rdata_list(name, found.ttl, list(found)))
                return
            alias = (
                node.get_rdataset(zone.rdclass, dns.rdatatype.CNAME) if node is not None else None
            )
            if alias is None:
                self._fill_negative(response, zone, name)
                return
            response.answer.append(dns.rrset.from_rdata_list(name, alias.ttl, list(alias)))
            name = alias[0].target

    def _fill_negative(
        self, response: dns.message.Message, zone: dns.zone.Zone, name: dns.name.Name
    ) -> None:
        if not any(held.is_subdomain(name) for held in zone.nodes):
            response.set_rcode(dns.rcode.NXDOMAIN)
        if self.without_soa:
            return
        origin = _origin(zone)
        soa = zone.get_rdataset(origin, dns.rdatatype.SOA)
        assert soa is not None
        response.authority.append(dns.rrset.from_rdata_list(origin, soa.ttl, list(soa)))


@cache
def _zone(origin: str, table: str, negative_ttl: int) -> dns.zone.Zone:
    """Read once for all the servers of a run, which only look into it."""
    text = _HEAD.format(origin, negative_ttl) + textwrap.dedent(table)
    return dns.zone.from_text(text, relativize=False, check_origin=False)


def _origin(zone: dns.zone.Zone) -> dns.name.Name:
    assert zone.origin is not None
    return zone.origin


class DnsServer:
    """Serves zones on one port of 127.0.0.1, UDP and TCP, inside an `async with`."""

    def __init__(self, zones: Zones) -> None:
        self.zones = zones
        self.asked: list[tuple[str, str]] = []
        """Every question that came, (name, kind), in order."""
        self.asked_over_tcp: list[tuple[str, str]] = []
        self._tcp: asyncio.Server | None = None
        self._udp: asyncio.DatagramTransport | None = None
        self._host, self._port = "127.0.0.1", 0

    @property
    def address(self) -> str:
        """As FEDSIP_SIP_DNS_SERVERS has it."""
        return f"{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for _ in range(20):
            self._tcp = await asyncio.start_server(self._serve_tcp, self._host, 0)
            self._port = self._tcp.sockets[0].getsockname()[1]
            try:
                self._udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Udp(self), (self._host, self._port), family=socket.AF_INET
                )
            except OSError:  # somebody else's UDP port
                self._tcp.close()
                continue
            return self
        raise AssertionError("no port that is free for UDP and TCP")

    async def __aexit__(self, *error: object) -> None:
        assert self._udp is not None
        assert self._tcp is not None
        self._udp.close()
        self._tcp.close()
        await self._tcp.wait_closed()

    def answer(self, wire: bytes, *, over_tcp: bool) -> bytes | None:
        """The bytes of the answer; None for silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        asked = str(question.name).rstrip("."), dns.rdatatype.to_text(question.rdtype)
        (self.asked_over_tcp if over_tcp else self.asked).append(asked)
        response = self.zones.respond(query)
        if response is None:
            return None
        try:
            return response.to_wire(max_size=65535 if over_tcp else 512, want_shuffle=False)
        except dns.exception.TooBig:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.AA | dns.flags.TC
            return short.to_wire()

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                wire = self.answer(await reader.readexactly(size), over_tcp=True)
                if wire is not None:
                    writer.write(struct.pack("!H", len(wire)) + wire)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        wire = self._server.answer(data, over_tcp=False)
        if wire is not None and self._transport is not None:
            self._transport.sendto(wire, addr)


class DnsThread(Closing):
    """The same server for tests without an event loop: it serves inside a `with`."""

    def __init__(self, zones: Zones) -> None:
        self.server = DnsServer(zones)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def address(self) -> str:
        """As FEDSIP_SIP_DNS_SERVERS has it."""
        return self.server.address

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.__aenter__(), self._loop).result(10)
        return self

    def close(self) -> None:
        ending = self.server.__aexit__()
        asyncio.run_coroutine_threadsafe(ending, self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
