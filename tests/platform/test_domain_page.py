"""The domain page: the records to publish, and what a DNS server on loopback has of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from fedsip_platform.audit.models import Entry
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain
from fedsip_platform.federation import ownership
from fedsip_platform.federation.models import DomainCheck
from fedsip_platform.live.models import LiveEvent
from fedsip_platform.tasks import checks as tasks
from fedsip_platform.tenants.models import Person
from tests.harness.dns_server import DnsThread, Zones
from tests.harness.processes import free_port
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
        monkeypatch.setenv("FEDSIP_INNER_NETWORKS", "127.0.0.0/8")
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
        f'_fedsip-verify.example.com. 3600 IN TXT "{ownership.record(acme.domain).value}"',
    ]
    assert 'data-copy-from="#zone"' in shown
    assert dns.server.asked == [], "the DNS is asked only when somebody wants it"


def checked(world: World) -> str:
    """The page after somebody asked for a check and a worker has made it."""
    admin = Api(world.people["admin"])
    asked = admin.post(f"{address(world)}/check")
    assert asked.status_code == 302
    waiting = admin.get(address(world)).content.decode()
    assert "the answer appears here" in waiting
    assert tasks.check_wanted(world.domain.pk)
    assert not tasks.check_wanted(world.domain.pk), "it is made once"
    return unescape(admin.get(address(world)).content.decode())


def test_check_now_compares_them_with_the_dns(acme: World, dns: DnsThread) -> None:
    shown = checked(acme)
    assert "the answer appears here" not in shown
    made = DomainCheck.objects.get(domain=acme.domain)
    assert [(each["kind"], each["state"]) for each in made.records] == [
        ("NAPTR", "published"),
        ("NAPTR", "different"),
        ("SRV", "published"),
        ("SRV", "different"),
        ("A", "published"),
    ]
    assert shown.count('<span class="tag good">published</span>') == 3
    assert "10 100 5099 edge.acme.test" in shown
    assert "instead of 10 100 5060 edge.acme.test" in shown
    event = LiveEvent.objects.latest("pk")
    assert (event.kind, event.what, event.tenant) == ("check", "failing", acme.tenant)


def test_what_changed_since_the_check_before_is_said(acme: World, dns: DnsThread) -> None:
    checked(acme)
    dns.server.zones = Zones(
        {"example.com": ZONE.replace("5099", "5060"), "acme.test": "edge A 192.0.2.1"}
    )
    assert "different, now published" in checked(acme)


def test_a_dns_that_has_nothing_is_said_so(acme: World, dns: DnsThread) -> None:
    dns.server.zones = Zones({"example.com": "@ A 192.0.2.1", "acme.test": "@ A 192.0.2.1"})
    assert checked(acme).count('<span class="tag bad">missing</span>') == 5


def test_a_txt_record_proves_whose_it_is(acme: World, rival: World, dns: DnsThread) -> None:
    Domain.objects.filter(pk=acme.domain.pk).update(vouched=False)
    page = Api(acme.people["viewer"])
    assert "ownership not proved yet" in page.get(address(acme)).content.decode()
    theirs = ownership.record(rival.domain).value
    for value, is_proof in ((theirs, False), (ownership.record(acme.domain).value, True)):
        zone = f'_fedsip-verify TXT "something else"\n_fedsip-verify TXT "{value}"'
        dns.server.zones = Zones({"example.com": zone})
        assert ("ownership proved" in checked(acme)) is is_proof
        acme.domain.refresh_from_db()
        assert (acme.domain.ownership_proved_at is not None) is is_proof
    assert Entry.objects.filter(action="prove ownership of", kind="domain").count() == 1


def test_who_answers_is_asked_with_the_check(acme: World, dns: DnsThread) -> None:
    dns.server.zones = Zones({"example.com": f"@ A 127.0.0.1\n_sip._tcp SRV 1 1 {free_port()} @"})
    shown = checked(acme)
    assert "TCP 127.0.0.1:" in shown
    assert "Who answers there" in shown
    assert '<span class="tag bad">none</span>' in shown


def test_a_check_whose_worker_died_is_made_later(acme: World, dns: DnsThread) -> None:
    Api(acme.people["admin"]).post(f"{address(acme)}/check")
    assert tasks.check_left() == 0, "the worker that has it may still be at it"
    DomainCheck.objects.update(wanted_at=timezone.now() - tasks.SILENT - timedelta(seconds=1))
    assert tasks.check_left() == 1
    assert tasks.check_left() == 0


def test_the_api_need_not_wait(acme: World, dns: DnsThread) -> None:
    admin = Api(acme.people["admin"])
    asked = admin.post("domains/example.com/check", Prefer="respond-async")
    assert asked.status_code == 202, asked.content
    assert (asked.status_code, asked.headers["Preference-Applied"]) == (202, "respond-async")
    assert dns.server.asked == []
    assert tasks.check_wanted(acme.domain.pk)
    assert admin.get("domains/example.com/check").json()["located"]["error"] == ""


def test_certificates_are_listed(acme: World, rival: World, operator: Person) -> None:
    shown = Api(acme.people["viewer"]).get("/t/acme/domains/certificates").content.decode()
    assert "An Authority" in shown
    assert "59 days left" in shown
    assert "example.net" not in shown
    listed = Api(acme.people["viewer"]).get("/t/acme/domains/").content.decode()
    assert "59 days left" in listed
    assert Api(operator).get("/platform/certificates").status_code == 200


def test_before_the_first_check_the_way_in_is_grey(acme: World, dns: DnsThread) -> None:
    DomainCheck.objects.all().delete()
    shown = unescape(Api(acme.people["viewer"]).get(address(acme)).content.decode())
    way = shown.partition('class="ways"')[2].partition("</ol>")[0]
    assert way.count('class="arrow-in "') == 2 * 4
    assert "arrow-in good" not in way
    assert dns.server.asked == []


def test_the_list_says_policies_in_words_and_names_in_their_letters(
    acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.update_domain(acme.domain, federation="closed", require_tls=True)
    services.create_domain(acme.tenant, "xn--mnchen-3ya.example", media_policy="never")
    monkeypatch.setenv("FEDSIP_SIP_FEDERATION_IN", "allow_list")
    shown = unescape(Api(acme.people["viewer"]).get("/t/acme/domains/").content.decode())
    words = re.findall(r'<span class="tag" title="[^"]+">([^<]+)</span>', shown)
    assert words == [
        *("TLS only", "to: no other domain, from: listed domains", "relayed"),
        *("TLS or not", "to: all domains, from: listed domains", "never relayed"),
    ]
    assert "münchen.example</a>" in shown
    page = unescape(Api(acme.people["viewer"]).get(address(acme)).content.decode())
    assert "as the platform says (only with listed domains)" in page
