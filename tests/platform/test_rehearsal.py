"""A rehearsal says what a call does: the proxy's routing and `try_call` on the same rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fedsip_platform.directory import services as directory
from fedsip_platform.directory.models import Domain
from fedsip_platform.federation import services as federation
from fedsip_platform.location.models import Binding
from fedsip_platform.routing import known, services, trying
from fedsip_platform.routing.models import GatewayHealth, OutboundPolicy
from proxy.directory import load, load_routes
from proxy.directory.store import Directory
from proxy.sip.message import Request, Response
from proxy.sip.uri import SipUri, parse_uri
from tests.harness.dns_server import DnsThread, Zones
from tests.routing.world import UserAgent
from tests.routing.world import World as Node

pytestmark = [pytest.mark.db, pytest.mark.django_db]

HOME = "home.example"
AT = datetime.fromtimestamp(1_800_000_000, UTC)
PHONES = {"bob": "192.0.2.20", "busy": "192.0.2.21"}
HOSTS = {
    "far.example": "192.0.2.30",
    "a.carrier.example": "192.0.2.31",
    "b.carrier.example": "192.0.2.32",
}
HAS_ENUM, NOBODYS = "+14085551234", "+14085550000"
ENUM = '@ NAPTR 10 10 "u" "E2U+sip" "!^.*$!sip:info@far.example!" .'
USERS = (
    *("alice", "bob", "busy", "absent", "always", "elsewhere", "circle", "round", "number"),
    *("rule", "unlisted"),
)


def settle(tenant: Any) -> Domain:
    """A domain with one of each way that a call can take."""
    domain = directory.create_domain(
        tenant, HOME, e164=True, e164_country="US", enum=True, vouched=True
    )
    directory.create_domain(tenant, "off.example", enabled=False)
    users = {name: directory.create_subscriber(domain, name, "a long secret") for name in USERS}
    for name, condition, target in (
        ("busy", "busy", "bob"),
        ("absent", "not_registered", "bob"),
        ("always", "always", "bob"),
        ("elsewhere", "always", "friend@far.example"),
        ("circle", "always", "round"),
        ("round", "always", "circle"),
        ("number", "always", "4085551234"),
        ("rule", "always", "91"),
    ):
        services.create_forward(users[name], condition, target)
    services.create_alias(domain, "1000", "bob")
    services.create_alias(domain, "+14085559999", "bob")
    for name, strategy, members, fallback in (
        ("sales", "parallel", ["bob", "busy", "unlisted"], ""),
        ("night", "in_order", ["unlisted", "busy", "bob"], ""),
        ("nobody", "parallel", ["unlisted"], ""),
        ("late", "in_order", ["unlisted"], "always"),
    ):
        services.create_ring_group(
            domain, name, strategy=strategy, members=members, fallback=fallback
        )
    main = services.create_trunk(domain, "main")
    dead = services.create_gateway(main, "a.carrier.example", priority=1)
    services.create_gateway(main, "b.carrier.example", port=5080, transport="udp", priority=2)
    services.create_trunk(domain, "empty")
    GatewayHealth.objects.create(
        node_id="a", gateway=dead, is_alive=False, checked_at=AT, changed_at=AT
    )
    for rule in (
        {"match_regex": "^91$", "tran_user": NOBODYS, "tran_trunk": "main"},
        {"match_regex": "^92$", "tran_trunk": "empty", "priority": 10},
        {"match_regex": "^92$", "tran_user": "bob", "priority": 20},
        {"match_regex": "^900$", "tran_trunk": "empty"},
        {"match_regex": "^901$", "tran_user": "unlisted", "priority": 10},
        {"match_regex": "^90[12]$", "tran_user": "eve", "priority": 20},
        {"match_regex": "^902$", "tran_trunk": "empty", "priority": 10},
        {"match_regex": "^93$", "tran_user": "unlisted", "priority": 10},
        {"match_regex": "^93$", "tran_user": "friend", "tran_domain": "far.example"},
        {"match_regex": "^94$", "tran_user": "friend", "tran_domain": "denied.example"},
        {"match_regex": "^94$", "tran_user": "bob", "priority": 200},
        {"match_regex": "^95+$", "tran_strip": 2},
        {"match_regex": "^96$", "tran_user": HAS_ENUM},
        {"match_regex": "^97$", "tran_user": HAS_ENUM, "tran_trunk": "main"},
        {"match_regex": "^98$", "tran_user": "+4930123456", "tran_trunk": "main"},
        {"match_regex": "^99$", "tran_user": "bob", "hours": "Sun 00:00-00:01"},
    ):
        directory.create_translation(domain, **rule)
    federation.create_rule(domain, "denied.example", allow=False)
    classes = ["national", "domains", "other"]
    services.create_outbound_policy(domain, classes=classes)
    return domain


def is_there(domain: Domain, name: str, host: str) -> None:
    contact = f"sip:{name}@{host}:5060"
    Binding.objects.create(
        binding_id=f"{name:0>24}", aor=f"{name}@{HOME}", domain=domain, contact=contact,
        contact_key=contact, expires_at=AT + timedelta(hours=1), registered_at=AT, updated_at=AT,
    )  # fmt: skip


def directory_of_all() -> Directory:
    """What a proxy reads, by the connection of the test."""
    made = Directory()
    made.put_domains(known._rows(load.DOMAINS, "true"))
    made.put_subscribers(known._rows(load.SUBSCRIBERS, "true"))
    made.put_translations(known._rows(load.TRANSLATIONS, "true"))
    made.federation_rules.put(known._rows(load.FEDERATION_RULES, "true"))
    for kind, source in load_routes.SOURCES.items():
        made.routes.tables[kind].put(known._rows(source, "true"))
    return made


async def called(rows: Directory, dialled: str) -> tuple[int, list[str]]:
    """What a node does with a call of alice: the status, or where its first INVITEs go."""
    node = Node(enum_roots=("e164.example",))
    node.node.directory.become(rows)
    uri = parse_uri(b"sip:info@far.example")
    assert isinstance(uri, SipUri)
    node.air.numbers = {HAS_ENUM: [uri]}
    node.node.dead_gateways |= {
        gateway.gateway_id for gateway in rows.routes.gateways.all() if gateway.priority == 1
    }
    domain = rows.domain(HOME.encode())
    assert domain is not None
    for name in ("alice", *PHONES):
        node.add_user(f"{name}@{HOME}".encode(), domain)
    phones: list[UserAgent] = [node.far(name.encode(), host) for name, host in HOSTS.items()]
    phones += [node.registered(f"{name}@{HOME}".encode(), host) for name, host in PHONES.items()]
    alice = node.phone(f"alice@{HOME}".encode(), "192.0.2.10")
    alice.authenticates(alice.asks(b"INVITE", dialled.encode()))
    await node.settled()
    invites = [
        message.uri.serialise().decode().partition(";cause=")[0]
        for phone in phones
        for message in phone.inbox
        if isinstance(message, Request) and message.method == b"INVITE"
    ]
    last = alice.inbox[-1]
    assert isinstance(last, Response)
    return (last.status if last.status >= 300 else 0), sorted(invites)


CASES = {
    "bob": ["sip:bob@192.0.2.20:5060"],
    "busy": ["sip:busy@192.0.2.21:5060"],
    "absent": ["sip:bob@192.0.2.20:5060"],
    "always": ["sip:bob@192.0.2.20:5060"],
    "elsewhere": ["sip:friend@far.example"],
    "circle": 482,
    "number": ["sip:info@far.example"],
    "rule": [f"sip:{NOBODYS}@b.carrier.example:5080;transport=udp"],
    "unlisted": 480,
    "eve": 404,
    "1000": ["sip:bob@192.0.2.20:5060"],
    "+14085559999": ["sip:bob@192.0.2.20:5060"],
    "sales": ["sip:bob@192.0.2.20:5060", "sip:busy@192.0.2.21:5060"],
    "night": ["sip:busy@192.0.2.21:5060"],
    "nobody": 480,
    "late": ["sip:bob@192.0.2.20:5060"],
    "900": 503,
    "901": 480,
    "902": 404,
    "91": [f"sip:{NOBODYS}@b.carrier.example:5080;transport=udp"],
    "92": ["sip:bob@192.0.2.20:5060"],
    "93": ["sip:friend@far.example"],
    "94": 403,
    "95": 500,
    "96": ["sip:info@far.example"],
    "97": [f"sip:{HAS_ENUM}@b.carrier.example:5080;transport=udp"],
    "98": 403,
    "99": 404,
    HAS_ENUM: ["sip:info@far.example"],
    "4085551234": ["sip:info@far.example"],
    NOBODYS: 404,
    "x@far.example": ["sip:x@far.example"],
    "x@denied.example": 403,
    "x@off.example": 404,
}


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    number = ".".join(reversed(HAS_ENUM[1:]))
    tables = {name: f"@ A {host}" for name, host in HOSTS.items()}
    with DnsThread(Zones({**tables, f"{number}.e164.example": ENUM, "e164.example": ""})) as dns:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", dns.address)
        monkeypatch.setenv("FEDSIP_SIP_ENUM_ROOTS", "e164.example")
        yield


@pytest.mark.usefixtures("dns")
def test_the_rehearsal_says_what_the_call_does(acme: Any) -> None:
    OutboundPolicy.objects.all().delete()
    domain = settle(acme.tenant)
    for name, host in PHONES.items():
        is_there(domain, name, host)
    rows = directory_of_all()
    for dialled, expected in CASES.items():
        trial = trying.try_call(domain, "alice", dialled, at=AT)
        address = dialled if "@" in dialled else f"{dialled}@{HOME}"
        status, targets = asyncio.run(called(rows, f"sip:{address}"))
        rehearsed = (trial.status, [] if trial.status else sorted(trial.targets))
        assert rehearsed == (status, targets), (dialled, trial.way)
        assert expected == (status or targets), dialled
