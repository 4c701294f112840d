"""fedsip locate and fedsip dns, with a DNS server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from dns.rdatatype import to_text
from dns.zone import from_text

from fedsip_platform.calls.models import Node
from tests.cli.conftest import Fedsip
from tests.harness.dns_server import DnsThread, Zones
from tests.harness.processes import free_port
from tests.harness.sip_hosts import RefusingHost

pytestmark = pytest.mark.db

ELSEWHERE = """
    @          NAPTR 10 100 "s" "SIP+D2U" "" _sip._udp
    _sip._udp  SRV 10 10 {port} sip1
    sip1       A 127.0.0.1
    """
EXAMPLE = """
    @            NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp
    @            NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp
    _sips._tcp   SRV 10 100 5061 SIP
    _sip._tcp    SRV 10 100 5099 sip
    sip          A 192.0.2.1
    """


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsThread]:
    tables = {
        "elsewhere.test": ELSEWHERE.format(port=free_port()),
        "xn--bcher-kva.test": "@ A 192.0.2.1",
        "both.test": "@ A 192.0.2.1\n@ AAAA 2001:db8::1",
        "example.com": EXAMPLE,
    }
    with DnsThread(Zones(tables)) as server:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", server.address)
        monkeypatch.setenv("FEDSIP_INNER_NETWORKS", "127.0.0.0/8")  # no proxy lives that says so
        yield server


@pytest.mark.parametrize(
    ("listeners", "hops"),
    [
        ([], ["2001:db8::1", "192.0.2.1"]),
        (["192.0.2.100", "127.0.0.1", "::1"], ["192.0.2.1"]),
        (["2001:db8::100"], ["2001:db8::1"]),
    ],
)
def test_names_are_looked_up_as_the_living_proxies_do(
    fedsip: Fedsip, dns: DnsThread, listeners: list[str], hops: list[str]
) -> None:
    now = timezone.now()
    facts = {"started_at": now, "listeners": [["udp", each, each, 5060] for each in listeners]}
    Node.objects.create(node_id="alive", seen_at=now, **facts)
    silent = [["udp", "2001:db8::99", "2001:db8::99", 5060]]
    Node.objects.create(
        node_id="silent", started_at=now, seen_at=now - timedelta(minutes=1), listeners=silent
    )
    row = fedsip("locate", "sip:both.test:5060", "--no-ping", "--json").json
    assert [hop["address"] for hop in row["hops"]] == hops


def test_the_whole_tree_is_told(fedsip: Fedsip, dns: DnsThread) -> None:
    said = fedsip("locate", "bob@elsewhere.test").said.splitlines()
    assert said[0] == "sip:bob@elsewhere.test"
    assert said[1].split() == [
        *("NAPTR", "elsewhere.test", "60", "s", "10", "100", '"s"', '"SIP+D2U"', '""'),
        "_sip._udp.elsewhere.test.",
    ]
    assert said[2].split()[:2] == ["SRV", "_sip._udp.elsewhere.test"]
    assert said[-1].split(maxsplit=3)[3] == "does not answer OPTIONS: Connection refused"


def test_each_server_in_its_order_and_who_answers(fedsip: Fedsip, dns: DnsThread) -> None:
    silent = free_port()
    with RefusingHost(486, answers=b"OPTIONS") as host:
        records = f"_sip._udp SRV 20 1 {host.port} one\n_sip._udp SRV 10 1 {silent} one"
        dns.server.zones = Zones({"two.test": f"{records}\none A 127.0.0.1"})
        said = fedsip("locate", "sip:bob@two.test").said.splitlines()
        assert [one.method for one in host.came] == [b"OPTIONS"]
    first, second = said[-2:]
    assert first.split(maxsplit=3)[:3] == ["1", "udp", f"127.0.0.1:{silent}"]
    assert first.endswith("does not answer OPTIONS: Connection refused")
    assert second.split(maxsplit=3)[:3] == ["2", "udp", f"127.0.0.1:{host.port}"]
    assert " answers OPTIONS: 486 Busy Here in " in second


def test_for_programs_and_without_asking_the_servers(fedsip: Fedsip, dns: DnsThread) -> None:
    found = fedsip("locate", "sip:bob@elsewhere.test", "--no-ping", "--json")
    row = found.json
    assert found.code == 0
    assert [step["kind"] for step in row["steps"]] == ["NAPTR", "SRV", "AAAA", "A"]
    assert [hop["address"] for hop in row["hops"]] == ["127.0.0.1"]
    assert "status" not in row["hops"][0]


def test_a_domain_of_ours_is_said_to_be_ours(fedsip: Fedsip, dns: DnsThread) -> None:
    fedsip("tenant", "add", "acme")
    fedsip("domain", "add", "example.com", "--tenant", "acme")
    ours = fedsip("locate", "alice@EXAMPLE.com", "--no-ping").said
    assert "  a domain of ours: only other servers find it so" in ours
    assert "a domain of ours" not in fedsip("locate", "bob@elsewhere.test", "--no-ping").said


def test_names_in_letters_of_their_own(fedsip: Fedsip, dns: DnsThread) -> None:
    row = fedsip("locate", "sip:bob@Bücher.test;transport=tcp", "--no-ping", "--json").json
    assert row["uri"] == "sip:bob@xn--bcher-kva.test;transport=tcp"
    assert row["hops"][0]["address"] == "192.0.2.1"


def test_what_leads_nowhere_or_is_no_address(fedsip: Fedsip, dns: DnsThread) -> None:
    nowhere = fedsip("locate", "sip:bob@nowhere.elsewhere.test")
    assert "leads nowhere: nowhere.elsewhere.test has no address" in nowhere.said
    assert nowhere.code == 1
    assert fedsip("locate", "sip:bob@nowhere.elsewhere.test", "--json").code == 1
    for text in ("sip:", "sip:bob@", "http://x.test", "sip:b ob@x.test", "sip:x@a..ü"):
        refused = fedsip("locate", text)
        assert (refused.code, refused.said) == (1, "")


def test_records_of_a_domain(acme: Fedsip, dns: DnsThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDSIP_SIP_UDP", "off")
    words = ("dns", "example.com", "--address", "192.0.2.1", "--address", "2001:db8::1")
    rows = acme(*words, "--json").json
    assert [(row["line"], row["state"]) for row in rows] == [
        ('example.com. 3600 IN NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.example.com.', "published"),
        ('example.com. 3600 IN NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp.example.com.', "published"),
        ("_sips._tcp.example.com. 3600 IN SRV 10 100 5061 sip.example.com.", "published"),
        ("_sip._tcp.example.com. 3600 IN SRV 10 100 5060 sip.example.com.", "different"),
        ("sip.example.com. 3600 IN A 192.0.2.1", "published"),
        ("sip.example.com. 3600 IN AAAA 2001:db8::1", "missing"),
    ]
    said = acme(*words).said
    assert ";   different: 10 100 5099 sip.example.com." in said
    assert said.endswith("; 2 of 6 are not as they should be\n")
    assert [acme(*words, *more).code for more in ((), ("--json",), ("--no-check",))] == [1, 1, 0]
    zone = from_text(said, origin="example.com.", relativize=False, check_origin=False)
    kinds = sorted(to_text(rdata.rdtype) for _, _, rdata in zone.iterate_rdatas())
    assert kinds == ["A", "AAAA", "NAPTR", "NAPTR", "SRV", "SRV"]
    assert acme(*words, "--host", "edge.acme.test", "--no-check").said.count("edge.acme.test.") == 4
