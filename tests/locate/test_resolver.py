"""The locator against a real DNS server on loopback: the same cases, and what it remembers."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import uvloop

from proxy.locate.explain import explain
from proxy.locate.hop import Hop
from proxy.locate.inside import InnerAddress
from proxy.locate.resolver import Locator, make_resolver
from proxy.locate.rfc3263 import LocateError, Speaks
from proxy.settings import ProxySettings, SettingsError
from tests.harness.dns_server import DnsServer, Zones
from tests.harness.waiting import eventually

from .cases import CASES, FAILURES, ZONES, Case
from .test_rfc3263 import said, sip_uri


class Clock:
    """Seconds, advanced by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def settings_for(
    server: DnsServer, speaks: Speaks | None = None, *, inner_networks: tuple[str, ...] = ("auto",)
) -> ProxySettings:
    speaks = speaks or Speaks()
    return ProxySettings(
        database_url="unused",
        dns_servers=(server.address,),
        udp="udp" in speaks.transports,
        tcp="tcp" in speaks.transports,
        tls="tls" in speaks.transports,
        inner_networks=inner_networks,
        ipv4=speaks.ipv4,
        ipv6=speaks.ipv6,
    )


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    zones = Zones(ZONES)
    zones.rcodes |= FAILURES
    async with DnsServer(zones) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def locator(server: DnsServer, clock: Clock) -> AsyncIterator[Locator]:
    locator = Locator(settings_for(server), clock=clock, draw=lambda: 0.5)
    yield locator
    await locator.close()


async def located(locator: Locator, uri: str) -> tuple[str, ...]:
    return tuple(said(hop) for hop in await locator.locate(sip_uri(uri), now=0.0))


def located_now(locator: Locator, uri: str) -> tuple[str, ...] | None:
    hops = locator.locate_now(sip_uri(uri), now=0.0)
    return None if hops is None else tuple(said(hop) for hop in hops)


@pytest.mark.parametrize(
    "case", [one for one in CASES if "ws" not in one.speaks.transports], ids=str
)
async def test_hops(case: Case, server: DnsServer) -> None:
    settings = settings_for(server, case.speaks, inner_networks=("127.0.0.0/8", "::1"))
    locator = Locator(settings, draw=lambda: 0.5)
    if not case.hops[0].startswith("!"):
        assert await located(locator, case.uri) == case.hops
        assert located_now(locator, case.uri) == case.hops
        assert located_now(locator, case.uri) == case.hops  # as it is remembered
        return
    with pytest.raises(LocateError) as caught:
        await located(locator, case.uri)
    assert str(caught.value).startswith(case.hops[0][1:])
    with pytest.raises(LocateError):
        located_now(locator, case.uri)


def test_under_uvloop() -> None:
    async def locate() -> tuple[str, ...]:
        async with DnsServer(Zones(ZONES)) as server:
            return await located(Locator(settings_for(server)), "sips:example.com")

    assert len(uvloop.run(locate())) == 3


async def test_large_answer_comes_over_tcp(server: DnsServer, locator: Locator) -> None:
    assert len(await located(locator, "sip:many.test")) == 16
    assert ("_sip._udp.many.test", "SRV") in server.asked_over_tcp


async def test_unknown_name_is_not_located_now(server: DnsServer, locator: Locator) -> None:
    assert located_now(locator, "sip:plain.test") is None
    assert server.asked == []


@pytest.mark.parametrize(
    ("listeners", "hops", "asked"),
    [
        (["192.0.2.1", "127.0.0.1", "::1"], ["192.0.2.11", "192.0.2.12"], {"A"}),
        (["2001:db8::1", "127.0.0.1"], ["2001:db8::11"], {"AAAA"}),
        (["127.0.0.1", "::1"], ["2001:db8::11", "192.0.2.11", "192.0.2.12"], {"A", "AAAA"}),
        (["192.0.2.1", "fd00::1"], ["2001:db8::11", "192.0.2.11", "192.0.2.12"], {"A", "AAAA"}),
    ],
)
async def test_names_are_asked_for_in_the_families_of_the_listeners(
    server: DnsServer, locator: Locator, listeners: list[str], hops: list[str], asked: set[str]
) -> None:
    """RFC 7984 s4; an address on loopback reaches nobody elsewhere."""
    locator.listens_at((address, address, 5060) for address in listeners)
    found = await locator.locate(sip_uri("sip:both.test:5060"), now=0.0)
    assert [hop.address for hop in found] == hops
    assert {kind for _, kind in server.asked} == asked


@pytest.mark.parametrize(
    "uri",
    [
        *("sip:127.0.0.1:6379", "sip:[::ffff:7f00:1]", "sip:x@192.0.2.1;maddr=10.0.0.1"),
        *("sip:localhost", "sip:any.localhost", "sip:inner.test", "sip:inner.test:5060"),
    ],
)
async def test_nothing_inside_is_located(server: DnsServer, uri: str) -> None:
    """Neither by a number, nor by a name, nor when it is remembered; but where we listen."""
    server.zones = Zones({"inner.test": "@ A 127.0.0.1\n@ AAAA ::1"})
    known: list[tuple[bytes, int | None]] = []
    locator = Locator(settings_for(server), are_ours=lambda host, port: (host, port) in known)
    locator.listens_at([("192.0.2.1", "192.0.2.1", 5060)])
    for _ in range(2):
        with pytest.raises(InnerAddress):
            await locator.locate(sip_uri(uri), now=0.0)
        with pytest.raises(InnerAddress):
            locator.locate_now(sip_uri(uri), now=0.0)
    explained = await explain(sip_uri(uri), locator)
    assert (explained.hops, bool(explained.error)) == ((), True)
    known.append((sip_uri(uri).host, sip_uri(uri).port))
    if "maddr" in uri:  # it takes the host's place
        with pytest.raises(InnerAddress):
            await locator.locate(sip_uri(uri), now=0.0)
    else:
        assert await locator.locate(sip_uri(uri), now=0.0)  # another node of the cluster
    await locator.close()


async def test_literal_needs_no_dns(server: DnsServer, locator: Locator) -> None:
    assert located_now(locator, "sip:192.0.2.1") == ("udp 192.0.2.1 5060",)
    assert server.asked == []


async def test_answers_are_kept_for_their_ttl(
    server: DnsServer, locator: Locator, clock: Clock
) -> None:
    await located(locator, "sip:plain.test:5060")
    asked = len(server.asked)
    clock.now += 59
    assert await located(locator, "sip:plain.test:5060") == ("udp 192.0.2.10 5060",)
    assert located_now(locator, "sip:plain.test:5060") == ("udp 192.0.2.10 5060",)
    assert len(server.asked) == asked
    clock.now += 2
    assert located_now(locator, "sip:plain.test:5060") is None
    await located(locator, "sip:plain.test:5060")
    assert len(server.asked) == 2 * asked


async def test_what_is_not_there_is_kept_for_the_time_of_the_soa(clock: Clock) -> None:
    async with DnsServer(Zones({"test": "@ A 192.0.2.1\n"}, negative_ttl=20)) as server:
        locator = Locator(settings_for(server), clock=clock)
        for _ in range(3):
            with pytest.raises(LocateError):
                await located(locator, "sip:nobody.test:5060")
        assert sorted(server.asked) == [("nobody.test", "A"), ("nobody.test", "AAAA")]
        clock.now += 21
        with pytest.raises(LocateError):
            await located(locator, "sip:nobody.test:5060")
        assert len(server.asked) == 4


async def test_failures_are_kept_for_a_short_while(
    server: DnsServer, locator: Locator, clock: Clock
) -> None:
    for _ in range(3):
        with pytest.raises(LocateError):
            await located(locator, "sip:dead.test:5060")
    asked = len(server.asked)
    with pytest.raises(LocateError):
        located_now(locator, "sip:dead.test:5060")
    clock.now += 16
    server.zones.rcodes.clear()
    assert located_now(locator, "sip:dead.test:5060") is None
    assert await located(locator, "sip:dead.test:5060") == ("udp 192.0.2.93 5060",)
    assert len(server.asked) == asked + 2


async def test_silence_ends(server: DnsServer) -> None:
    """A server that drops NAPTR questions costs their time once, then the URI leads on."""
    locator = Locator(settings_for(server), question_seconds=0.1)
    server.zones.silent.add(("plain.test", "NAPTR"))
    assert await located(locator, "sip:plain.test") == ("udp 192.0.2.10 5060",)
    assert located_now(locator, "sip:plain.test") == ("udp 192.0.2.10 5060",)


async def test_equal_questions_are_asked_once(server: DnsServer, locator: Locator) -> None:
    found = await asyncio.gather(*[located(locator, "sip:srv.test") for _ in range(50)])
    assert len(set(found)) == 1
    assert len(server.asked) == len(set(server.asked))


async def test_who_stops_waiting_takes_nobody_along(server: DnsServer, locator: Locator) -> None:
    one = asyncio.create_task(located(locator, "sip:srv.test"))
    two = asyncio.create_task(located(locator, "sip:srv.test"))
    await asyncio.sleep(0)
    one.cancel()
    assert len(await two) == 3
    assert one.cancelled() or one.done()


async def test_close_ends_what_is_under_way(server: DnsServer, locator: Locator) -> None:
    server.zones.silent.add(("plain.test", "NAPTR"))
    asking = asyncio.create_task(located(locator, "sip:plain.test"))
    await asyncio.sleep(0)
    await locator.close()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_draw_is_made_anew_each_time(server: DnsServer) -> None:
    numbers = iter([0.5] * 2 + [0.0] * 2 + [0.2] * 2)
    locator = Locator(
        settings_for(server, Speaks(("udp",), ipv6=False)), draw=lambda: next(numbers)
    )
    firsts = [(await located(locator, "sip:weights.test"))[0]]
    for _ in range(2):
        hops = located_now(locator, "sip:weights.test")
        assert hops is not None
        firsts.append(hops[0])
    assert firsts == ["udp 192.0.2.52 5062", "udp 192.0.2.51 5061", "udp 192.0.2.53 5063"]


async def test_draws_that_are_remembered_keep_the_weights(server: DnsServer) -> None:
    """80, 20 and 10 of 110; and one of weight 0, which has "a very small chance" (RFC 2782)."""
    zone = "".join(f"_sip._udp SRV 1 {weight} {5060 + weight} host\n" for weight in (80, 20, 10, 0))
    server.zones = Zones({"weights.test": zone + "host A 192.0.2.1"})
    draw = random.Random(2782).random
    locator = Locator(settings_for(server, Speaks(("udp",), ipv6=False)), draw=draw)
    uri = sip_uri("sip:weights.test")
    await locator.locate(uri, now=0.0)
    firsts: Counter[int] = Counter()
    for _ in range(40_000):
        hops = locator.locate_now(uri, now=0.0)
        assert hops is not None
        firsts[hops[0].port - 5060] += 1
    for weight in (80, 20, 10):
        assert firsts[weight] / 40_000 == pytest.approx(weight / 110, abs=0.02)
    assert 0 < firsts[0] / 40_000 < 0.02
    (located,) = locator._located.values()
    assert len(located.orders) == 16
    distinct = {id(hop) for order in located.orders for hop in order}
    assert len(distinct) == 4  # each hop is kept once
    await locator.close()


async def test_who_is_called_all_the_time_is_asked_for_before_the_answers_end(
    server: DnsServer, locator: Locator, clock: Clock
) -> None:
    uri, before, later = "sip:busy.test:5060", "udp 192.0.2.1 5060", "udp 192.0.2.2 5060"
    server.zones = Zones({"busy.test": "@ A 192.0.2.1"})
    assert await located(locator, uri) == (before,)
    assert located_now(locator, uri) == (before,)
    server.zones = Zones({"busy.test": "@ A 192.0.2.2"})
    clock.now += 50
    assert located_now(locator, uri) == (before,)
    asked = len(server.asked)
    clock.now += 5
    assert located_now(locator, uri) == (before,)
    await eventually(lambda: not locator._flying and len(server.asked) > asked, "it is asked again")
    assert located_now(locator, uri) == (before,)
    clock.now += 6
    assert located_now(locator, uri) == (later,)
    server.zones.rcodes |= {("busy.test", kind): "SERVFAIL" for kind in ("A", "AAAA")}
    clock.now += 50
    asked = len(server.asked)
    assert located_now(locator, uri) == (later,)
    await eventually(lambda: not locator._flying and len(server.asked) > asked, "it is asked again")
    clock.now += 2
    assert located_now(locator, uri) == (later,)  # until the answer ends
    clock.now += 6
    assert located_now(locator, uri) is None


async def test_dead_hop_is_tried_last_for_a_while(locator: Locator) -> None:
    uri = sip_uri("sip:both.test")
    first, *others = await locator.locate(uri, now=0.0)
    locator.failed(first, now=100.0)
    assert locator.locate_now(uri, now=110.0) == [*others, first]
    assert await locator.locate(uri, now=110.0) == [*others, first]
    assert locator.locate_now(uri, now=131.0) == [first, *others]


async def test_dead_hop_that_is_the_only_one_is_tried(locator: Locator) -> None:
    hop = Hop("udp", "192.0.2.10", 5060)
    locator.failed(hop, now=0.0)
    assert await locator.locate(sip_uri("sip:plain.test"), now=1.0) == [hop]


async def test_name_that_is_none(locator: Locator) -> None:
    long = "a" * 70
    with pytest.raises(LocateError):
        await located(locator, f"sip:{long}.test")
    with pytest.raises(LocateError):
        await located(locator, "sip:" + ".".join(["a" * 60] * 5) + ".test")


async def test_enum(server: DnsServer, locator: Locator) -> None:
    zone = """
        4.3.2.1 NAPTR 10 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .
        """
    server.zones = Zones({"e164.test": zone})
    found = await locator.enum("+1234", ("e164.test",))
    assert [uri.serialise() for uri in found] == [b"sip:info@example.com"]
    assert await locator.enum("+1235", ("e164.test",)) == []
    asked = len(server.asked)
    await locator.enum("+1234", ("e164.test",))
    assert len(server.asked) == asked


# -- which servers


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.53", "192.0.2.53", 53),
        ("192.0.2.53:5353", "192.0.2.53", 5353),
        ("2001:db8::53", "2001:db8::53", 53),
        ("[2001:db8::53]", "2001:db8::53", 53),
        ("[2001:db8::53]:5353", "2001:db8::53", 5353),
    ],
)
def test_servers(text: str, address: str, port: int) -> None:
    (server,) = make_resolver((text,)).nameservers
    assert (server.address, server.port) == (address, port)


@pytest.mark.parametrize("text", ["dns.example.com", "192.0.2.53:x", "192.0.2.53:99999", "", "::g"])
def test_servers_that_are_none(text: str) -> None:
    with pytest.raises(SettingsError, match="FEDSIP_SIP_DNS_SERVERS"):
        make_resolver((text,))


# -- bounds


async def test_zone_that_leads_on_and_on_is_left() -> None:
    table = "\n".join(
        f'@ NAPTR {number} 1 "s" "SIP+D2U" "" s{number}\n'
        + "\n".join(f"s{number} SRV {target} 0 5060 t{target}-{number}" for target in range(30))
        for number in range(8)
    )
    async with DnsServer(Zones({"endless.test": table})) as server:
        locator = Locator(settings_for(server))
        with pytest.raises(LocateError, match="leads on and on"):
            await located(locator, "sip:endless.test")
        assert len(server.asked) <= 2 * 64
        await locator.close()


async def test_selection_takes_no_longer_than_its_bound(server: DnsServer) -> None:
    locator = Locator(settings_for(server), selection_seconds=0.05)
    server.zones.silent.add(("plain.test", "NAPTR"))
    with pytest.raises(LocateError, match="takes too long"):
        await located(locator, "sip:plain.test")
    assert await locator.enum("+1234", ("e164.test",)) == []
    await locator.close()


async def test_enum_that_takes_too_long_has_nothing(server: DnsServer) -> None:
    locator = Locator(settings_for(server), selection_seconds=0.05)
    server.zones.silent.add(("4.3.2.1.plain.test", "NAPTR"))
    assert await locator.enum("+1234", ("plain.test",)) == []
    await locator.close()


async def test_answers_are_bounded(server: DnsServer) -> None:
    locator = Locator(settings_for(server), most_answers=3)
    for name in ("plain.test", "six.test", "both.test"):
        await located(locator, f"sip:{name}:5060")
    assert located_now(locator, "sip:both.test:5060") is not None
    assert located_now(locator, "sip:plain.test:5060") is None
    for number in range(10):
        assert located_now(locator, f"sip:192.0.2.{number}") is not None


async def test_questions_under_way_are_bounded(server: DnsServer) -> None:
    locator = Locator(settings_for(server), most_flying=1)
    server.zones.silent.add(("plain.test", "NAPTR"))
    waiting = asyncio.create_task(located(locator, "sip:plain.test"))
    await asyncio.sleep(0)
    with pytest.raises(LocateError, match="too many questions"):
        await located(locator, "sip:srv.test:5060")
    await locator.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_dead_hops_are_bounded(locator: Locator) -> None:
    hops = [Hop("udp", "192.0.2.1", port) for port in range(10_002)]
    for hop in hops:
        locator.failed(hop, now=0.0)
    await locator.locate(sip_uri("sip:both.test"), now=1.0)


def test_machine_without_dns_servers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    resolver = make_resolver((), configuration=str(tmp_path / "resolv.conf"))
    assert [str(one) for one in resolver.nameservers] == ["Do53:127.0.0.1@53"]
    assert "no DNS servers configured" in caplog.text


def test_servers_of_the_machine(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.53\nsearch example.com\n")
    resolver = make_resolver((), configuration=str(path))
    assert [str(one) for one in resolver.nameservers] == ["Do53:192.0.2.53@53"]
    assert resolver.search == []


async def test_services_are_asked_for_at_the_same_time() -> None:
    """Of a domain without NAPTR; and the addresses of a host in both families."""
    services = {(f"{name}.x.test", "SRV") for name in ("_sip._udp", "_sip._tcp", "_sips._tcp")}
    zones = Zones({"x.test": "@ A 192.0.2.1"})
    zones.silent |= {("_sip._udp.x.test", "SRV"), ("x.test", "AAAA")}
    async with DnsServer(zones) as server:
        locator = Locator(settings_for(server))
        for uri, expected in (
            ("sip:x.test", {("x.test", "NAPTR"), *services}),
            ("sip:x.test:5060", {("x.test", "A"), ("x.test", "AAAA")}),
        ):
            waiting = asyncio.create_task(located(locator, uri))
            await eventually(partial(expected.issubset, server.asked), "all are asked for")
            assert not waiting.done()
            waiting.cancel()
        await locator.close()


async def test_failure_without_a_soa_is_kept_for_a_while(clock: Clock) -> None:
    zones = Zones({"test": "@ A 192.0.2.1\n"})
    zones.without_soa = True
    async with DnsServer(zones) as server:
        locator = Locator(settings_for(server), clock=clock)
        for later in (0, 29, 2):
            clock.now += later
            with pytest.raises(LocateError):
                await located(locator, "sip:nobody.test:5060")
        assert len(server.asked) == 4
