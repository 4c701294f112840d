"""The transport layer: listeners, flows and connections (RFC 3261 s18).

Bytes become messages here and messages leave as bytes; nothing here knows transactions or policy.
Keep-alives (CRLF, STUN) are answered here and never reach the parser.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from proxy.locate.hop import Hop
from proxy.sip.codec import check, parse, serialise
from proxy.sip.errors import ParseError
from proxy.sip.fields import Via
from proxy.sip.message import Request, Response

from .connections import Connections
from .flow import Address, Flow, FlowFailed
from .keep_alive import KeepAlive
from .listening import ListenFailed, Listening
from .own_names import Listener, OwnNames
from .refusal import refusal_for
from .stun_keepalive import binding_response, is_stun
from .tls import CertificateError, TlsContexts
from .via_source import reply_address, stamp_source

if TYPE_CHECKING:
    from proxy.settings import ProxySettings

log = logging.getLogger(__name__)

OnMessage = Callable[[Request | Response, Flow, float], None]
OnFlowClosed = Callable[[Flow], None]
OnUndelivered = Callable[[bytes], None]


class Tap(Protocol):
    """Sees messages; must not raise and must not wait."""

    def received(self, data: bytes, flow: Flow) -> None:
        """A message came on a flow."""

    def sent(self, data: bytes, flow: Flow) -> None:
        """A message goes out on a flow."""


_HOUSEKEEPING_SECONDS: Final = 10.0
_TELL_SECONDS: Final = 60.0
_UDP_PING: Final = b"\0\0\0\0"
_FILES_BESIDE: Final = 512
"""Files that are open beside connections."""


class TransportLayer:
    """All sockets of the proxy. `on_message(message, flow, now)` is called for each whole message,
    `on_flow_closed(flow)` for each connection that ends, `on_undelivered(branch)` for a request of
    ours that the system says nobody was there for."""

    __slots__ = (
        "_connections",
        "_housekeeping",
        "_keep_alive",
        "_listening",
        "_loop",
        "_max_headers",
        "_names",
        "_on_flow_closed",
        "_on_message",
        "_on_undelivered",
        "_settings",
        "_source_for",
        "_tls",
        "_tls_error",
        "_told",
        "_udp",
        "malformed",
        "tap",
    )

    def __init__(
        self,
        settings: ProxySettings,
        *,
        on_message: OnMessage,
        on_flow_closed: OnFlowClosed,
        tls: TlsContexts | None,
        on_undelivered: OnUndelivered | None = None,
    ) -> None:
        self.malformed = 0
        self.tap: Tap | None = None
        """Sees every message as it comes and goes."""
        self._settings = settings
        self._max_headers = settings.max_headers
        self._on_message = on_message
        self._on_flow_closed = on_flow_closed
        self._on_undelivered = on_undelivered
        self._tls = tls
        self._tls_error = ""
        self._loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._names = OwnNames(
            advertised_ipv4=settings.advertised_ipv4, advertised_ipv6=settings.advertised_ipv6
        )
        self._connections = Connections(
            settings,
            tls,
            self._loop,
            on_message=self._parse,
            on_unframed=self._malformed,
            on_closed=self._closed,
        )
        self._listening = Listening(settings, self._names, self._connections, self._loop)
        self._udp = self._listening.udp
        self._source_for: dict[str, Address | None] = {}
        self._told: dict[str, float] = {}
        self._keep_alive = KeepAlive(settings.nat_ping_seconds, self._ping, self._judge, self._loop)
        self._housekeeping: asyncio.TimerHandle | None = None

    # -- beginning and end

    async def start(self) -> None:
        """Open every listener; raises ListenFailed, with nothing left open."""
        _raise_file_limit(self._settings.max_connections)
        try:
            await self._listening.open(self._tls, self._datagram, self._returned)
        except ListenFailed:
            self.close()
            raise
        self._keep_alive.start()
        self._arm_housekeeping()

    def close(self) -> None:
        """Stop listening and close all connections."""
        self._keep_alive.stop()
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        self._listening.close()
        self._connections.close()

    def _arm_housekeeping(self) -> None:
        self._housekeeping = self._loop.call_later(_HOUSEKEEPING_SECONDS, self._run_housekeeping)

    def _run_housekeeping(self) -> None:
        self._arm_housekeeping()
        self.keep_house(now=self._loop.time())

    def keep_house(self, *, now: float) -> None:
        """What is not worth a timer of its own: idle connections, changed certificates and routes.
        It runs each ten seconds."""
        self._connections.end_idle(now=now)
        self._told = {who: at for who, at in self._told.items() if now - at < _TELL_SECONDS}
        self._source_for.clear()  # routes change
        self._listening.watch_again()
        if self._tls is not None:
            self._reload(self._tls)

    def _reload(self, tls: TlsContexts) -> None:
        try:
            if tls.reload():
                log.info("certificates read again")
            self._tls_error = ""
        except CertificateError as error:
            if str(error) != self._tls_error:
                self._tls_error = str(error)
                log.warning("certificates not read again, the old ones stay: %s", error)

    # -- receiving

    def _datagram(self, data: bytes, flow: Flow) -> None:
        if data[:1] > b" ":
            self._parse(data, flow)
        elif data[:1] == b"\r" and (rest := data.lstrip(b"\r\n")):
            self._parse(rest, flow)  # s7.5
        elif is_stun(data) and (answer := binding_response(data, flow.remote)):
            self._udp[flow.local].send(answer, flow.remote)
        # all else is a keep-alive; over UDP nobody waits for an answer (RFC 5626 s3.5.1)

    def _parse(self, data: bytes, flow: Flow) -> None:
        if self.tap is not None:
            self.tap.received(data, flow)
        try:
            message = parse(data, max_headers=self._max_headers)
            if isinstance(message, Request):
                stamp_source(message, flow)  # before anything of it is parsed and remembered
            check(message)
            if flow.protocol == "tls" and isinstance(message, Request):
                self._note_alias(message.via, flow)
        except ParseError as error:
            self._malformed(data, flow, error)
            return
        try:
            self._on_message(message, flow, self._loop.time())
        except Exception:
            # The entry of all that strangers send: one message must not end a connection or
            # keep the datagrams behind it waiting.
            if self._may_tell(flow):
                log.exception("message failed source=%s", flow.remote[0])

    def _note_alias(self, via: Via, flow: Flow) -> None:
        if via.param(b"alias") is not None:
            self._connections.note_alias(flow.connection_id, via.port)

    def _malformed(self, data: bytes, flow: Flow, error: ParseError) -> None:
        self.malformed += 1
        if self._may_tell(flow):
            log.info("malformed source=%s reason=%s", flow.remote[0], error.message)
        try:
            response = refusal_for(data, error, flow)
            if response is None:
                return
            destination = self.reply_flow(response.via, flow)
            if isinstance(destination, Flow):
                self.send(serialise(response), destination)
        except (FlowFailed, ParseError) as failure:
            log.debug("refusal not sent source=%s reason=%s", flow.remote[0], failure)

    def _may_tell(self, flow: Flow) -> bool:
        """Whether to log about this source: once a minute."""
        now = self._loop.time()
        if now - self._told.get(flow.remote[0], -_TELL_SECONDS) < _TELL_SECONDS:
            return False
        if len(self._told) > 10_000:
            self._told.clear()
        self._told[flow.remote[0]] = now
        return True

    def _returned(self, data: bytes) -> None:
        """A datagram of ours that nobody was there for. ICMP is believed only where it quotes the
        branch in our Via, which cannot be guessed."""
        start = data.find(b";branch=") + 8
        end = data.find(b"\r\n", start)
        if self._on_undelivered is None or start < 8 or end < 0 or data[:4] == b"SIP/":
            return
        self._on_undelivered(data[start:end].partition(b";")[0])

    # -- sending

    def send(self, data: bytes, flow: Flow) -> None:
        """Send on a flow; raises FlowFailed when it is gone."""
        if self.tap is not None and data is not _UDP_PING:
            self.tap.sent(data, flow)
        if flow.connection_id:
            stream = self._connections.get(flow.connection_id)
            if stream is None:
                raise FlowFailed(f"{flow.protocol} connection {flow.connection_id} is gone")
            stream.write(data)
            return
        listener = self._udp.get(flow.local)
        if listener is None:
            raise FlowFailed(f"no UDP listener at {flow.local[0]}:{flow.local[1]}")
        listener.send(data, flow.remote)

    def flow_for_hop(self, hop: Hop) -> Flow | None:
        """A flow that needs no waiting: UDP, or a connection that is open already (RFC 5923).

        Raises FlowFailed when no listener can reach a UDP hop.
        """
        if hop.transport == "udp":
            return self._udp_flow(hop)
        return self._connections.open_flow(hop)

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
        return self.flow_for_hop(hop) or await self._connections.open(hop)

    def reply_flow(self, via: Via, arrived: Flow) -> Flow | Hop:
        """Where responses go (s18.2.2): the connection, else the source by rport or sent-by."""
        if arrived.connection_id:
            if self._connections.get(arrived.connection_id) is not None:
                return arrived
            return Hop(arrived.protocol, *reply_address(via, arrived))
        address = reply_address(via, arrived)
        if address == arrived.remote:
            return arrived
        listener = self._udp.get(arrived.local)
        return Hop("udp", *address) if listener is None else listener.flow(address)

    # -- who we are

    @property
    def listeners(self) -> list[Listener]:
        """Every address that we serve."""
        return self._names.listeners

    def advertised(self, flow: Flow) -> tuple[bytes, int]:
        """Host and port of the flow's listener, as others reach it."""
        return self._names.advertised(flow)

    def is_own(self, host: bytes, port: int | None) -> bool:
        """Whether one of our listeners is reached under that host and port."""
        return self._names.is_own(host, port)

    def live_flow(self, flow: Flow) -> Flow | None:
        """The flow as it stands: a connection found by its number alone (from a token), a UDP flow
        while its listener is there; None when it is dead."""
        if flow.connection_id:
            stream = self._connections.get(flow.connection_id)
            return None if stream is None else stream.flow
        listener = self._udp.get(flow.local)
        return None if listener is None else listener.flow(flow.remote)

    def is_verified(self, flow: Flow, domain: bytes) -> bool:
        """Whether whoever is behind a connection has proved to speak for a domain (RFC 5922)."""
        return self._connections.is_verified(flow.connection_id, domain.decode("ascii", "replace"))

    def proved(self, flow: Flow) -> list[bytes]:
        """The domains for which whoever is behind a connection has proved to speak (RFC 5922)."""
        return [name.encode() for name in self._connections.proved(flow.connection_id)]

    def serves_both_ways(self, flow: Flow) -> bool:
        """Whether we have opened a connection, and whom we reach by it has proved his name."""
        return self._connections.serves_both_ways(flow.connection_id)

    @property
    def flow_count(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    # -- ends and keep-alive

    def _closed(self, flow: Flow) -> None:
        self._keep_alive.set(flow, on=False)
        self._on_flow_closed(flow)

    def keep_alive(self, flow: Flow, on: bool) -> None:
        """Ping the flow at the interval of the setting, or no longer."""
        self._keep_alive.set(flow, on=on)

    def _ping(self, flow: Flow) -> bool:
        """One ping; False when the flow is gone and must not be pinged again. A UDP flow that
        cannot be reached just now may be reached again later."""
        try:
            if flow.connection_id:
                stream = self._connections.get(flow.connection_id)
                if stream is None:
                    return False
                stream.ping()
            elif flow.local in self._udp:
                self.send(_UDP_PING, flow)
            else:
                return False
        except FlowFailed as error:
            log.debug("ping not sent: %s", error)
        return True

    def _judge(self, flow: Flow) -> None:
        stream = self._connections.get(flow.connection_id)
        if stream is not None and stream.is_unanswered():
            log.info("flow dead protocol=%s remote=%s", flow.protocol, flow.remote[0])
            stream.abort()


def _raise_file_limit(connections: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _FILES_BESIDE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < connections:
        log.warning("files limit=%d, fewer than the connections of the setting", allowed)
