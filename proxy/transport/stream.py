"""TCP and TLS connections: framing in, bounded writing out, keep-alive both ways."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, Protocol, cast

from proxy.sip.errors import ParseError
from proxy.sip.framing import PING, PONG, StreamFramer

from .flow import Address, Flow, FlowFailed

_WRITE_LIMIT: Final = 1024 * 1024
"""Bytes that may wait for a slow reader before its connection is closed."""

# TCP keep-alive of SEED s7: idle 15 s, every 10 s, 5 times.
_KEEP_ALIVE: Final = (
    (socket.TCP_KEEPIDLE, 15),
    (socket.TCP_KEEPINTVL, 10),
    (socket.TCP_KEEPCNT, 5),
)


class Owner(Protocol):
    """What a connection tells the transport layer."""

    def connection_opened(self, connection: Connection) -> bool:
        """It is up; False when there are too many."""

    def connection_received(self, data: bytes, connection: Connection) -> None:
        """A whole message came."""

    def connection_refused(self, error: ParseError, connection: Connection) -> None:
        """What came cannot be framed; the connection will be closed."""

    def connection_closed(self, connection: Connection) -> None:
        """It is gone, for whatever reason."""


class Connection(asyncio.Protocol):
    """One connection, ours or theirs. `flow` stands as soon as it is up."""

    __slots__ = (
        "_framer",
        "_owner",
        "_transport",
        "connection_id",
        "flow",
        "heard_at",
        "is_outbound",
        "ping_unanswered",
        "protocol",
        "sends_pongs",
    )

    def __init__(
        self,
        owner: Owner,
        protocol: str,
        connection_id: int,
        *,
        max_message: int,
        is_outbound: bool,
        now: float,
    ) -> None:
        self._owner = owner
        self._framer = StreamFramer(max_message)
        self._transport: asyncio.Transport | None = None
        self.protocol = protocol
        self.connection_id = connection_id
        self.is_outbound = is_outbound
        self.flow = Flow(protocol, ("", 0), ("", 0), connection_id)
        self.heard_at = now
        self.sends_pongs = False
        self.ping_unanswered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loop gives a Protocol's stream transport; uvloop's is no subclass of asyncio's.
        stream = cast(asyncio.Transport, transport)
        self._transport = stream
        stream.set_write_buffer_limits(high=_WRITE_LIMIT)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEP_ALIVE:
                raw.setsockopt(socket.IPPROTO_TCP, option, value)
        local = _address(transport.get_extra_info("sockname"))
        remote = _address(transport.get_extra_info("peername"))
        self.flow = Flow(self.protocol, local, remote, self.connection_id)
        if not self._owner.connection_opened(self):
            stream.abort()

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._framer.feed(data)
        except ParseError as error:
            self._owner.connection_refused(error, self)
            self.close()
            return
        if self._framer.flush_pong():
            frames.append(PONG)
        self.ping_unanswered = False
        for frame in frames:
            if frame is PING or frame == PING:
                self.write(PONG)
            elif frame == PONG:
                self.sends_pongs = True
            else:
                self._owner.connection_received(frame, self)

    def write(self, data: bytes) -> None:
        """Send; raises FlowFailed when the connection is closing or its reader too slow."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise FlowFailed(f"{self.protocol} connection to {self.flow.remote[0]} is closed")
        transport.write(data)
        if transport.get_write_buffer_size() > _WRITE_LIMIT:
            transport.abort()
            raise FlowFailed(f"{self.flow.remote[0]} does not read what it is sent")

    def ping(self) -> bool:
        """Send a CRLF ping; False, and closed, when the last one stayed without an answer from a
        far side that is known to answer (RFC 5626 s4.4.1)."""
        if self.ping_unanswered and self.sends_pongs:
            self.close()
            return False
        self.ping_unanswered = True
        self.write(PING)
        return True

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.connection_closed(self)

    def eof_received(self) -> bool:
        return False


def _address(name: tuple[str, int] | tuple[str, int, int, int]) -> Address:
    return name[0].partition("%")[0], name[1]
