"""The table of streams: accepting with limits, opening each connection once, ending the idle.

A connection over TLS serves both ways (RFC 5923): who has opened one to us, has proved his name on
it and says `alias` in his Via, gets our requests to that name by it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from proxy.locate.hop import Hop
from proxy.sip.errors import ParseError

from .flow import Address, Flow, FlowFailed
from .gateway import GatewayLink
from .stream import Connection, Stream
from .tls import TlsContexts, domains_of, identifies

if TYPE_CHECKING:
    from proxy.settings import ProxySettings

log = logging.getLogger(__name__)

_CONNECT_SECONDS: Final = 5.0
"""Longest wait for a connection with its TLS handshake."""
_LAST_ID: Final = 0xFFFF_FFFF
_TLS_PORT: Final = 5061

OnBytes = Callable[[bytes, Flow], None]
OnUnframed = Callable[[bytes, Flow, ParseError], None]
_Key = tuple[str, Address, str | None, bool, str]


class Connections:
    """All streams of this node by their number; the Owner of each."""

    __slots__ = (
        "_alias_of",
        "_aliases",
        "_by_id",
        "_by_source",
        "_last_id",
        "_loop",
        "_on_closed",
        "_on_message",
        "_on_unframed",
        "_opening",
        "_outbound",
        "_settings",
        "_tls",
        "refused",
    )

    def __init__(
        self,
        settings: ProxySettings,
        tls: TlsContexts | None,
        loop: asyncio.AbstractEventLoop,
        *,
        on_message: OnBytes,
        on_unframed: OnUnframed,
        on_closed: Callable[[Flow], None],
    ) -> None:
        self.refused = 0
        self._settings = settings
        self._tls = tls
        self._loop = loop
        self._on_message = on_message
        self._on_unframed = on_unframed
        self._on_closed = on_closed
        self._by_id: dict[int, Stream] = {}
        self._by_source: Counter[str] = Counter()
        self._outbound: dict[_Key, Stream] = {}
        # by address and the port in sent-by: what was opened to us, and as whom we are known there
        self._aliases: dict[Address, tuple[Stream, str]] = {}
        self._alias_of: dict[int, Address] = {}  # one of each connection: the last that it said
        self._opening: dict[_Key, asyncio.Task[Flow]] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, connection_id: int) -> Stream | None:
        """The stream of that number while it is open."""
        return self._by_id.get(connection_id)

    def next_id(self) -> int:
        """A number that no open stream has, never 0."""
        while True:
            self._last_id = self._last_id % _LAST_ID + 1
            if self._last_id not in self._by_id:
                return self._last_id

    def make(self, protocol: str, *, is_outbound: bool = False) -> Connection:
        """A connection for the event loop to bring up."""
        return Connection(
            self,
            protocol,
            self.next_id(),
            max_message=self._settings.max_message,
            is_outbound=is_outbound,
            clock=self._loop.time,
        )

    def make_link(self) -> GatewayLink:
        """A browser's link, for the event loop to bring up."""
        return GatewayLink(
            self,
            self.next_id(),
            max_message=self._settings.max_message,
            clock=self._loop.time,
        )

    def is_verified(self, connection_id: int, domain: str) -> bool:
        """Whether the far side has proved by its certificate that it speaks for a SIP domain."""
        stream = self._by_id.get(connection_id)
        return stream is not None and identifies(stream.certificate, domain)

    def proved(self, connection_id: int) -> frozenset[str]:
        """The SIP domains for which the far side has proved to speak."""
        stream = self._by_id.get(connection_id)
        return frozenset() if stream is None else domains_of(stream.certificate)

    def serves_both_ways(self, connection_id: int) -> bool:
        """Whether we may say `alias` on it: requests that come back by it have a proved sender."""
        stream = self._by_id.get(connection_id)
        return stream is not None and stream.is_outbound and bool(stream.certificate)

    # -- opening

    def open_flow(self, hop: Hop) -> Flow | None:
        """The flow of a connection to the hop that is up: one of ours, or an alias of it."""
        stream = self._outbound.get(self._key(hop)) or self._alias(hop)
        return None if stream is None else stream.flow

    def note_alias(self, connection_id: int, port: int | None) -> None:
        """Somebody takes requests, too, on the connection that he has opened; `port` is the one in
        his Via. It counts where the trust store vouches for his certificate (RFC 5923 s7.2)."""
        stream = self._by_id.get(connection_id)
        if self._tls is None or not isinstance(stream, Connection) or not stream.certificate:
            return
        if not stream.is_outbound:
            place = stream.flow.remote[0], port or _TLS_PORT
            if self._alias_of.get(connection_id) != place:
                self._forget_alias(stream)
                self._alias_of[connection_id] = place
            self._aliases[place] = stream, self._tls.shown_name(stream.asked_name)

    def _forget_alias(self, stream: Stream) -> None:
        place = self._alias_of.pop(stream.connection_id, None)
        if place is None:
            return
        held, _ = self._aliases.get(place, (None, ""))
        if held is stream:  # and no later connection has taken its place
            del self._aliases[place]

    def _alias(self, hop: Hop) -> Stream | None:
        if self._tls is None or hop.transport != "tls":
            return None
        stream, shown = self._aliases.get((hop.address, hop.port), (None, ""))
        if stream is None or shown != self._tls.shown_name(hop.shown_as):
            return None
        return stream if identifies(stream.certificate, hop.tls_name or "") else None

    async def open(self, hop: Hop) -> Flow:
        """Connect to the hop; who asks for the same one meanwhile waits for the same connection.

        Raises FlowFailed.
        """
        key = self._key(hop)
        opening = self._opening.get(key)
        if opening is None:
            opening = self._loop.create_task(self._connect(hop))
            self._opening[key] = opening
            opening.add_done_callback(lambda done: self._opened(key, done))
        return await asyncio.shield(opening)

    def _opened(self, key: _Key, done: asyncio.Task[Flow]) -> None:
        del self._opening[key]
        if not done.cancelled():
            done.exception()  # whoever still waits has it; nobody may

    async def _connect(self, hop: Hop) -> Flow:
        context: ssl.SSLContext | None = None
        if hop.transport == "tls":
            if self._tls is None:
                raise FlowFailed("TLS is off")
            context = self._tls.outbound(hop.shown_as, is_verified=hop.is_verified)
        elif hop.transport != "tcp":
            raise FlowFailed(f"{hop.transport} cannot be opened from here")
        connection = self.make(hop.transport, is_outbound=True)
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._loop.create_connection(
                    lambda: connection,
                    hop.address,
                    hop.port,
                    ssl=context,
                    server_hostname=(hop.tls_name or hop.address) if context else None,
                )
        except TimeoutError as error:
            raise FlowFailed(f"{hop.address}:{hop.port} did not accept in time") from error
        except (OSError, ssl.SSLError, OverflowError, UnicodeError) as error:
            raise FlowFailed(f"{hop.transport} {hop.address}:{hop.port}: {error}") from error
        if connection.connection_id not in self._by_id:
            raise FlowFailed(f"{hop.address}:{hop.port} closed the connection at once")
        if hop.is_verified and not identifies(connection.certificate, hop.tls_name or ""):
            connection.abort()
            raise FlowFailed(f"the certificate of {hop.address} is not one for {hop.tls_name}")
        self._outbound[self._key(hop)] = connection
        return connection.flow

    def _key(self, hop: Hop) -> _Key:
        """What makes two hops one connection: also what the far side has shown and has seen."""
        place = (hop.transport, (hop.address, hop.port))
        if self._tls is None or hop.transport != "tls":
            return *place, None, False, ""
        return *place, hop.tls_name, hop.is_verified, self._tls.shown_name(hop.shown_as)

    # -- what streams tell (Owner)

    def opened(self, stream: Stream) -> bool:
        source = stream.flow.remote[0]
        if not stream.is_outbound and not self._may_come(source):
            self.refused += 1
            return False
        self._by_id[stream.connection_id] = stream
        self._by_source[source] += 1
        return True

    def _may_come(self, source: str) -> bool:
        settings = self._settings
        if len(self._by_id) >= settings.max_connections:
            if self.refused % 1000 == 0:
                log.warning("connections limit=%d reached", settings.max_connections)
            return False
        if self._by_source[source] < settings.max_connections_per_source:
            return True
        address = ip_address(source)
        return any(address in network for network in settings.trusted_sources)

    def message_came(self, data: bytes, stream: Stream) -> None:
        self._on_message(data, stream.flow)

    def not_framed(self, data: bytes, error: ParseError, stream: Stream) -> None:
        self._on_unframed(data, stream.flow, error)

    def closed(self, stream: Stream) -> None:
        if self._by_id.get(stream.connection_id) is not stream:
            return
        del self._by_id[stream.connection_id]
        source = stream.flow.remote[0]
        self._by_source[source] -= 1
        if not self._by_source[source]:
            del self._by_source[source]
        if stream.is_outbound:
            for key in [key for key, held in self._outbound.items() if held is stream]:
                del self._outbound[key]
        else:
            self._forget_alias(stream)
        self._on_closed(stream.flow)

    # -- ending

    def end_idle(self, *, now: float) -> None:
        """Close what has been silent for too long."""
        idle_seconds = self._settings.idle_seconds
        for stream in list(self._by_id.values()):
            if stream.has_expired(idle_seconds=idle_seconds, now=now):
                stream.abort()

    def close(self) -> None:
        """Close all, and open nothing more."""
        for opening in list(self._opening.values()):
            opening.cancel()
        for stream in list(self._by_id.values()):
            stream.close()
