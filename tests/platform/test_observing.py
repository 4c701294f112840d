"""What the worker counts, closes and forgets of what was seen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.schedules import maybe_schedule
from django.conf import settings
from django.utils import timezone

from fedsip_platform.calls.models import (
    CallRecord,
    FailedSignIn,
    KeptMessages,
    LiveCall,
    Node,
    RegistrationSample,
)
from fedsip_platform.celery import app
from fedsip_platform.directory import services
from fedsip_platform.tasks import observing
from tests.platform.world import World, make_call, make_message

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def test_samples_count_each_tenant_once(acme: World, rival: World) -> None:
    rival.live_call.delete()
    assert observing.sample_registrations() == 2
    assert observing.sample_registrations() == 0
    found = RegistrationSample.objects.order_by("tenant__slug")
    assert [(one.devices, one.users, one.calls) for one in found] == [(1, 1, 1), (1, 1, 0)]


def test_calls_of_a_lost_proxy_are_closed_where_it_was_last_seen(acme: World) -> None:
    now = timezone.now()
    seen = now - timedelta(minutes=6)
    LiveCall.objects.filter(pk=acme.live_call.pk).update(
        answered_at=now - timedelta(minutes=10), started_at=now - timedelta(minutes=11)
    )
    Node.objects.create(node_id="a", started_at=now, seen_at=now)
    assert observing.close_lost_calls() == 0
    Node.objects.update(seen_at=seen)
    assert observing.close_lost_calls() == 1
    closed = CallRecord.objects.get(public_id=acme.live_call.public_id)
    assert (closed.status, closed.reason, closed.ended_by) == (200, "Proxy lost", "proxy")
    assert closed.ended_at == seen
    assert not LiveCall.objects.exists()


def test_messages_are_kept_as_long_as_their_domain_says(acme: World) -> None:
    def message(days: int, domain_id: int | None) -> None:
        at = timezone.now() - timedelta(days=days)
        make_message("x", at, domain_id=domain_id)

    services.update_domain(acme.domain, trace_days=20)
    brief = services.create_domain(acme.tenant, "brief.example.com", trace_days=2)
    for domain, days in ((acme.domain, 19), (acme.domain, 21), (brief, 1), (brief, 3)):
        message(days, domain.pk)
    message(1, 10**9)
    assert observing.forget_messages() == 3
    kept = {one.domain: timezone.now() - one.at for one in KeptMessages.objects.all()}
    assert {domain: age.days for domain, age in kept.items()} == {acme.domain: 19, brief: 1}


def test_old_calls_are_forgotten(acme: World) -> None:
    old = timezone.now() - timedelta(days=settings.WEB.call_days + 1)
    make_call(acme.tenant, acme.domain, started_at=old)
    assert observing.forget_calls() == 1
    assert CallRecord.objects.get() == acme.call


def test_old_samples_become_coarse(acme: World) -> None:
    at = (timezone.now() - timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    for minutes in (0, 5, 55):
        RegistrationSample.objects.create(tenant=acme.tenant, at=at + timedelta(minutes=minutes))
    FailedSignIn.objects.update(hour=timezone.now() - timedelta(days=31))
    assert observing.forget_observations() == 1
    assert RegistrationSample.objects.get().at == at


def test_each_task_has_its_time() -> None:
    app.loader.import_default_modules()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks
        assert maybe_schedule(entry["schedule"])
