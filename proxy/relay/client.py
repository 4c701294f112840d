"""One media relay, spoken to by NG over UDP: cookies, retransmission, a bound on waiting."""

from __future__ import annotations

import asyncio
import logging
import socket
from itertools import count
from os import urandom
from typing import Final

from media.ng import Command, Document, NgError, error_of, parse_frame, serialise_frame

log = logging.getLogger(__name__)

_RETRANSMIT_SECONDS: Final = 0.25


class RelayError(Exception):
    """The relay did not answer, or said no; the message says which."""

    def __init__(self, message: str, *, is_silent: bool = False, reason: str = "") -> None:
        super().__init__(message)
        self.is_silent = is_silent
        self.reason = reason


class RelayClient:
    """The NG side of one relay. Requests wait for the answer with their cookie."""

    __slots__ = ("_cookies", "_loop", "_prefix", "_socket", "_timeout", "_waiting", "address")

    def __init__(self, address: tuple[str, int], *, timeout: float) -> None:
        self.address = address
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}
        self._prefix = urandom(4).hex().encode()
        self._cookies = count(1)
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(address)
        self._loop.add_reader(self._socket.fileno(), self._readable)

    async def request(self, command: Command) -> Document:
        """Send a command and return the answer's dictionary; raises RelayError."""
        cookie = b"%b_%d" % (self._prefix, next(self._cookies))
        waiter: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting[cookie] = waiter
        datagram = serialise_frame(cookie, command.document())
        try:
            answer = parse_frame(await self._exchange(datagram, waiter)).document
        except NgError as error:
            raise RelayError(f"relay {self.name} answered rubbish: {error}") from error
        finally:
            self._waiting.pop(cookie, None)
        if reason := error_of(answer):
            raise RelayError(f"relay {self.name} refused: {reason}", reason=reason)
        return answer

    @property
    def waiting(self) -> int:
        """How many commands have no answer yet."""
        return len(self._waiting)

    @property
    def name(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"

    async def _exchange(self, datagram: bytes, waiter: asyncio.Future[bytes]) -> bytes:
        end = self._loop.time() + self._timeout
        while True:
            self._send(datagram)
            left = end - self._loop.time()
            done, _ = await asyncio.wait([waiter], timeout=min(left, _RETRANSMIT_SECONDS))
            if done:
                return waiter.result()
            if self._loop.time() >= end:
                raise RelayError(
                    f"relay {self.name} did not answer in {self._timeout} s", is_silent=True
                )

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except OSError as error:
            log.debug("relay %s: %s", self.name, error)  # nobody listens; the wait goes on

    def _readable(self) -> None:
        while True:
            try:
                datagram = self._socket.recv(65536)
            except BlockingIOError:
                return
            except OSError as error:
                log.debug("relay %s: %s", self.name, error)
                return
            waiter = self._waiting.get(datagram.partition(b" ")[0])
            if waiter is not None and not waiter.done():
                waiter.set_result(datagram)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
