"""What pages ask about calls: right figures, each by one SQL query."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from fedsip_platform.calls import queries
from fedsip_platform.calls.models import CallRecord, RegistrationSample
from tests.platform.world import World, make_call

pytestmark = [pytest.mark.db, pytest.mark.django_db]

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def add(world: World, minutes: int, status: int = 200, **fields: Any) -> CallRecord:
    """A call that began so many minutes after noon; answered for a minute when it was a success."""
    began = NOON + timedelta(minutes=minutes)
    answered = began if status == 200 else None
    reasons = {200: "BYE", 486: "Busy Here", 487: "Request Terminated", 404: "Not Found"}
    times = {"started_at": began, "answered_at": answered, "ended_at": began + timedelta(minutes=1)}
    return make_call(
        world.tenant, world.domain, status=status, reason=reasons[status], **times, **fields
    )


@pytest.fixture
def calls(acme: World) -> Any:
    CallRecord.objects.all().delete()
    for minutes, status in ((1, 200), (5, 200), (6, 486), (59, 487), (61, 486), (125, 404)):
        add(acme, minutes, status, mos=4.0 if minutes == 1 else None)
    return CallRecord.objects.all()


def test_calls_by_hour(calls: Any, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        found = queries.calls_by_hour(
            calls, since=NOON - timedelta(minutes=30), until=NOON + timedelta(hours=3)
        )
    assert [(one.hour.hour, one.answered, one.all_failed) for one in found] == [
        (11, 0, 0), (12, 2, 2), (13, 0, 1), (14, 0, 1),
    ]  # fmt: skip
    assert found[1].failed == {
        queries.Failure(486, "Busy Here"): 1,
        queries.Failure(487, "Request Terminated"): 1,
    }
    assert [one.mos for one in found] == [None, 4.0, None, None]
    all_day = queries.together(found)
    assert (all_day.calls, all_day.answered, all_day.all_failed, all_day.mos) == (6, 2, 4, 4.0)
    assert queries.failure_reasons(all_day) == [
        (queries.Failure(486, "Busy Here"), 2),
        (queries.Failure(404, "Not Found"), 1),
    ]


def test_registrations_over_time(acme: World, rival: World) -> None:
    for world, devices in ((acme, 3), (rival, 4)):
        RegistrationSample.objects.create(tenant=world.tenant, at=NOON, devices=devices, users=2)
    both = queries.registrations_over_time(RegistrationSample.objects.all(), since=NOON)
    assert both == [queries.Sample(NOON, 7, 4, 0)]


def test_last_calls(calls: Any) -> None:
    found = queries.last_calls(calls, ["alice@example.com", "bob@example.com"])
    assert found == {"alice@example.com": NOON + timedelta(minutes=125)}
