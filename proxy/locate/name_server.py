"""One DNS server, asked over UDP sockets that are kept: one for each question is half its cost.

dnspython's resolver decides what is asked when, and of whom; this is how it is sent. Whoever would
answer in the server's place has to guess which of several ports, at random, a question left by, and
its id (RFC 5452 s9.2). An answer too large for a datagram is fetched over TCP.

What is to be sent and what has come takes turns, little by little, so that a thousand questions at
once hold nothing else up.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from typing import Any, Final

import dns.exception
import dns.message
import dns.nameserver

from .turns import Turns

_PORTS: Final = 16
_ASKED_BY_ONE: Final = 256
"""Questions; then a port makes room for another."""
_LARGEST: Final = 65_535


class NameServer(dns.nameserver.Do53Nameserver):
    """The server at an address and port. Its sockets belong to the event loop that first asked.

    `turns`: of whoever asks and of what is answered, one each.
    """

    def __init__(self, address: str, port: int, turns: Turns) -> None:
        super().__init__(address, port)
        self._ports: list[_Port] = []
        self._turns = turns

    async def async_query(
        self, request: dns.message.QueryMessage, *args: Any, **how: Any
    ) -> dns.message.Message:
        """The answer to one question; raises what dnspython's own does."""
        if how["max_size"]:
            return await super().async_query(request, *args, **how)
        await self._turns.take()
        port = self._port()
        try:
            async with asyncio.timeout(how["timeout"]):
                return await port.ask(request, self._turns)
        except OSError as error:  # too late; or refused, as while it is started again
            raise dns.exception.Timeout from error
        finally:
            port.forget(request.id)

    def close(self) -> None:
        """Ask nothing more; nobody waits for an answer any more."""
        for port in self._ports:
            port.close()
        self._ports.clear()

    def _port(self) -> _Port:
        """One of them at random, or another in its place when it has asked enough."""
        if len(self._ports) < _PORTS:
            self._ports.append(_Port(self.address, self.port))
            return self._ports[-1]
        at = secrets.randbelow(_PORTS)
        if self._ports[at].asked >= _ASKED_BY_ONE:
            self._ports[at].close_when_answered()
            self._ports[at] = _Port(self.address, self.port)
        return self._ports[at]


class _Port:
    """A connected socket: the system takes datagrams from this server alone."""

    __slots__ = ("_is_last", "_loop", "_socket", "_waiting", "asked")

    def __init__(self, address: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.connect((address, port))
        except OSError:  # no way leads there
            self._socket.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._is_last = False
        self.asked = 0

    async def ask(self, request: dns.message.QueryMessage, turns: Turns) -> dns.message.Message:
        """Send a question and wait; raises OSError, and Truncated for what is too large."""
        while request.id in self._waiting:
            request.id = secrets.randbelow(65_536)
        self.asked += 1
        self._waiting[request.id] = self._loop.create_future()
        self._socket.send(request.to_wire())
        while True:
            wire = await self._waiting[request.id]
            await turns.take(is_urgent=True)
            response = _response_in(wire, request)
            if response is not None:
                return response
            self._waiting[request.id] = self._loop.create_future()

    def forget(self, request_id: int) -> None:
        """Nobody waits for that answer any more."""
        self._waiting.pop(request_id, None)
        if self._is_last and not self._waiting:
            self.close()

    def close_when_answered(self) -> None:
        """Nothing more is asked from here."""
        self._is_last = True
        if not self._waiting:
            self.close()

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        """One datagram, or what the system has to say of one that was sent."""
        try:
            wire = self._socket.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError as error:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(error)
            return
        waiting_for = self._waiting.get(int.from_bytes(wire[:2]))
        if waiting_for is not None and not waiting_for.done():
            waiting_for.set_result(wire)


def _response_in(wire: bytes, request: dns.message.QueryMessage) -> dns.message.Message | None:
    """What answers just this question; None for anything else, which may be somebody's guess."""
    try:
        response = dns.message.from_wire(wire, raise_on_truncation=True)
    except dns.message.Truncated as error:
        cut_short = error.message()  # type: ignore[no-untyped-call]
        if request.is_response(cut_short):
            raise
        return None
    except dns.exception.DNSException:
        return None
    return response if request.is_response(response) else None
