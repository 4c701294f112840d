"""TCP and TLS connections: framing in, bounded writing out, keep-alive both ways."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

from proxy.sip.errors import ParseError
from proxy.sip.framing import PING, PONG, StreamFramer

from .asking_tls import Handshaken
from .flow import Address, Flow, FlowFailed

WRITE_LIMIT: Final = 1024 * 1024
"""Bytes that may wait for a slow reader before its connection is closed."""

# TCP keep-alive (docs/behaviour.md s7): idle 15 s, every 10 s, 5 times. What is sent to somebody
# who does not read or acknowledge waits as long as all of that, then the connection is reset.
_OPTIONS: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 5),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 65_000),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)
_MESSAGE_SECONDS: Final = 30.0
"""A message that has begun must be whole within this time."""
_BEGINNINGS: Final = frozenset(range(0x21, 0x7F)) | frozenset(b"\r\n")
_NO_SIP: Final = ParseError("not SIP, perhaps TLS", None)


class Stream(Protocol):
    """What the transport layer holds: a connection, or a browser's link through the gateway."""

    flow: Flow
    connection_id: int
    is_outbound: bool
    certificate: Mapping[str, Any]
    """What the far side has shown and the trust store vouches for, as `getpeercert()` gives it."""

    def write(self, data: bytes) -> None:
        """Send one message; raises FlowFailed."""

    def ping(self) -> None:
        """Ask for a sign of life; raises FlowFailed."""

    def has_expired(self, *, idle_seconds: float, now: float) -> bool:
        """Whether it was silent for too long."""

    def is_unanswered(self) -> bool:
        """Whether the last ping got no answer from a far side that is known to answer."""

    def close(self) -> None:
        """End it when what was written has gone."""

    def abort(self) -> None:
        """End it at once."""


class Owner(Protocol):
    """What a stream tells the transport layer."""

    def opened(self, stream: Stream) -> bool:
        """It is up; False when there are too many."""

    def message_came(self, data: bytes, stream: Stream) -> None:
        """A whole message came."""

    def not_framed(self, data: bytes, error: ParseError, stream: Stream) -> None:
        """What came cannot be framed; the connection will be closed."""

    def closed(self, stream: Stream) -> None:
        """It is gone, for whatever reason."""


class Connection(asyncio.Protocol):
    """One connection, ours or theirs. `flow` stands as soon as it is up."""

    __slots__ = (
        "_clock",
        "_framer",
        "_heard_at",
        "_is_pinged",
        "_owner",
        "_sends_pongs",
        "_transport",
        "_unfinished_since",
        "asked_name",
        "certificate",
        "connection_id",
        "flow",
        "is_outbound",
    )

    def __init__(
        self,
        owner: Owner,
        protocol: str,
        connection_id: int,
        *,
        max_message: int,
        is_outbound: bool,
        clock: Callable[[], float],
    ) -> None:
        self._owner = owner
        self._framer = StreamFramer(max_message)
        self._transport: asyncio.Transport | None = None
        self._clock = clock
        self._heard_at = clock()
        self._unfinished_since = 0.0
        self._is_pinged = False
        self._sends_pongs = False
        self.connection_id = connection_id
        self.is_outbound = is_outbound
        self.certificate: Mapping[str, Any] = {}
        self.asked_name = ""  # of us, by SNI
        self.flow = Flow(protocol, ("", 0), ("", 0), connection_id)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loop gives a Protocol's stream transport; uvloop's is no subclass of asyncio's.
        stream = cast(asyncio.Transport, transport)
        self._transport = stream
        sock = transport.get_extra_info("socket")
        local, remote = (transport.get_extra_info(name) for name in ("sockname", "peername"))
        if not local or not remote:
            stream.abort()  # it was reset before we looked
            return
        for level, option, value in _OPTIONS:
            sock.setsockopt(level, option, value)
        self.certificate = transport.get_extra_info("peercert") or {}
        tls = transport.get_extra_info("ssl_object")
        if isinstance(tls, Handshaken):
            self.asked_name = tls.asked_name
        self.flow = Flow(self.flow.protocol, _address(local), _address(remote), self.connection_id)
        if not self._owner.opened(self):
            stream.abort()

    def data_received(self, data: bytes) -> None:
        self._heard_at = now = self._clock()
        was_pinged, self._is_pinged = self._is_pinged, False
        framer = self._framer
        try:
            frames = framer.feed(data)
        except ParseError as error:
            self._owner.not_framed(bytes(framer.unfinished), error, self)
            self.close()
            return
        if framer.flush_pong():
            frames.append(PONG)
        if not framer.unfinished:
            self._unfinished_since = 0.0
        elif framer.unfinished[0] not in _BEGINNINGS:
            self._owner.not_framed(b"", _NO_SIP, self)
            self.abort()
            return
        elif frames or not self._unfinished_since:
            self._unfinished_since = now
        for frame in frames:
            if frame == PING:
                self._answer_ping()
            elif frame == PONG:
                self._sends_pongs = self._sends_pongs or was_pinged
            else:
                self._owner.message_came(frame, self)
        if framer.error is not None:
            self._owner.not_framed(bytes(framer.unfinished), framer.error, self)
            self.close()

    def _answer_ping(self) -> None:
        try:
            self.write(PONG)
        except FlowFailed:
            self.abort()

    def write(self, data: bytes) -> None:
        """Send; raises FlowFailed when the connection is closing or its reader too slow."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise FlowFailed(f"{self.flow.protocol} connection to {self.flow.remote[0]} is closed")
        transport.write(data)
        if transport.get_write_buffer_size() > WRITE_LIMIT:
            transport.abort()
            raise FlowFailed(f"{self.flow.remote[0]} does not read what it is sent")

    def ping(self) -> None:
        """Send a CRLF ping (RFC 5626 s4.4.1); raises FlowFailed."""
        self.write(PING)
        self._is_pinged = True

    def is_unanswered(self) -> bool:
        """Whether the last ping got no answer from a far side that is known to answer."""
        return self._is_pinged and self._sends_pongs

    def has_expired(self, *, idle_seconds: float, now: float) -> bool:
        """Whether nothing came for too long, or a message began and did not end."""
        began = self._unfinished_since
        return now - self._heard_at >= idle_seconds or (
            began > 0.0 and now - began >= _MESSAGE_SECONDS
        )

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.closed(self)

    def eof_received(self) -> bool:
        return False


def _address(name: tuple[str, int] | tuple[str, int, int, int]) -> Address:
    return name[0].partition("%")[0], name[1]
