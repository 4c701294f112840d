"""The figures of a tenant's first page: those of its own calls, once each."""

from __future__ import annotations

import json
import re

import pytest
from django.utils import timezone

from fedsip_platform.calls.models import CallRecord, LiveCall, Node, RegistrationSample
from fedsip_platform.directory import services
from fedsip_platform.federation.models import DomainCheck
from tests.platform.browsing import Visitor
from tests.platform.world import PASSWORD, World, make_call

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def chart(page: str, name: str) -> list[list[float | None]]:
    """The values of each of a chart's series."""
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', page)
    assert found is not None, name
    return [each["values"] for each in json.loads(found.group(1))["series"]]


def test_calls_and_their_sound_by_hour(acme: World, rival: World) -> None:
    make_call(acme.tenant, acme.domain, mos=4.0)
    make_call(acme.tenant, acme.domain, mos=3.0)
    make_call(acme.tenant, acme.domain, answered_at=None, status=486, reason="Busy Here")
    make_call(rival.tenant, rival.domain, mos=1.0)
    page = Visitor(acme.people["viewer"]).reads("/t/acme/")
    every, answered = chart(page, "calls-by-hour")
    assert (sum(n or 0 for n in every), sum(n or 0 for n in answered)) == (4, 3)
    (scores,) = chart(page, "quality-by-hour")
    assert [score for score in scores if score is not None] == [3.5]
    assert "Busy Here" in page
    assert '"1 (1 Busy Here)"' in page  # on hover


def test_devices_over_time(acme: World) -> None:
    viewer = Visitor(acme.people["viewer"])
    now = timezone.now()
    assert "registrations-over-time" not in viewer.reads("/t/acme/")
    for second, devices in ((0, 3), (1, 5)):
        at = now.replace(microsecond=second)
        RegistrationSample.objects.create(tenant=acme.tenant, at=at, devices=devices, users=1)
    assert chart(viewer.reads("/t/acme/"), "registrations-over-time") == [[3, 5]]


def test_why_calls_were_not_answered_adds_up(acme: World) -> None:
    make_call(acme.tenant, acme.domain, answered_at=None, status=487, reason="Request Terminated")
    make_call(acme.tenant, acme.domain, answered_at=None, status=486, reason="Busy Here")
    page = Visitor(acme.people["viewer"]).reads("/t/acme/")
    rows = page.partition("Why calls were not answered")[2].partition("</table>")[0]
    found = re.findall(r'status=(\d+)">([^<]+)</a>.*?class="number">(\d+)<', rows)
    assert found == [("486", "Busy Here", "1"), ("487", "Given up by the caller", "1")]


def test_a_new_tenant_sees_its_next_steps_and_no_figures(acme: World) -> None:
    CallRecord.objects.all().delete()
    DomainCheck.objects.all().delete()
    LiveCall.objects.all().delete()
    services.delete_subscriber(acme.user)
    admin = Visitor(acme.people["admin"])

    def done() -> str:
        page = admin.reads("/t/acme/")
        assert 'class="figures"' not in page
        assert 'hx-trigger="live:call from:body, live:registration from:body, live:check' in page
        return re.findall(r"(\d) of 5 steps", page)[0]

    assert done() == "1"
    assert f"/t/acme/domains/{acme.domain.public_id}" in admin.shown, "its records are there"
    user = services.create_subscriber(acme.domain, "zoe", PASSWORD)
    assert done() == "2"
    assert f"/t/acme/users/{user.public_id}" in admin.shown, "its settings are there"
    DomainCheck.objects.create(domain=acme.domain, state="fine", checked_at=timezone.now())
    assert done() == "3"


def test_the_worst_comes_first_with_the_way_to_mend_it(acme: World) -> None:
    now = timezone.now()
    Node.objects.create(
        node_id="a", started_at=now, seen_at=now, relays={"relay-1": {"is_alive": True}}
    )
    problems = ["The SRV record leads nowhere."]
    DomainCheck.objects.filter(domain=acme.domain).update(state="failing", problems=problems)
    address = f"/t/acme/domains/{acme.domain.public_id}"
    for role, word in (("admin", "Fix"), ("viewer", "Look")):
        page = Visitor(acme.people[role]).reads("/t/acme/")
        verdict = page.partition('<p class="verdict">')[2].partition("</p>")[0]
        assert "example.com: The SRV record leads nowhere." in verdict
        assert f'href="{address}">{word} ' in verdict
