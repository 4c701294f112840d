"""Builds a node and serves until told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import signal
import sys
import time
from collections.abc import Iterable
from functools import partial
from os import urandom
from typing import Final

import psycopg
import uvloop
from psycopg.conninfo import conninfo_to_dict

from proxy.core.transaction_layer import CoreSettings, TransactionLayer
from proxy.locate.resolver import Locator
from proxy.location.flows import FlowBindings
from proxy.location.model import Binding
from proxy.node import Node
from proxy.observe import log_lines
from proxy.observe.blocks import Blocks, Network
from proxy.observe.calls import Calls
from proxy.observe.gateway_health import GatewayHealthWriter
from proxy.observe.hang_ups import HangUps
from proxy.observe.heartbeat import Facts, Heartbeat, Peer
from proxy.observe.hep_export import HepExport
from proxy.observe.journal import Journal
from proxy.observe.platform_use import PlatformUse, Told, UsersTold
from proxy.observe.protocols import Observed
from proxy.observe.records import Records
from proxy.observe.refusals import Refusals
from proxy.observe.spool import Spool
from proxy.observe.sweep import MediaSweep
from proxy.observe.trace import Owner, Trace
from proxy.relay.interfaces import Interfaces
from proxy.relay.pool import RelayPool
from proxy.routing import registrar
from proxy.routing.abandoned import Abandoned
from proxy.routing.call_rates import CallRates
from proxy.routing.carrier_accounts import CarrierAccounts
from proxy.routing.carrier_registrations import CarrierRegistrations
from proxy.routing.contact_checks import TICK_SECONDS, ContactChecks
from proxy.routing.gateway_checks import GatewayChecks
from proxy.routing.hang_up import hang_up
from proxy.routing.media import Sessions
from proxy.routing.route import route_request
from proxy.routing.screen import Floods
from proxy.settings import ProxySettings, SettingsError
from proxy.sip.digest import NonceCounts
from proxy.sip.message import Request, Response
from proxy.sip.timers import TimerSettings
from proxy.state import State
from proxy.transport.flow import Flow
from proxy.transport.flow_token import Tokens
from proxy.transport.layer import TransportLayer
from proxy.transport.listening import ListenFailed
from proxy.transport.tls import CertificateError, TlsContexts

log = logging.getLogger(__name__)

VERSION: Final = "0.1.0"


class Server:
    """One running proxy."""

    __slots__ = (
        "_abandoned",
        "_blocks",
        "_checking",
        "_core",
        "_gateway_checks",
        "_gateway_health",
        "_hang_ups",
        "_heartbeat",
        "_locator",
        "_node",
        "_records",
        "_refusals",
        "_registrations",
        "_relays",
        "_settings",
        "_state",
        "_sweep",
        "_trace",
        "_transport",
    )

    def __init__(self, settings: ProxySettings) -> None:
        self._settings = settings
        try:
            conninfo_to_dict(settings.database_url)
        except psycopg.ProgrammingError as error:
            raise SettingsError(f"DATABASE_URL cannot be read: {str(error).strip()}.") from error
        key = settings.key
        tokens = Tokens(key, urandom(4))
        tls = _tls_contexts(settings) if settings.tls else None
        self._state = State(settings.database_url, on_binding_removed=self._binding_removed)
        self._transport = TransportLayer(
            settings,
            on_message=self._message,
            on_flow_closed=self._flow_closed,
            on_undelivered=self._undelivered,
            tls=tls,
        )
        self._refusals = Refusals(settings.database_url, wall=time.time)
        most_bytes = settings.spool_megabytes * 1_000_000
        spool = Spool(settings.spool_path, most_bytes=most_bytes)
        journal = Journal(settings.journal_path, most_bytes=most_bytes)
        self._checking: asyncio.Task[None] | None = None
        floods = Floods(settings)
        self._blocks = Blocks(
            settings.database_url, _Screen(floods), node_id=settings.node_id, wall=time.time
        )
        self._records = Records(
            settings.database_url,
            spool,
            journal,
            node_id=settings.node_id,
            shows_live=settings.live_calls,
        )
        calls = Calls(self._records, wall=time.time)
        self._trace = _trace(settings)
        if settings.trace or settings.hep:
            self._transport.tap = self._trace
        if settings.trace:
            calls.on_tenant = self._follow
        peers: dict[bytes, Peer] = {}
        self._locator = Locator(settings, are_ours=partial(_is_peer, peers))
        self._relays = RelayPool(settings.relays, timeout=settings.ng_timeout_seconds)
        tenant_rates = CallRates(seconds=1.0)
        self._node = Node(
            settings=settings,
            directory=self._state.directory,
            bindings=self._state.bindings,
            transport=self._transport,
            locator=self._locator,
            tokens=tokens,
            relays=self._relays,
            floods=floods,
            sessions=Sessions(),
            calls=calls,
            secret=key,
            wall=time.time,
            nonce_counts=NonceCounts(),
            opened={},
            peers=peers,
            flows=FlowBindings(),
            digest_algorithms=tuple(name.encode() for name in settings.digest),
            scanner_prefixes=tuple(text.lower().encode() for text in settings.scanners),
            call_rates=CallRates(),
            tenant_rates=tenant_rates,
            platform_use=PlatformUse(tenant_rates),
            accounts=CarrierAccounts(key),
            dead_gateways=set(),
            denied_peers=frozenset(name.encode() for name in settings.federation_deny),
            refusals=self._refusals,
            blocks=self._blocks,
            interfaces=Interfaces(settings.relay_interfaces),
            checks=ContactChecks(settings.contact_check_seconds),
            random=random.random,
        )
        self._core = TransactionLayer(
            self._transport,
            self._locator,
            tokens,
            asyncio.get_running_loop(),
            partial(route_request, node=self._node),
            CoreSettings(
                node_id=settings.node_id.encode(),
                secret=key,
                timers=TimerSettings(settings.t1, settings.t2, settings.t4),
                timer_c=settings.timer_c_seconds,
                ring_seconds=settings.fork_seconds,
            ),
            calls,
        )
        self._abandoned = Abandoned(self._node, self._core.own_requests, asyncio.get_running_loop())
        self._sweep = MediaSweep(calls, self._relays)
        self._gateway_checks = GatewayChecks()
        self._registrations = CarrierRegistrations()
        self._gateway_health = GatewayHealthWriter(
            settings.database_url,
            node_id=settings.node_id,
            findings=lambda: list(self._gateway_checks.states.values()),
            registrations=lambda: list(self._registrations.states.values()),
        )
        self._hang_ups = HangUps(
            settings.database_url,
            node_id=settings.node_id,
            hang_up=lambda public_id: hang_up(public_id, self._node, self._core.own_requests),
        )
        self._heartbeat = Heartbeat(
            settings.database_url,
            node_id=settings.node_id,
            version=VERSION,
            facts=self._facts,
            peers=self._node.peers,
            on_use=self._learn,
        )

    async def start(self) -> None:
        """Load the state, then listen; raises ListenFailed."""
        await self._state.start()
        self._relays.start()
        await self._transport.start()
        if not self._transport.listeners:
            raise SettingsError(
                "No address to listen on: see FEDSIP_SIP_ADDRESSES, FEDSIP_SIP_IPV4 and _IPV6."
            )
        self._locator.listens_at(
            (one.local[0], one.host.decode(), one.local[1]) for one in self._transport.listeners
        )
        registrar.resume_keep_alives(self._node)
        self._node.calls.adopt(await self._records.open_calls())
        await self._trace.start()
        self._records.start()
        self._refusals.start()
        self._blocks.start()
        self._checking = asyncio.get_running_loop().create_task(self._check_contacts())
        self._hang_ups.start()
        self._gateway_health.start()
        self._sweep.start()
        self._heartbeat.start(
            self.address,
            [
                (one.protocol, one.local[0], one.host.decode(), one.local[1])
                for one in self._transport.listeners
            ],
        )

    async def close(self) -> None:
        self._transport.close()
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.wait([self._checking])
        await self._core.close()
        await self._locator.close()
        await self._node.sessions.settled()
        await self._heartbeat.close()
        await self._hang_ups.close()
        await self._gateway_health.close()
        await self._sweep.close()
        self._node.calls.close()
        await self._records.close()
        await self._trace.close()
        await self._refusals.close()
        await self._blocks.close()
        await self._relays.close()
        await self._state.close()

    @property
    def address(self) -> str:
        """Where other nodes reach this one: the first listener that is not loopback's."""
        outside = [one for one in self._transport.listeners if not _is_loopback(one.local[0])]
        best = (outside or self._transport.listeners)[0]
        return f"{best.host.decode()}:{best.local[1]}"

    @property
    def listening(self) -> str:
        """All listeners in one line."""
        return " ".join(
            f"{one.protocol}:{one.host.decode()}:{one.local[1]}"
            for one in self._transport.listeners
        )

    def _message(self, message: Request | Response, flow: Flow, now: float) -> None:
        self._core.received(message, flow, now)

    def _undelivered(self, via_branch: bytes) -> None:
        self._core.undelivered(via_branch)

    async def _check_contacts(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._node.checks.tick(self._node, self._core.own_requests)
            self._gateway_checks.tick(self._node, self._core.own_requests)
            self._registrations.tick(self._node, self._core.own_requests)

    def _follow(self, call: Observed) -> None:
        domain, callee = call.domain or call.callee_domain, call.callee_domain
        if domain is not None and domain.trace:
            is_ours = callee is None or callee.tenant_id == domain.tenant_id
            only_with = None if is_ours else call.flow.remote
            owner = Owner(domain.tenant_id, domain.domain_id, only_with)
            self._trace.follow(call.original.call_id, owner)

    def _flow_closed(self, flow: Flow) -> None:
        self._core.flow_closed(flow)
        self._abandoned.flow_closed(flow)
        for binding in self._state.bindings.drop(self._node.flows.take(flow)):
            log.info(
                "registration dropped, its connection is closed aor=%s contact=%s",
                binding.aor.decode("utf-8", "replace"),
                binding.contact.decode("utf-8", "replace"),
            )

    def _binding_removed(self, binding: Binding) -> None:
        registrar.let_flow_go(binding, self._node)

    def _facts(self) -> Facts:
        node = self._node
        use, calls, now = node.platform_use, node.calls, _now()
        return Facts(
            flows=self._transport.flow_count,
            bindings=len(self._state.bindings),
            calls=len(calls),
            lost_calls=self._records.lost,
            relays=self._relays.states(),
            tenants=use.told(calls.by_tenant(), now=now),
            users=use.users_told(calls.of_user, is_alone=not node.peers, now=now),
        )

    def _learn(self, tenants: dict[str, Told], users: dict[str, UsersTold]) -> None:
        self._node.platform_use.learns(tenants, now=_now())
        self._node.platform_use.learns_of_users(users)


def _is_peer(peers: dict[bytes, Peer], host: bytes, port: int | None) -> bool:
    """Whether another node listens there."""
    place = (host, port)
    return any(place in ((peer.host, peer.port), peer.by_tls) for peer in peers.values())


def _now() -> float:
    return asyncio.get_running_loop().time()


def _tls_contexts(settings: ProxySettings) -> TlsContexts:
    return TlsContexts(
        *settings.certificate_paths,
        settings.state_dir / "tls" / "domains",
        trust=settings.trust_path,
        ask=settings.tls_ask,
    )


class _Screen:
    """The list of those that are ignored, in the loop's time."""

    def __init__(self, floods: Floods) -> None:
        self._floods = floods
        self.lift = floods.lift

    def block(self, host: str, *, seconds: float, is_manual: bool) -> None:
        until = _now() + seconds
        self._floods.block(host, until=until, is_manual=is_manual)

    def allow(self, networks: Iterable[Network]) -> None:
        self._floods.allow(networks)


def _trace(settings: ProxySettings) -> Trace:
    return Trace(
        settings.database_url,
        node_id=settings.node_id,
        per_second=settings.trace_per_second,
        most_bytes=settings.trace_bytes,
        export=HepExport(settings.hep) if settings.hep else None,
        export_key=settings.hep_key,
        wall=time.time,
    )


def _is_loopback(address: str) -> bool:
    return address == "::1" or address.startswith("127.")


def run(settings: ProxySettings) -> int:
    """Serve until told to stop; the exit code: 2 when a setting or a port is in the way."""
    try:
        uvloop.run(serve(settings))
    except (SettingsError, ListenFailed, CertificateError) as error:
        log_lines.flush()  # whoever started us takes the last line for the reason
        sys.stderr.write(f"fedsip proxy: {error}\n")
        return 2
    return 0


async def serve(settings: ProxySettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = Server(settings)
    starting = asyncio.create_task(server.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
    try:
        if starting.done():
            starting.result()
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 50, 50)
            # Not a log line: whoever started us waits for it, whatever the log level.
            ready = f"ready proxy node={settings.node_id} {server.listening}"
            print(ready, file=sys.stderr, flush=True)
            await stopping
    finally:
        starting.cancel()
        stopping.cancel()
        await server.close()
    log.info("stopped")
