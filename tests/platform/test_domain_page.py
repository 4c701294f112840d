"""The domain page: the records to publish, and what a DNS server on loopback has of them."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape

import pytest

from tests.harness.dns_server import DnsThread, Zones
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

ZONE = """
    @            NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp
    _sips._tcp   SRV 10 100 5061 edge.acme.test.
    _sip._tcp    SRV 10 100 5099 edge.acme.test.
    """


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsThread]:
    monkeypatch.setenv("FEDSIP_HOSTNAME", "edge.acme.test")
    monkeypatch.setenv("FEDSIP_SIP_ADVERTISED_IPV4", "192.0.2.1")
    monkeypatch.setenv("FEDSIP_SIP_UDP", "off")
    with DnsThread(Zones({"example.com": ZONE, "acme.test": "edge A 192.0.2.1"})) as server:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", server.address)
        yield server


def address(world: World) -> str:
    return f"/t/acme/domains/{world.domain.public_id}"


def test_records_are_written_as_a_zone_file(acme: World, dns: DnsThread) -> None:
    shown = unescape(Api(acme.people["viewer"]).get(address(acme)).content.decode())
    zone = shown.partition('id="zone" tabindex="0">')[2].partition("</pre>")[0]
    assert zone.splitlines() == [
        'example.com. 3600 IN NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.example.com.',
        'example.com. 3600 IN NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp.example.com.',
        "_sips._tcp.example.com. 3600 IN SRV 10 100 5061 edge.acme.test.",
        "_sip._tcp.example.com. 3600 IN SRV 10 100 5060 edge.acme.test.",
        "edge.acme.test. 3600 IN A 192.0.2.1",
    ]
    assert 'data-copy-from="#zone"' in shown
    assert dns.server.asked == [], "the DNS is asked only when somebody wants it"


def test_check_now_compares_them_with_the_dns(acme: World, dns: DnsThread) -> None:
    answer = Api(acme.people["viewer"]).get(f"{address(acme)}?check=1")
    assert [(each.record.kind, each.state) for each in answer.context["checked"]] == [
        ("NAPTR", "published"),
        ("NAPTR", "different"),
        ("SRV", "published"),
        ("SRV", "different"),
        ("A", "published"),
    ]
    shown = unescape(answer.content.decode())
    assert shown.count('<span class="tag good">published</span>') == 3
    assert "10 100 5099 edge.acme.test" in shown


def test_a_dns_that_has_nothing_is_said_so(acme: World, dns: DnsThread) -> None:
    dns.server.zones = Zones({"example.com": "@ A 192.0.2.1", "acme.test": "@ A 192.0.2.1"})
    shown = Api(acme.people["viewer"]).get(f"{address(acme)}?check=1").content.decode()
    assert shown.count('<span class="tag bad">missing</span>') == 5
