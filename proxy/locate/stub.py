"""A stub resolver (RFC 1034 s5.3.1): one question to the given servers, one after the other.

A question to a server that stays silent must cost next to nothing, since anybody may have us ask
such servers by calling their domains: hence sockets of our own rather than dnspython's resolver,
which takes many times as long. Names and messages are dnspython's. Each question has a socket,
and so a port, of its own (RFC 5452 s4.5).
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.resolver

Server = tuple[str, int]
"""Address and port."""

_HEADER: Final = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
"""After the number: recursion is desired, one question (RFC 1035 s4.1.1)."""
_IS_RESPONSE: Final = 0x80
_IS_CUT: Final = 0x02
_LARGEST: Final = 65535
_NEGATIVE_SECONDS: Final = 30.0


class StubError(Exception):
    """No server gave an answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The records of one kind that a name has, maybe none, and for how long that holds."""

    records: Sequence[Any]
    seconds: float


class Stub:
    """Asks these servers, the first one first."""

    __slots__ = ("_seconds", "_servers", "_try_seconds")

    def __init__(self, servers: Sequence[Server], *, seconds: float, try_seconds: float) -> None:
        self._servers = tuple(servers)
        self._seconds = seconds
        self._try_seconds = try_seconds

    async def ask(self, name: str, kind: str) -> Reply:
        """The records of a name; raises StubError. A server that fails is not asked again, one
        that is silent is, until the time is over."""
        try:
            asked = dns.name.from_text(name)
            rdtype = dns.rdatatype.from_text(kind)
            question = asked.to_digestable() + rdtype.to_bytes(2, "big") + b"\x00\x01"
        except (dns.exception.DNSException, UnicodeError) as error:
            raise StubError(f"{name!r} is no name: {_words(error)}") from error
        clock = asyncio.get_running_loop().time
        until = clock() + self._seconds
        servers, why = list(self._servers), "no server to ask"
        while servers:
            for server in self._servers:
                left = until - clock()
                if left <= 0:
                    raise StubError(why)
                if server not in servers:
                    continue
                try:
                    return await _ask(server, asked, rdtype, question, min(left, self._try_seconds))
                except TimeoutError:
                    why = f"{server[0]} does not answer"
                except (StubError, OSError) as error:
                    why = f"{server[0]}: {_words(error)}"
                    servers.remove(server)
        raise StubError(why)


async def _ask(
    server: Server, name: dns.name.Name, kind: dns.rdatatype.RdataType, question: bytes, wait: float
) -> Reply:
    wire = secrets.token_bytes(2) + _HEADER + question
    try:
        data = await _exchanged(wire, server, wait)
        if data[2] & _IS_CUT:
            query = dns.message.make_query(name, kind)
            message = await dns.asyncquery.tcp(query, server[0], wait, server[1])
        else:
            message = dns.message.from_wire(data)
        if not isinstance(message, dns.message.QueryMessage):
            raise StubError("an answer of another kind")
        return _read(message, name, kind)
    except dns.exception.Timeout as error:
        raise TimeoutError from error
    except (dns.exception.DNSException, EOFError) as error:
        raise StubError(_words(error)) from error


async def _exchanged(wire: bytes, server: Server, wait: float) -> bytes:
    """One datagram there and its answer; raises TimeoutError or OSError."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    answered: asyncio.Future[bytes] = loop.create_future()
    sock = socket.socket(family, socket.SOCK_DGRAM)
    descriptor = sock.fileno()

    def read() -> None:
        try:
            data = sock.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError as error:
            _fail(answered, error)
        else:
            if _answers(data, wire) and not answered.done():
                answered.set_result(data)

    try:
        sock.setblocking(False)
        sock.connect(server)
        sock.send(wire)
        loop.add_reader(descriptor, read)
        giving_up = loop.call_later(wait, _fail, answered, TimeoutError())
        try:
            return await answered
        finally:
            giving_up.cancel()
            loop.remove_reader(descriptor)
    finally:
        sock.close()


def _fail(answered: asyncio.Future[bytes], error: OSError) -> None:
    if not answered.done():
        answered.set_exception(error)


def _answers(data: bytes, wire: bytes) -> bool:
    """Whether a datagram answers the question, and not somebody's guess at it (RFC 5452 s9.1)."""
    return (
        len(data) >= len(wire)
        and data[:2] == wire[:2]
        and bool(data[2] & _IS_RESPONSE)
        and data[12 : len(wire)].lower() == wire[12:].lower()
    )


def _read(
    message: dns.message.QueryMessage, name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> Reply:
    """What an answer says, along its CNAMEs; raises StubError for one that is none."""
    rcode = message.rcode()
    if rcode == dns.rcode.NXDOMAIN:
        return Reply((), _negative_seconds(message))
    if rcode != dns.rcode.NOERROR:
        raise StubError(dns.rcode.to_text(rcode))
    try:
        found = dns.resolver.Answer(name, kind, dns.rdataclass.IN, message)
    except dns.resolver.NoAnswer:
        return Reply((), _negative_seconds(message))
    return Reply(tuple(found), float(found.chaining_result.minimum_ttl))


def _negative_seconds(message: dns.message.Message) -> float:
    """How long nothing stays nothing: the SOA's minimum or TTL, whichever is less (RFC 2308 s5)."""
    for rrset in message.authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            minimum: int = rrset[0].minimum
            return float(min(rrset.ttl, minimum))
    return _NEGATIVE_SECONDS


def _words(error: BaseException) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0]
