"""A whole node in memory: real routing over a real core, a directory of dicts, relays that note.

`World()` has the domains example.com (guarded) and open.example (unauthenticated) of tenant acme,
other.example of another tenant, and some users whose password is "secret".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from media.ng import Answer, Command, Delete, Document, Offer, Query
from proxy.core.request_context import RequestContext
from proxy.core.transaction_layer import CoreSettings, TransactionLayer
from proxy.directory.model import (
    Alias,
    Domain,
    Forward,
    Gateway,
    OutboundPolicy,
    RingGroup,
    Subscriber,
    Translation,
    Trunk,
)
from proxy.directory.store import Directory
from proxy.locate.hop import Hop
from proxy.location.flows import FlowBindings
from proxy.location.model import Binding
from proxy.location.store import Bindings
from proxy.node import Node
from proxy.observe.blocks import Blocks
from proxy.observe.call import Call
from proxy.observe.calls import Calls
from proxy.observe.platform_use import PlatformUse
from proxy.observe.refusals import Refusals
from proxy.relay.client import RelayError
from proxy.relay.interfaces import Interfaces
from proxy.routing.call_rates import CallRates
from proxy.routing.carrier_accounts import CarrierAccounts
from proxy.routing.contact_checks import ContactChecks
from proxy.routing.media import Sessions
from proxy.routing.route import route_request
from proxy.routing.screen import Floods
from proxy.settings import ProxySettings
from proxy.sip import digest
from proxy.sip.digest import NonceCounts
from proxy.sip.fields import parse_credentials
from proxy.sip.message import Request, Response
from proxy.sip.uri import SipUri, canonical_aor
from proxy.transport.flow import Flow
from proxy.transport.flow_token import Tokens
from tests.harness.builders import ack_of, new_branch, request, respond
from tests.harness.clock import Clock
from tests.harness.network import Network, Phone

EXAMPLE = Domain(1, 1, b"acme", b"example.com")
OPEN = Domain(2, 1, b"acme", b"open.example", unauthenticated=True)
OTHER = Domain(3, 2, b"umbrella", b"other.example", hide_users=False)
PASSWORD = b"secret"
SECRET = b"s" * 32
CLUSTER_KEY = b"k" * 32
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
SDP += b"m=audio 4000 RTP/AVP 0\r\n"


class Air(Network):
    """The network of the core's tests, with keep-alives noted."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.kept_alive: set[Flow] = set()
        self.numbers: dict[str, list[SipUri]] = {}  # what ENUM has for them

    async def enum(self, number: str, roots: Sequence[str]) -> list[SipUri]:
        assert roots
        return self.numbers.get(number, [])

    def keep_alive(self, flow: Flow, on: bool) -> None:
        if on:
            self.kept_alive.add(flow)
        else:
            self.kept_alive.discard(flow)


class FakeRelay:
    """What a relay is to routing: an id, whether it lives, and the commands it got."""

    def __init__(self, relay_id: bytes) -> None:
        self.relay_id = relay_id
        self.is_alive = True
        self.is_silent = False
        self.refuses = ""
        self.report: Document = {}
        self.unknown_tags: set[bytes] = set()
        """A query for both finds nothing of its Call-ID."""
        self.commands: list[Command] = []

    def taken(self, kind: type[Command]) -> list[Any]:
        """The commands of a kind so far."""
        return [command for command in self.commands if isinstance(command, kind)]


class FakeRelays:
    """Relays by their ids, in the order of trying."""

    def __init__(self, *ids: bytes) -> None:
        self.relays = [FakeRelay(relay_id) for relay_id in ids]

    def __getitem__(self, at: int) -> FakeRelay:
        return self.relays[at]

    def by_id(self, relay_id: bytes) -> FakeRelay | None:
        return next((one for one in self.relays if one.relay_id == relay_id), None)

    def choices(self, call_id: bytes) -> list[FakeRelay]:
        return sorted(self.relays, key=lambda one: not one.is_alive)

    async def request(self, relay: FakeRelay, command: Command) -> Document:
        relay.commands.append(command)
        if relay.is_silent:
            raise RelayError("silent", is_silent=True)
        if relay.refuses:
            raise RelayError(relay.refuses, reason=relay.refuses)
        if isinstance(command, Query) and {command.from_tag, command.to_tag} == relay.unknown_tags:
            return {b"result": b"ok", b"tags": {}}
        if isinstance(command, Delete | Query) and relay.report:
            return {b"result": b"ok", **relay.report}
        if isinstance(command, Offer | Answer):
            return {b"result": b"ok", b"sdp": via_relay(command.sdp, relay.relay_id)}
        return {b"result": b"ok"}


def via_relay(sdp: bytes, relay_id: bytes = b"r1") -> bytes:
    """The description as a FakeRelay gives it back."""
    return sdp + b"a=via:" + relay_id + b"\r\n"


class World:
    """The node and everything around it."""

    def __init__(
        self,
        *domains: Domain,
        relays: tuple[bytes, ...] = (b"r1",),
        boot_id: bytes = b"boot",
        most_transactions: int = 100_000,
        **set_: Any,
    ) -> None:
        self.clock = Clock()
        self.air = Air(self.clock)
        self.relays = FakeRelays(*relays)
        self.refusals = Refusals("-", wall=self._wall)
        self.blocks = Blocks("-", None, node_id="a", wall=self._wall)  # type: ignore[arg-type]
        self.records: list[Call] = []
        self.elsewhere: list[tuple[str, str]] = []
        self.wall = 1_800_000_000.0
        settings = ProxySettings(database_url="-", **({"flood_requests": 1000} | set_))
        directory = Directory()
        known = {domain.domain_id: domain for domain in (EXAMPLE, OPEN, OTHER)}
        known |= {domain.domain_id: domain for domain in domains}
        directory.put_domains(known.values())
        calls = Calls(self, wall=self._wall)
        tenant_rates = CallRates(seconds=1.0)
        self.node = Node(
            settings=settings,
            directory=directory,
            bindings=Bindings(),
            transport=self.air,
            locator=self.air,
            tokens=Tokens(CLUSTER_KEY, boot_id),
            relays=self.relays,  # type: ignore[arg-type]
            floods=Floods(settings),
            sessions=Sessions(),
            calls=calls,
            secret=SECRET,
            wall=self._wall,
            nonce_counts=NonceCounts(),
            opened={},
            peers={},
            flows=FlowBindings(),
            digest_algorithms=(b"MD5", b"SHA-256"),
            scanner_prefixes=tuple(text.lower().encode() for text in settings.scanners),
            call_rates=CallRates(),
            tenant_rates=tenant_rates,
            platform_use=PlatformUse(tenant_rates),
            accounts=CarrierAccounts(CLUSTER_KEY),
            dead_gateways=set(),
            denied_peers=frozenset(name.encode() for name in settings.federation_deny),
            refusals=self.refusals,
            blocks=self.blocks,
            interfaces=Interfaces(settings.relay_interfaces),
            checks=ContactChecks(120.0),
            random=lambda: 0.0,
        )
        self.layer = TransactionLayer(
            self.air,
            self.air,
            self.node.tokens,
            self.clock,
            self._route,
            CoreSettings(secret=SECRET, most_transactions=most_transactions),
            calls,
        )
        self.air.receive = self.layer.received
        for aor in (b"alice@example.com", b"bob@example.com", b"carol@example.com"):
            self.add_user(aor, EXAMPLE)
        self.add_user(b"mallory@other.example", OTHER)

    # what Calls wants of Records

    def changed(self, call: Call) -> None:
        """A call began, rings or was answered."""

    def ended(self, call: Call) -> None:
        """A call is over."""
        self.records.append(call)

    def ending(self, call: Call) -> None:
        """A call is over, its relay's last words are not there yet."""

    def ended_elsewhere(
        self, call_id: str, tags: list[str], *, ended_at: str, ended_by: str
    ) -> None:
        """A BYE of a call that is not known here."""
        self.elsewhere.append((call_id, ended_by))

    def _wall(self) -> float:
        return self.wall + self.clock.time()

    async def _route(self, call: RequestContext) -> None:
        await route_request(call, self.node)

    async def settled(self) -> None:
        """Until nothing waits for a relay or a name."""
        await self.layer.settled()
        await self.node.sessions.settled()

    def calls(self) -> list[Call]:
        """The calls that go on, the oldest first."""
        return sorted(self.node.calls._calls.values(), key=lambda one: one.started_at)

    def call(self) -> Call:
        """The only one that goes on."""
        (call,) = self.calls()
        return call

    def add_user(self, aor: bytes, domain: Domain, **facts: Any) -> Subscriber:
        """A user with the password of all."""
        name, _, host = aor.partition(b"@")
        subscriber = Subscriber(
            abs(hash(aor)),
            domain.domain_id,
            canonical_aor(name, host),
            name,
            digest.ha1(name, domain.name, PASSWORD),
            digest.ha1(name, domain.name, PASSWORD, digest.SHA256),
            **facts,
        )
        self.node.directory.put_subscribers([subscriber])
        return subscriber

    def add_rules(self, domain: Domain, *rules: Translation) -> None:
        rows = [replace(rule, domain_id=domain.domain_id) for rule in rules]
        self.node.directory.put_translations(rows)

    def add_routes(self, *rows: Any) -> None:
        """Aliases, forwards, ring groups, trunks, gateways, outbound policies."""
        routes = self.node.directory.routes
        kinds = {
            Alias: routes.aliases,
            Forward: routes.forwards,
            RingGroup: routes.groups,
            Trunk: routes.trunks,
            Gateway: routes.gateways,
            OutboundPolicy: routes.policies,
        }
        for row in rows:
            kinds[type(row)].put([row])

    def far(self, name: bytes, host: str) -> UserAgent:
        """A host of a foreign domain or carrier, found under that name."""
        self.air.zones[name] = [Hop("udp", host, 5060, None)]
        return self.phone(b"far@" + name, host)

    def bindings(self, aor: bytes) -> list[Binding]:
        return self.node.bindings.lookup(canonical_aor(*aor.split(b"@")), wall=self._wall())

    def phone(self, aor: bytes, host: str, port: int = 5060, protocol: str = "udp") -> UserAgent:
        return UserAgent(self.air, protocol, (host, port), aor)

    def registered(
        self, aor: bytes, host: str, port: int = 5060, protocol: str = "udp", **how: Any
    ) -> UserAgent:
        """A phone that has registered."""
        phone = self.phone(aor, host, port, protocol)
        phone.registers(**how)
        return phone


class UserAgent(Phone):
    """A phone that knows its address, its password and digest."""

    def __init__(self, air: Air, protocol: str, address: tuple[str, int], aor: bytes) -> None:
        super().__init__(air, protocol, address)
        self.aor = aor
        self._calls = 0
        self._cseq = 0

    @property
    def contact(self) -> bytes:
        user = self.aor.partition(b"@")[0].decode()
        host = f"[{self.address[0]}]" if ":" in self.address[0] else self.address[0]
        param = "" if self.protocol == "udp" else f";transport={self.protocol}"
        return f"<sip:{user}@{host}:{self.address[1]}{param}>".encode()

    def asks(self, method: bytes, uri: bytes, **how: Any) -> Request:
        """A request of its own making, not sent yet."""
        self._calls += 1
        self._cseq += 1
        how = {
            "via": self.via,
            "from_uri": b"sip:" + self.aor,
            "from_tag": b"tag-%d" % self._calls,
            "call_id": b"call-%d@%b" % (self._calls, self.aor),
            "contact": self.contact,
            "cseq": self._cseq,
            **how,
        }
        return request(method, uri, **how)

    def sends(self, method: bytes, uri: bytes, **how: Any) -> Request:
        """Send a request as it is, without credentials."""
        message = self.asks(method, uri, **how)
        self.send(message)
        return message

    def signs(
        self,
        message: Request,
        challenge: Response,
        *,
        password: bytes = PASSWORD,
        username: bytes | None = None,
        algorithm: bytes = digest.MD5,
        **changes: bytes,
    ) -> Request:
        """The same request with credentials for a challenge."""
        name = b"www-authenticate" if challenge.status == 401 else b"proxy-authenticate"
        offered = [parse_credentials(value) for value in challenge.headers.all(name)]
        params = next(one.params for one in offered if one.params[b"algorithm"] == algorithm)
        username = username or self.aor.partition(b"@")[0]
        values = {
            "username": username,
            "realm": params[b"realm"],
            "nonce": params[b"nonce"],
            "uri": message.uri_raw,
            "qop": b"auth",
            "nc": b"00000001",
            "cnonce": b"c0ffee",
            "algorithm": algorithm,
            **changes,
        }
        ha1 = digest.ha1(username, values["realm"], password, algorithm)
        values["response"] = digest.digest_response(
            ha1,
            message.method,
            values["uri"],
            values["nonce"],
            algorithm=algorithm,
            qop=values["qop"],
            nc=values["nc"],
            cnonce=values["cnonce"],
        )
        credentials = b"Digest " + b", ".join(
            b'%b="%b"' % (key.encode(), value) for key, value in values.items()
        )
        again = message.copy()
        again.headers.set(
            b"authorization" if challenge.status == 401 else b"proxy-authorization", credentials
        )
        self._cseq += 1
        again.headers.set(b"cseq", b"%d %b" % (self._cseq, message.method))
        via = again.via.with_param(b"branch", new_branch())
        again.headers.replace_first_value(b"via", via.serialise())
        return again

    def authenticates(self, message: Request, **how: Any) -> Request:
        """Send a request and again with credentials; the one that is on its way."""
        self.send(message)
        challenge = self.take()
        assert isinstance(challenge, Response)
        assert challenge.status in (401, 407), challenge.status
        if message.method == b"INVITE":
            self.send(ack_of(message, challenge))
        again = self.signs(message, challenge, **how)
        self.send(again)
        return again

    def registers(self, *extra: tuple[bytes, bytes], **how: Any) -> Response:
        """REGISTER with credentials; the 200."""
        domain = self.aor.partition(b"@")[2]
        how = {"to_uri": b"sip:" + self.aor, "extra": extra, **how}
        message = self.asks(b"REGISTER", b"sip:" + domain, **how)
        if domain == OPEN.name:
            self.send(message)
        else:
            self.authenticates(message)
        return self.take_response(200)

    def invites(self, uri: bytes, **how: Any) -> Request:
        """INVITE with credentials; it is on its way and the 100 is taken."""
        message = self.authenticates(self.asks(b"INVITE", uri, **how))
        self.take_response(100)
        return message

    def answers(self, to: Request, status: int, **how: Any) -> Response:
        """A response of its own making."""
        how = {"contact": self.contact, "to_tag": b"tag-of-" + self.aor, **how}
        response = respond(to, status, **how)
        self.send(response)
        return response


def user_of(uri: object) -> bytes | None:
    """The user part, for what must be a SIP URI."""
    assert isinstance(uri, SipUri)
    return uri.user


def settled_text(message: bytes) -> bytes:
    """A message without what differs from run to run."""
    return re.sub(rb"branch=[^;\r]+", b"branch=*", message)


def deletes(relay: FakeRelay) -> list[Delete]:
    return relay.taken(Delete)
