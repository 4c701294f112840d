"""Locating told step by step, from a real DNS server."""

from __future__ import annotations

from proxy.locate.explain import Explanation, explain
from proxy.locate.resolver import Locator
from proxy.settings import ProxySettings
from proxy.sip.uri import SipUri, parse_uri
from tests.harness.dns_server import DnsServer, Zones
from tests.locate.cases import FAILURES, ZONES


async def explained(text: str) -> Explanation:
    uri = parse_uri(text.encode())
    assert isinstance(uri, SipUri)
    zones = Zones(ZONES)
    zones.rcodes = dict(FAILURES)
    async with DnsServer(zones) as server:
        locator = Locator(ProxySettings(database_url="-", dns_servers=(server.address,)))
        found = await explain(uri, locator)
        assert list(found.hops) == (await locator.locate(uri, now=0.0) if found.hops else [])
        await locator.close()
        return found


async def test_every_question_in_order_with_its_answer_and_time() -> None:
    found = await explained("sip:example.com")
    told = [(step.question.kind, step.question.name) for step in found.steps]
    assert told[:4] == [
        ("NAPTR", "example.com"),
        ("SRV", "_sips._tcp.example.com"),
        ("AAAA", "server1.example.com"),
        ("A", "server1.example.com"),
    ]
    assert found.steps[0].answers == (
        '50 50 "s" "SIPS+D2T" "" _sips._tcp.example.com.',
        '90 50 "s" "SIP+D2T" "" _sip._tcp.example.com.',
        '100 50 "s" "SIP+D2U" "" _sip._udp.example.com.',
    )
    assert found.steps[2].answers == ()
    assert all(0 < step.seconds <= 60 for step in found.steps)
    assert (found.hops[0].transport, found.hops[0].address) == ("tls", "192.0.2.1")
    assert [lead.text for lead in found.hops[0].leads] == [
        'example.com NAPTR 50 50 "s" "SIPS+D2T" "" _sips._tcp.example.com.',
        "_sips._tcp.example.com SRV 0 1 5061 server1.example.com.",
        "server1.example.com A 192.0.2.1",
    ]


async def test_failures_of_the_dns_are_told() -> None:
    found = await explained("sip:failing.test")
    assert [bool(step.error) for step in found.steps[:3]] == [True, True, False]
    assert found.hops[0].address == "192.0.2.91"


async def test_what_leads_nowhere() -> None:
    found = await explained("sip:absent.test;transport=udp")
    assert (found.hops, found.error) == ((), "absent.test does not offer udp")


async def test_address_needs_no_question() -> None:
    found = await explained("sip:192.0.2.1")
    assert (found.steps, len(found.hops)) == ((), 1)
