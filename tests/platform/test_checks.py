"""Checks of hosted domains: found, kept with what changed, told when they become worse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from fedsip_platform.directory import services
from fedsip_platform.federation import certificates
from fedsip_platform.federation.models import DomainCheck
from fedsip_platform.tasks import checks as tasks
from fedsip_platform.tasks import jobs, sweeps
from fedsip_platform.tasks.models import Job, Letter
from fedsip_platform.tenants.models import Person
from fedsip_platform.webhooks import services as webhooks
from fedsip_platform.webhooks.models import Delivery
from tests.harness.authority import Authority
from tests.harness.dns_server import DnsThread, Zones
from tests.platform.browsing import Visitor
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

ALL_WELL = """
    @            NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp
    _sips._tcp   SRV 10 100 5061 edge.acme.test.
    """
HOST = "edge A 192.0.2.1"
WRONG_PORT = ALL_WELL.replace("5061", "5099")
SRV = "SRV of _sips._tcp.example.com"


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DnsThread]:
    """A platform that speaks TLS alone, with a certificate for example.com."""
    certificate, _ = Authority(tmp_path).issue(tmp_path / "tls", "sip:example.com")
    for name, value in {
        "FEDSIP_HOSTNAME": "edge.acme.test",
        "FEDSIP_SIP_ADVERTISED_IPV4": "192.0.2.1",
        "FEDSIP_SIP_UDP": "off",
        "FEDSIP_SIP_TCP": "off",
        "FEDSIP_TLS_CERT": str(certificate),
    }.items():
        monkeypatch.setenv(name, value)
    with DnsThread(Zones({"example.com": ALL_WELL, "acme.test": HOST})) as server:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", server.address)
        yield server


@pytest.fixture(autouse=True)
def unchecked(acme: World) -> None:
    DomainCheck.objects.all().delete()


@pytest.fixture
def told(acme: World) -> None:
    Delivery.objects.all().delete()
    Letter.objects.all().delete()
    webhooks.create(acme.tenant, "https://hooks.example.com/checks", ["domain.check_failed"])


def come_due(server: DnsThread, zone: str) -> None:
    server.server.zones = Zones({"example.com": zone, "acme.test": HOST})
    DomainCheck.objects.update(checked_at=timezone.now() - tasks.EACH - timedelta(seconds=1))


def test_a_domain_that_is_fine_is_told_of_to_nobody(
    acme: World, dns: DnsThread, told: None
) -> None:
    assert tasks.check_domains() == 1
    kept = DomainCheck.objects.get()
    assert (kept.state, kept.problems, kept.changes) == ("fine", [], [])
    assert kept.certificate["names"] == ["sip:example.com"]
    assert [each["state"] for each in kept.records] == ["published"] * 3
    assert not Delivery.objects.exists()


def test_domains_are_checked_when_they_are_due(acme: World, dns: DnsThread) -> None:
    assert tasks.check_domains() == 1
    assert tasks.check_domains() == 0
    come_due(dns, ALL_WELL)
    services.create_domain(acme.tenant, "example.org")
    services.update_domain(services.create_domain(acme.tenant, "off.example"), enabled=False)
    assert tasks.check_domains() == 2
    assert DomainCheck.objects.get(domain__name="example.org").state == "failing"


def test_what_becomes_worse_is_told_once(acme: World, dns: DnsThread, told: None) -> None:
    tasks.check_domains()
    for _ in range(2):
        come_due(dns, WRONG_PORT)
        assert tasks.check_domains() == 1
    kept = DomainCheck.objects.get()
    problem = f"{SRV} is 10 100 5099 edge.acme.test. instead of 10 100 5061 edge.acme.test."
    change = f"{SRV} (10 100 5061 edge.acme.test.): published, now different"
    assert (kept.state, kept.problems, kept.changes) == ("failing", [problem], [change])
    assert kept.changed_at < kept.checked_at
    (delivery,) = Delivery.objects.all()
    assert delivery.event == "domain.check_failed"
    assert delivery.body["domain"] == "example.com"
    assert delivery.body["problems"] == [problem]
    letters = Letter.objects.order_by("to")
    assert [each.to for each in letters] == ["admin@example.com", "owner@example.com"]
    assert letters[0].subject == "fedsip: example.com has a problem"
    assert problem in letters[0].body

    come_due(dns, ALL_WELL)
    tasks.check_domains()
    kept.refresh_from_db()
    assert (kept.state, kept.problems) == ("fine", [])
    assert f"No longer: {problem}" in kept.changes
    assert Delivery.objects.count() == 1


def test_a_dns_that_does_not_answer_is_no_failure(acme: World, dns: DnsThread, told: None) -> None:
    dns.server.zones = Zones({"acme.test": HOST})
    tasks.check_domains()
    kept = DomainCheck.objects.get()
    assert kept.state == "unknown"
    assert "unknown" in {each["state"] for each in kept.records}
    assert not Delivery.objects.exists()


def test_a_domain_with_a_certificate_of_its_own(
    acme: World, dns: DnsThread, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "other")
    path, _ = authority.issue(tmp_path / "node", "edge.acme.test")
    monkeypatch.setenv("FEDSIP_TLS_CERT", str(path))
    tasks.check_domains()
    assert DomainCheck.objects.get().problems == ["The certificate does not name example.com."]
    monkeypatch.setenv("FEDSIP_STATE_DIR", str(tmp_path))
    authority.issue(tmp_path / "tls" / "domains" / "example.com", "example.com")
    come_due(dns, ALL_WELL)
    tasks.check_domains()
    assert DomainCheck.objects.get().state == "fine"


def test_a_new_domain_with_problems_is_no_reason_for_letters(
    acme: World, dns: DnsThread, told: None
) -> None:
    come_due(dns, WRONG_PORT)
    tasks.check_domains()
    assert Delivery.objects.count() == 1
    assert not Letter.objects.exists()


def test_check_now_and_the_last_one_by_rest(acme: World, dns: DnsThread) -> None:
    viewer, admin = Api(acme.people["viewer"]), Api(acme.people["admin"])
    assert viewer.get("domains/example.com/check").status_code == 404
    assert viewer.post("domains/example.com/check").status_code == 403
    made = admin.post("domains/example.com/check")
    assert made.status_code == 200
    shown = viewer.get("domains/example.com/check").json()
    assert shown == made.json()
    assert (shown["domain"], shown["state"], shown["problems"]) == ("example.com", "fine", [])


def test_what_others_do_not_believe_of_a_certificate(tmp_path: Path) -> None:
    path, _ = Authority(tmp_path).issue(tmp_path / "tls", "sip.example.com")
    held = certificates.read(path)
    assert held is not None
    now = timezone.now()
    assert held.problems("sip.example.com", now) == []
    assert held.problems("example.com", now) == ["The certificate does not name example.com."]
    assert held.problems("sip.example.com", held.expires_at - timedelta(days=3)) == [
        f"The certificate expires on {held.expires_at:%Y-%m-%d}."
    ]
    assert held.problems("sip.example.com", held.expires_at) == [
        f"The certificate expired on {held.expires_at:%Y-%m-%d}."
    ]
    assert certificates.read(tmp_path / "nothing.pem") is None


def test_all_domains_of_a_tenant_are_checked_as_a_job(
    acme: World, rival: World, dns: DnsThread
) -> None:
    services.create_domain(acme.tenant, "nowhere.example")
    DomainCheck.objects.all().delete()
    admin = Visitor(acme.people["admin"])
    assert "It waits for its turn" in admin.sends("/t/acme/domains/check")
    job = Job.objects.get(kind="check_domains")
    assert jobs.work(job.pk) == "done"
    shown = admin.reads(f"/t/acme/users/jobs/{job.public_id}")
    assert "Done: 1 domains are fine, 1 have problems, 0 could not all be asked." in shown
    assert "nowhere.example" in shown
    assert not DomainCheck.objects.filter(domain=rival.domain).exists()


def test_operators_check_every_domain_and_stop_it(
    acme: World, rival: World, dns: DnsThread, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    DomainCheck.objects.all().delete()
    monkeypatch.setattr(sweeps, "DOMAINS_A_STEP", 1)
    visitor = Visitor(operator)
    visitor.sends("/platform/domains/check")
    job = Job.objects.get(kind="check_domains")
    assert jobs.step(job.pk)
    assert "1 of 2 domains are checked." in visitor.reads(f"/platform/jobs/{job.public_id}")
    visitor.sends(f"/platform/jobs/{job.public_id}/cancel")
    assert not jobs.step(job.pk)
    assert "cancelled" in visitor.reads("/platform/jobs/")
    assert DomainCheck.objects.get().domain == acme.domain
    owner = Visitor(acme.people["owner"])
    owner.reads(f"/t/acme/users/jobs/{job.public_id}")
    assert owner.status == 404


def test_the_page_says_what_the_zones_own_servers_have(acme: World) -> None:
    record = {"kind": "SRV", "name": "_sip._udp.example.com", "value": "x", "found": ["y"]}
    there, other = [record | {"state": "published"}], [record | {"state": "different"}]
    asked = [
        {"server": "one.test", "address": "192.0.2.1", "records": there},
        {"server": "two.test", "address": "192.0.2.2", "records": other},
        {
            "server": "three.test",
            "address": "",
            "records": [{**record, "state": "unknown", "found": ["its name has no address"]}],
        },
    ]  # fmt: skip
    DomainCheck.objects.create(domain=acme.domain, checked_at=timezone.now(), authorities=asked)
    visitor = Visitor(acme.people["viewer"])
    shown = visitor.reads(f"/t/acme/domains/{acme.domain.public_id}")
    rows = shown.partition("own servers say")[2].partition("</table>")[0].split("<tr>")[2:]
    said = [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in rows]
    assert said == [
        "one.test 192.0.2.1 all of them",
        "two.test 192.0.2.2 different SRV _sip._udp.example.com y",
        "three.test no answer its name has no address",
    ]
    check = Api(acme.people["viewer"]).get("domains/example.com/check").json()
    assert check["authorities"] == asked
