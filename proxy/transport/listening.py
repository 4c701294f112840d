"""Opens the listeners that the settings name: each address and protocol, and the gateway."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import gateway
from .addresses import AddressError, is_chosen_by_us, local_addresses
from .connections import Connections
from .flow import Address
from .own_names import OwnNames
from .tls import TlsContexts
from .udp import OnDatagram, OnReturned, UdpListener

if TYPE_CHECKING:
    from proxy.settings import ProxySettings

log = logging.getLogger(__name__)

_BACKLOG: Final = 1024
_HANDSHAKE_SECONDS: Final = 10.0
"""Longest TLS handshake of somebody who connects to us."""


class ListenFailed(Exception):
    """A listener cannot be opened; the message names address, port, protocol and cause."""


class Listening:
    """All open listeners. `udp` are those of UDP by their address; streams go to `connections`."""

    __slots__ = ("_connections", "_gateway", "_loop", "_names", "_servers", "_settings", "udp")

    def __init__(
        self,
        settings: ProxySettings,
        names: OwnNames,
        connections: Connections,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.udp: dict[Address, UdpListener] = {}
        self._settings = settings
        self._names = names
        self._connections = connections
        self._loop = loop
        self._servers: list[asyncio.Server] = []
        self._gateway: Path | None = None

    async def open(
        self, tls: TlsContexts | None, on_datagram: OnDatagram, on_returned: OnReturned
    ) -> None:
        """Open every listener; raises ListenFailed, then close what is open."""
        try:
            addresses = local_addresses(self._settings)
        except AddressError as error:
            raise ListenFailed(str(error)) from error
        for address in addresses:
            await self._open_at(address, tls, on_datagram, on_returned)
        if not self._names.listeners:
            raise ListenFailed("There is no address to listen on; see FEDSIP_SIP_ADDRESSES.")
        await self._open_gateway()

    async def _open_at(
        self,
        address: str,
        tls: TlsContexts | None,
        on_datagram: OnDatagram,
        on_returned: OnReturned,
    ) -> None:
        settings = self._settings
        for protocol, is_on, port in (
            ("udp", settings.udp, settings.port),
            ("tcp", settings.tcp, settings.port),
            ("tls", settings.tls and tls is not None, settings.tls_port),
        ):
            if not is_on:
                continue
            local = (address, port)
            try:
                if protocol == "udp":
                    self.udp[local] = UdpListener(local, on_datagram, on_returned, self._loop)
                else:
                    await self._open_server(protocol, local, tls if protocol == "tls" else None)
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else str(error)
                if error.errno == errno.EADDRNOTAVAIL and is_chosen_by_us(settings, address):
                    log.warning("not listening address=%s reason=%s", address, reason)
                    return  # it went, or is not confirmed yet (RFC 4862 s5.4)
                raise ListenFailed(
                    f"Cannot listen on {address} port {port} for {protocol.upper()}: {reason}."
                ) from error
            self._names.add(protocol, local)

    async def _open_server(self, protocol: str, local: Address, tls: TlsContexts | None) -> None:
        server = await self._loop.create_server(
            partial(self._connections.make, protocol),
            local[0],
            local[1],
            family=socket.AF_INET6 if ":" in local[0] else socket.AF_INET,
            backlog=_BACKLOG,
            ssl=None if tls is None else tls.server,
            ssl_handshake_timeout=None if tls is None else _HANDSHAKE_SECONDS,
        )
        self._servers.append(server)

    async def _open_gateway(self) -> None:
        """The web process's socket; a default one that cannot be had is only missed there."""
        path = self._settings.gateway_path
        try:
            server = await gateway.listen(path, self._connections.make_link, self._loop)
        except OSError as error:
            reason = error.strerror or str(error)
            if self._settings.gateway:
                raise ListenFailed(f"Cannot listen on {path}: {reason}.") from error
            log.warning("no gateway for browsers path=%s reason=%s", path, reason)
            return
        self._gateway = path
        self._servers.append(server)

    def watch_again(self) -> None:
        """See UdpListener."""
        for listener in self.udp.values():
            listener.watch_again()

    def close(self) -> None:
        """Close every listener."""
        for server in self._servers:
            server.close()
        if self._gateway is not None:
            self._gateway.unlink(missing_ok=True)
        for listener in self.udp.values():
            listener.close()
        self.udp.clear()
