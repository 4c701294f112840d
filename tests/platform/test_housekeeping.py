"""What the periodic tasks forget, and what they must not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.schedules import maybe_schedule
from django.conf import settings
from django.db import connection
from django.utils import timezone

from fedsip_platform.calls.models import BlockedSource, Node
from fedsip_platform.celery import app
from fedsip_platform.location.models import Binding
from fedsip_platform.tasks import housekeeping
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def one(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


HORIZON = "SELECT xid::text::bigint FROM directory_change_horizon"


def test_changes_are_pruned_and_the_horizon_moves(acme: World) -> None:
    amount = one("SELECT count(*) FROM proxy_change")
    published = one(HORIZON)
    assert amount > 0
    assert housekeeping.prune_changes() == 0
    assert one(HORIZON) == published
    with connection.cursor() as cursor:
        cursor.execute("UPDATE directory_change SET changed_at = now() - interval '61 minutes'")
        cursor.execute("INSERT INTO directory_change (kind, row_id) VALUES ('domain', 1)")
    assert housekeeping.prune_changes() == amount
    assert one("SELECT count(*) FROM proxy_change") == 1
    assert one(HORIZON) == one("SELECT pg_current_xact_id()::text::bigint + 1")
    assert housekeeping.prune_changes() == 0


def test_horizon_of_another_cluster_counts_for_nothing(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE directory_change_horizon SET xid = '99999999999'")
    assert one("SELECT xid::text::bigint FROM proxy_watermark") == 0


def test_tombstones_stay_for_a_day(acme: World) -> None:
    now = timezone.now()

    def age(**hours: float) -> None:
        changes = {name: now - timedelta(hours=value) for name, value in hours.items()}
        Binding.objects.update(**changes)

    Binding.objects.update(deleted=True)
    age(updated_at=23)
    assert housekeeping.prune_bindings() == 0
    age(updated_at=25)
    assert housekeeping.prune_bindings() == 1


def test_expired_bindings_stay_for_a_day(acme: World) -> None:
    Binding.objects.update(expires_at=timezone.now() - timedelta(hours=23))
    assert housekeeping.prune_bindings() == 0
    Binding.objects.update(expires_at=timezone.now() - timedelta(hours=25))
    assert housekeeping.prune_bindings() == 1


def test_bindings_of_another_cluster_get_true_numbers(acme: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE location_binding DISABLE TRIGGER binding_stamped")
        cursor.execute("UPDATE location_binding SET xid = '99999999999'")
        cursor.execute("ALTER TABLE location_binding ENABLE TRIGGER binding_stamped")
    housekeeping.prune_bindings()
    assert one("SELECT xid::text::bigint FROM proxy_binding") == one(
        "SELECT pg_current_xact_id()::text::bigint"
    )


def test_dead_nodes_and_old_blocks_are_forgotten(db: None) -> None:
    now = timezone.now()
    for node_id, hours in (("live", 0), ("dead", 25)):
        seen = now - timedelta(hours=hours)
        Node.objects.create(node_id=node_id, started_at=seen, seen_at=seen)
        BlockedSource.objects.create(address=f"192.0.2.{hours}", reason="flood", blocked_until=seen)
    assert housekeeping.forget_nodes() == 1
    assert [node.node_id for node in Node.objects.all()] == ["live"]
    assert BlockedSource.objects.count() == 1
    housekeeping.forget_sign_ins()


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks
        assert maybe_schedule(entry["schedule"]).run_every >= timedelta(seconds=1)
