"""The transport layer: listeners, flows and connections (RFC 3261 s18).

Bytes become messages here and messages leave as bytes; nothing here knows transactions or policy.
Keep-alives (CRLF, STUN) are answered here and never reach the parser.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import psutil

from proxy.locate.hop import Hop
from proxy.sip.codec import check, parse, serialise
from proxy.sip.errors import ParseError
from proxy.sip.fields import Via
from proxy.sip.message import Request, Response

from .flow import Address, Flow, FlowFailed
from .keep_alive import KeepAlive
from .refusal import refusal_for
from .stream import Connection
from .stun_keepalive import binding_response, is_stun
from .tls import TlsContexts
from .udp import UdpListener

if TYPE_CHECKING:
    from proxy.settings import ProxySettings

log = logging.getLogger(__name__)

OnMessage = Callable[[Request | Response, Flow, float], None]
OnFlowClosed = Callable[[Flow], None]

_CONNECT_SECONDS: Final = 5.0
_DEFAULT_PORT: Final = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}


class ListenFailed(Exception):
    """A listener cannot be opened; the message names address, port, protocol and cause."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One address that we serve, and the name under which others reach it."""

    protocol: str
    local: Address
    host: bytes
    """What stands in Via and Record-Route; IPv6 in brackets."""


class TransportLayer:
    """All sockets of the proxy. `on_message(message, flow, now)` is called for each whole message,
    `on_flow_closed(flow)` for each connection that ends."""

    def __init__(
        self,
        settings: ProxySettings,
        *,
        on_message: OnMessage,
        on_flow_closed: OnFlowClosed,
        tls: TlsContexts | None,
    ) -> None:
        self.listeners: list[Listener] = []
        self.malformed = 0
        self._settings = settings
        self._on_message = on_message
        self._on_flow_closed = on_flow_closed
        self._tls = tls
        self._loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._udp: dict[Address, UdpListener] = {}
        self._servers: list[asyncio.Server] = []
        self._connections: dict[int, Connection] = {}
        self._outbound: dict[tuple[str, Address, str | None], Connection] = {}
        self._last_id = 0
        self._advertised: dict[tuple[str, Address], tuple[bytes, int]] = {}
        self._own: set[tuple[bytes, int]] = set()
        self._source_for: dict[str, Address | None] = {}
        self._told: dict[str, float] = {}
        self._keep_alive = KeepAlive(settings.nat_ping_seconds, self._ping, self._loop)

    # -- listening

    async def start(self) -> None:
        """Open every listener; raises ListenFailed, with nothing left open."""
        try:
            for address in local_addresses(self._settings):
                await self._listen(address)
        except OSError as error:
            self.close()
            raise ListenFailed(str(error)) from error
        except ListenFailed:
            self.close()
            raise
        self._keep_alive.start()

    async def _listen(self, address: str) -> None:
        settings = self._settings
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        wanted = (
            ("udp", settings.udp, settings.port),
            ("tcp", settings.tcp, settings.port),
            ("tls", settings.tls and self._tls is not None, settings.tls_port),
        )
        for protocol, is_on, port in wanted:
            if not is_on:
                continue
            local = (address, port)
            try:
                if protocol == "udp":
                    self._udp[local] = UdpListener(local, self._datagram, self._loop)
                else:
                    server = await self._loop.create_server(
                        lambda protocol=protocol: self._connection(protocol, is_outbound=False),
                        address,
                        port,
                        family=family,
                        backlog=1024,
                        ssl=self._tls.server if protocol == "tls" and self._tls else None,
                    )
                    self._servers.append(server)
            except OSError as error:
                reason = error.strerror or str(error)
                raise ListenFailed(
                    f"Cannot listen on {address} port {port} for {protocol.upper()}: {reason}."
                ) from error
            self._add_listener(protocol, local)

    def _add_listener(self, protocol: str, local: Address) -> None:
        is_ipv6 = ":" in local[0]
        given = self._settings.advertised_ipv6 if is_ipv6 else self._settings.advertised_ipv4
        own = f"[{local[0]}]".encode() if is_ipv6 else local[0].encode()
        host = given.encode() if given else own
        if given and is_ipv6 and ":" in given and not given.startswith("["):
            host = b"[" + host + b"]"
        self.listeners.append(Listener(protocol, local, host))
        self._advertised[protocol, local] = (host, local[1])
        self._own |= {(host.lower(), local[1]), (own, local[1])}

    def close(self) -> None:
        """Stop listening and close all connections."""
        self._keep_alive.stop()
        for server in self._servers:
            server.close()
        for listener in self._udp.values():
            listener.close()
        for connection in list(self._connections.values()):
            connection.close()

    # -- receiving

    def _datagram(self, data: bytes, flow: Flow) -> None:
        if data[0:1] < b"\x04":
            if is_stun(data) and (answer := binding_response(data, flow.remote)):
                self._udp[flow.local].send(answer, flow.remote)
            return
        if not data.strip(b"\r\n\0"):
            return  # a keep-alive; over UDP nobody waits for an answer (RFC 5626 s3.5.1)
        self._parse(data, flow)

    def connection_received(self, data: bytes, connection: Connection) -> None:
        connection.heard_at = self._loop.time()
        self._parse(data, connection.flow)

    def _parse(self, data: bytes, flow: Flow) -> None:
        try:
            message = parse(data, max_headers=self._settings.max_headers)
            check(message)
            if isinstance(message, Request):
                received(message, flow)
        except ParseError as error:
            self._malformed(data, flow, error)
            return
        self._on_message(message, flow, self._loop.time())

    def _malformed(self, data: bytes, flow: Flow, error: ParseError) -> None:
        self.malformed += 1
        now = self._loop.time()
        if now - self._told.get(flow.remote[0], -60.0) >= 60.0:
            if len(self._told) > 10_000:
                self._told.clear()
            self._told[flow.remote[0]] = now
            log.info("malformed source=%s reason=%s", flow.remote[0], error.message)
        if error.status_hint is None:
            return
        response = refusal_for(data, error, flow)
        if response is not None:
            try:
                destination = self.reply_flow(response.via, flow)
                if isinstance(destination, Flow):
                    self.send(serialise(response), destination)
            except (FlowFailed, ParseError) as failure:
                log.debug("refusal not sent source=%s reason=%s", flow.remote[0], failure)

    # -- sending

    def send(self, data: bytes, flow: Flow) -> None:
        """Send on a flow; raises FlowFailed when it is gone."""
        if flow.connection_id:
            connection = self._connections.get(flow.connection_id)
            if connection is None:
                raise FlowFailed(f"{flow.protocol} connection {flow.connection_id} is gone")
            connection.write(data)
            return
        listener = self._udp.get(flow.local)
        if listener is None:
            raise FlowFailed(f"no UDP listener at {flow.local[0]}:{flow.local[1]}")
        listener.send(data, flow.remote)

    def flow_for_hop(self, hop: Hop) -> Flow | None:
        """A flow that needs no waiting: UDP, or a connection of ours that is open already."""
        if hop.transport == "udp":
            return self._udp_flow(hop)
        connection = self._outbound.get((hop.transport, (hop.address, hop.port), hop.tls_name))
        return None if connection is None else connection.flow

    def _udp_flow(self, hop: Hop) -> Flow:
        if hop.address not in self._source_for:
            if len(self._source_for) > 50_000:
                self._source_for.clear()
            self._source_for[hop.address] = self._choose_source(hop.address)
        local = self._source_for[hop.address]
        if local is None:
            raise FlowFailed(f"no UDP listener that reaches {hop.address}")
        return self._udp[local].flow((hop.address, hop.port))

    def _choose_source(self, address: str) -> Address | None:
        """The UDP listener whose address the kernel would use; else the first of the family."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        mine = [local for local in self._udp if (":" in local[0]) == (":" in address)]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((address, 9))
                source = probe.getsockname()[0]
            except OSError:
                source = ""
        for local in mine:
            if local[0] == source:
                return local
        return mine[0] if mine else None

    async def open(self, hop: Hop, *, now: float) -> Flow:
        """A flow to the hop, connecting if needed (RFC 5923 reuse); raises FlowFailed."""
        found = self.flow_for_hop(hop)
        if found is not None:
            return found
        if hop.transport not in ("tcp", "tls"):
            raise FlowFailed(f"{hop.transport} cannot be opened from here")
        context: ssl.SSLContext | None = None
        if hop.transport == "tls":
            if self._tls is None:
                raise FlowFailed("TLS is off")
            context = self._tls.client
        connection = self._connection(hop.transport, is_outbound=True)
        name = hop.tls_name if hop.tls_name else hop.address
        try:
            await asyncio.wait_for(
                self._loop.create_connection(
                    lambda: connection,
                    hop.address,
                    hop.port,
                    ssl=context,
                    server_hostname=name if context is not None else None,
                ),
                _CONNECT_SECONDS,
            )
        except TimeoutError as error:
            raise FlowFailed(f"{hop.address}:{hop.port} did not accept in time") from error
        except (OSError, ssl.SSLError) as error:
            raise FlowFailed(f"{hop.transport} {hop.address}:{hop.port}: {error}") from error
        key = (hop.transport, (hop.address, hop.port), hop.tls_name)
        if connection.connection_id in self._connections:
            self._outbound[key] = connection
        return connection.flow

    def reply_flow(self, via: Via, arrived: Flow) -> Flow | Hop:
        """Where responses go (s18.2.2): the same connection, else by received, rport or sent-by."""
        if arrived.connection_id and arrived.connection_id in self._connections:
            return arrived
        host = via.param(b"maddr") or via.param(b"received") or via.host
        address = host.strip(b"[]").decode("ascii", "replace")
        if arrived.protocol != "udp":
            port = via.port or _DEFAULT_PORT[arrived.protocol]
            return Hop(arrived.protocol, address, port)
        rport = via.param(b"rport")
        port = int(rport) if rport and rport.isdigit() else via.port or 5060
        if arrived.remote == (address, port):
            return arrived
        if not _is_literal(address):
            return Hop("udp", arrived.remote[0], port)
        if via.param(b"maddr"):
            return Hop("udp", address, port)
        listener = self._udp.get(arrived.local)
        return listener.flow((address, port)) if listener else Hop("udp", address, port)

    # -- who we are

    def advertised(self, flow: Flow) -> tuple[bytes, int]:
        """Host and port of the flow's listener, as others reach it.

        A connection that we opened has a local port of its own: its listener is the one of the
        same protocol at the same address.
        """
        found = self._advertised.get((flow.protocol, flow.local))
        if found is None:
            found = self._advertise_like(flow)
            if len(self._advertised) < 100_000:
                self._advertised[flow.protocol, flow.local] = found
        return found

    def _advertise_like(self, flow: Flow) -> tuple[bytes, int]:
        is_ipv6 = ":" in flow.local[0]
        same = [one for one in self.listeners if (":" in one.local[0]) == is_ipv6]
        for wanted in (
            lambda one: one.protocol == flow.protocol and one.local[0] == flow.local[0],
            lambda one: one.protocol == flow.protocol,
            lambda one: True,
        ):
            for listener in same:
                if wanted(listener):
                    return listener.host, listener.local[1]
        host = f"[{flow.local[0]}]" if is_ipv6 else flow.local[0]
        return host.encode(), flow.local[1]

    def is_own(self, host: bytes, port: int | None) -> bool:
        """Whether one of our listeners is reached under that host and port."""
        host = host.lower()
        if port is not None:
            return (host, port) in self._own
        return (host, 5060) in self._own or (host, 5061) in self._own

    def live_flow(self, flow: Flow) -> Flow | None:
        """The flow as it stands: a connection found by its number alone (from a token), a UDP flow
        while its listener is there; None when it is dead."""
        if flow.connection_id:
            connection = self._connections.get(flow.connection_id)
            return None if connection is None else connection.flow
        listener = self._udp.get(flow.local)
        return None if listener is None else listener.flow(flow.remote)

    @property
    def flow_count(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    # -- connections

    def _connection(self, protocol: str, *, is_outbound: bool) -> Connection:
        self._last_id = self._last_id % 0xFFFF_FFFE + 1
        return Connection(
            self,
            protocol,
            self._last_id,
            max_message=self._settings.max_message,
            is_outbound=is_outbound,
            now=self._loop.time(),
        )

    def connection_opened(self, connection: Connection) -> bool:
        if len(self._connections) >= self._settings.max_connections:
            log.warning("connections limit=%d reached", self._settings.max_connections)
            return False
        self._connections[connection.connection_id] = connection
        self._loop.call_later(self._settings.idle_seconds, self._check_idle, connection)
        return True

    def connection_refused(self, error: ParseError, connection: Connection) -> None:
        self.malformed += 1
        log.info("malformed source=%s reason=%s", connection.flow.remote[0], error.message)

    def connection_closed(self, connection: Connection) -> None:
        if self._connections.pop(connection.connection_id, None) is None:
            return
        if connection.is_outbound:
            for key, held in list(self._outbound.items()):
                if held is connection:
                    del self._outbound[key]
        self._keep_alive.set(connection.flow, on=False)
        self._on_flow_closed(connection.flow)

    def _check_idle(self, connection: Connection) -> None:
        if connection.connection_id not in self._connections:
            return
        left = connection.heard_at + self._settings.idle_seconds - self._loop.time()
        if left <= 0:
            connection.close()
        else:
            self._loop.call_later(left, self._check_idle, connection)

    # -- keep-alive

    def keep_alive(self, flow: Flow, on: bool) -> None:
        """Ping the flow at the interval of the setting, or no longer."""
        self._keep_alive.set(flow, on=on)

    def _ping(self, flow: Flow) -> bool:
        """One ping; False when the flow is dead and must not be pinged again."""
        try:
            if flow.connection_id:
                connection = self._connections.get(flow.connection_id)
                return connection is not None and connection.ping()
            self.send(b"\0\0\0\0", flow)
        except FlowFailed:
            self._on_flow_closed(flow)
            return False
        return True


def received(request: Request, flow: Flow) -> None:
    """Note the source on the top Via (s18.2.1, RFC 3581 s4).

    `received` is added where sent-by names another address. A sender without `rport` whose sent-by
    is not where it is, is behind a NAT: it gets an `rport` as well, or no answer would reach it.
    """
    via = request.via
    host, port = flow.remote
    is_same = via.host == host.encode() or _same_address(via.host, host)
    rport = via.param(b"rport")
    if is_same and rport is None and via.param(b"received") is None:
        return
    if not is_same or rport is not None:
        via = via.with_param(b"received", host.encode())
    if rport is not None or (not is_same and flow.protocol == "udp"):
        via = via.with_param(b"rport", b"%d" % port)
    request.headers.replace_first_value(b"via", via.serialise())


def _same_address(host: bytes, address: str) -> bool:
    if b":" not in host:
        return False
    try:
        return ip_address(host.strip(b"[]").decode("ascii")) == ip_address(address)
    except ValueError:
        return False


def _is_literal(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def local_addresses(settings: ProxySettings) -> list[str]:
    """The addresses to listen on, by the settings; `auto` means all of this machine but IPv6
    link-local ones."""
    if settings.addresses != ("auto",):
        found = [text.strip("[]") for text in settings.addresses]
    else:
        up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
        found = [
            one.address
            for name, addresses in psutil.net_if_addrs().items()
            if name in up
            for one in addresses
            if one.family in (socket.AF_INET, socket.AF_INET6)
            and "%" not in one.address
            and not one.address.lower().startswith("fe80")
        ]
    return [
        address
        for address in dict.fromkeys(found)
        if (settings.ipv6 if ":" in address else settings.ipv4)
    ]
