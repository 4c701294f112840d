"""Where addresses lead: every kind of destination, and each reason to refuse one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory import leading
from proxy.directory.leading import (
    Away,
    ByTrunk,
    Diversion,
    Payer,
    Refused,
    ToGroup,
    ToUser,
    at_once,
    divert,
    in_order,
    lead,
    uri_at,
    uri_of,
    wants_enum,
)
from proxy.directory.model import (
    Alias,
    Domain,
    Forward,
    Gateway,
    OutboundPolicy,
    RingGroup,
    Subscriber,
    Trunk,
)
from proxy.directory.store import Directory
from proxy.sip.uri import Aor, SipUri, parse_uri

HOME = Domain(1, 1, b"acme", b"example.com", enum=True, e164=True, e164_country=b"US")
OFF = Domain(2, 1, b"acme", b"off.example", enabled=False)
OPEN = Domain(3, 1, b"acme", b"open.example", unauthenticated=True)
CALLS_OUT = Domain(4, 1, b"acme", b"out.example", unauthenticated_calls_out=True)
ALICE, BOB = Aor(b"alice@example.com"), Aor(b"bob@example.com")
SALES, NUMBER = Aor(b"sales@example.com"), Aor(b"+12125551212@example.com")
FORWARD = Forward(1, BOB, "busy", b"+14085551234@example.com")
GROUP = RingGroup(1, SALES, "parallel", (ALICE, BOB))
BY_NAME, BY_NUMBER = Alias(1, Aor(b"1000@example.com"), BOB), Alias(2, NUMBER, SALES)
TRUNK, EMPTY = Trunk(1, 1, b"carrier"), Trunk(2, 1, b"empty")
GATEWAY = Gateway(1, 1, b"a.carrier.test")
PAYER = Payer(HOME, ALICE)
NOT_ALLOWED = b"Destination Not Allowed"


def known() -> Directory:
    made = Directory()
    made.put_domains((HOME, OFF, OPEN, CALLS_OUT))
    made.put_subscribers(
        Subscriber(number, 1, aor, aor.partition(b"@")[0], b"", b"")
        for number, aor in enumerate((ALICE, BOB))
    )
    made.routes.forwards.put([FORWARD])
    made.routes.groups.put([GROUP])
    made.routes.aliases.put([BY_NAME, BY_NUMBER])
    made.routes.trunks.put([TRUNK, EMPTY])
    made.routes.gateways.put([GATEWAY])
    made.routes.policies.put([OutboundPolicy(1, 1, BOB, classes=("national",))])
    return made


def sip(text: str) -> SipUri:
    uri = parse_uri(text.encode())
    assert isinstance(uri, SipUri)
    return uri


BOBS = {"busy": FORWARD}
CASES = [
    ("sip:bob@example.com", PAYER, b"", ToUser(HOME, uri_of(BOB, b"sip"), None, BOBS)),
    ("sip:1000@EXAMPLE.com.", PAYER, b"", ToUser(HOME, uri_of(BOB, b"sip"), BY_NAME, BOBS)),
    ("sips:1000@example.com", PAYER, b"", ToUser(HOME, uri_of(BOB, b"sips"), BY_NAME, BOBS)),
    ("sip:sales@example.com", PAYER, b"", ToGroup(HOME, GROUP, None)),
    ("sip:+12125551212@example.com", PAYER, b"", ToGroup(HOME, GROUP, BY_NUMBER)),
    ("sip:bob@example.com", Payer(None, None), b"", ToUser(HOME, uri_of(BOB, b"sip"), None, BOBS)),
    ("sip:bob@off.example", PAYER, b"", Refused(404)),
    ("sip:bob@far.test", PAYER, b"", Away(HOME)),
    ("sip:bob@far.test", Payer(None, None), b"", Refused(403, b"Relaying denied")),
    (
        "sip:bob@far.test",
        Payer(OPEN, None),
        b"",
        Refused(403, b"Calls to other domains are not allowed"),
    ),
    ("sip:bob@far.test", Payer(CALLS_OUT, None), b"", Away(CALLS_OUT)),
    ("sip:bob@far.test", Payer(HOME, BOB), b"", Refused(403, NOT_ALLOWED, "domains")),
    ("sip:+12125550000@far.test", Payer(HOME, BOB), b"", Away(HOME)),
    ("sip:+12125550000@example.com", PAYER, b"carrier", ByTrunk(TRUNK, (GATEWAY,))),
    ("sip:1@example.com", PAYER, b"empty", Refused(503, b"Trunk without gateways")),
    ("sip:1@example.com", PAYER, b"none", Refused(503, b"No such trunk")),
    ("sip:1@example.com", Payer(HOME, None), b"carrier", Refused(503, b"No such trunk")),
    (
        "sip:+4930123456@example.com",
        Payer(HOME, BOB),
        b"carrier",
        Refused(403, NOT_ALLOWED, "international"),
    ),
]


@pytest.mark.parametrize(("uri", "payer", "trunk", "leads"), CASES)
def test_lead(uri: str, payer: Payer, trunk: bytes, leads: leading.Lead) -> None:
    assert lead(known(), payer, sip(uri), trunk) == leads


@pytest.mark.parametrize(
    ("payer", "aor", "goes_on"),
    [
        (Payer(None, None), BOB, Payer(HOME, BOB, (Diversion(BOB, "busy"),))),
        (Payer(HOME, ALICE, (Diversion(BOB, "busy"),)), BOB, None),
        (Payer(HOME, ALICE, tuple(Diversion(SALES, "busy") for _ in range(5))), BOB, None),
    ],
)
def test_divert(payer: Payer, aor: Aor, goes_on: Payer | None) -> None:
    """The number is dialled as whoever diverted would; in circles or too far it ends."""
    found = divert(known(), payer, aor, "busy", sip("sip:4085551234@example.com"))
    if goes_on is None:
        assert found == Refused(482, b"Too many diversions")
    else:
        assert found == (goes_on, sip("sip:+14085551234@example.com"))


def test_divert_of_a_domain_that_is_gone() -> None:
    gone = Aor(b"bob@gone.example")
    assert divert(known(), PAYER, gone, "busy", sip("sip:x@example.com")) == Refused(404)


@pytest.mark.parametrize(
    ("uri", "domain", "trunk", "wants"),
    [
        ("sip:+14085551234@example.com", HOME, b"", True),
        ("sip:+14085551234@off.example", HOME, b"", True),
        ("sip:+14085551234@example.com", replace(HOME, enum=False), b"", False),
        ("sip:+14085551234@example.com", None, b"", False),
        ("sip:+14085551234@example.com", HOME, b"carrier", False),
        ("sip:+14085551234@far.test", HOME, b"", False),
        ("sip:4085551234@example.com", HOME, b"", False),
        ("sip:+12125551212@example.com", HOME, b"", False),  # an alias
    ],
)
def test_wants_enum(uri: str, domain: Domain | None, trunk: bytes, wants: bool) -> None:
    assert wants_enum(known(), domain, sip(uri), trunk) is wants


def test_forwards_before_any_phone_rings() -> None:
    always, nowhere = replace(FORWARD, condition="always"), replace(FORWARD, condition="nowhere")
    missing = replace(FORWARD, condition="not_registered")
    some = {"not_registered": missing, "busy": FORWARD, "no_answer": nowhere}
    assert at_once(some, is_reachable=True) is None
    assert at_once(some, is_reachable=False) is missing
    assert at_once({**some, "always": always}, is_reachable=True) is always
    assert at_once({"busy": FORWARD}, is_reachable=False) is None


def test_gateways_in_order() -> None:
    def gateway(number: int, priority: int, weight: int = 1) -> Gateway:
        return Gateway(number, 1, b"%d.carrier.test" % number, priority=priority, weight=weight)

    some = [gateway(1, 10), gateway(2, 20), gateway(3, 10, weight=3), gateway(4, 5)]

    def order(dead: set[int], draw: float) -> list[int]:
        return [one.gateway_id for one in in_order(some, dead, lambda: draw)]

    assert order(set(), 0.0) == [4, 1, 3, 2]
    assert order(set(), 0.5) == [4, 3, 1, 2]
    assert order({4}, 0.0) == [1, 3, 2, 4]
    assert order({1, 2, 3, 4}, 0.0) == [4, 1, 3, 2]


def test_address_at_a_gateway() -> None:
    uri = sip("sip:1@example.com:5070;transport=tls;maddr=1.2.3.4")
    assert uri_at(GATEWAY, uri).serialise() == b"sip:1@a.carrier.test"
    made = uri_at(replace(GATEWAY, port=5080, transport=b"tcp"), uri)
    assert made.serialise() == b"sip:1@a.carrier.test:5080;transport=tcp"
