"""The figures of a tenant's first page: those of its own calls, once each."""

from __future__ import annotations

import json
import re

import pytest
from django.utils import timezone

from fedsip_platform.calls.models import RegistrationSample
from tests.platform.browsing import Visitor
from tests.platform.world import World, make_call

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
