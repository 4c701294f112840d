"""After many users have come in, by whatever way, PostgreSQL knows its tables at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from fedsip_platform.directory import bulk
from fedsip_platform.directory.imports import NewSubscriber, create_subscribers
from fedsip_platform.moving import sources, tables
from fedsip_platform.tasks import jobs
from fedsip_platform.tasks.models import Kind
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

HEAD = "address,password\n"


def names(amount: int) -> Iterator[str]:
    return (f"u{number}" for number in range(amount))


def by_a_job(world: World, amount: int, folder: Path) -> None:
    rows = [
        {"address": f"{name}@{world.domain}", "password": "a good password"}
        for name in names(amount)
    ]
    options = {"mode": "what_is_fine"}
    job = jobs.start(Kind.IMPORT_USERS, world.tenant, world.people["admin"], options, rows)
    assert jobs.work(job.pk) == "done"


def by_the_command(world: World, amount: int, folder: Path) -> None:
    path = folder / "users.csv"
    path.write_text(
        HEAD + "".join(f"{name}@{world.domain},a good password\n" for name in names(amount))
    )
    call_command("user", "load", str(path))


def by_one_copy(world: World, amount: int, folder: Path) -> None:
    create_subscribers(
        world.domain, (NewSubscriber(name, "a good password") for name in names(amount))
    )


def by_moving_in(world: World, amount: int, folder: Path) -> None:
    path = folder / "subscriber.csv"
    lines = "".join(f"{name},{world.domain},a good password\n" for name in names(amount))
    path.write_text("username,domain,password\n" + lines)
    assert not tables.bring_in([sources.read(path)], world.tenant).problems


def known() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'directory_subscriber'")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("bring", [by_a_job, by_the_command, by_one_copy, by_moving_in])
def test_many_are_known(
    acme: World,
    tmp_path: Path,
    bring: Callable[[World, int, Path], None],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        bring(acme, bulk.MANY, tmp_path)
    assert known() >= bulk.MANY


def test_of_a_few_nothing_is_made(acme: World, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks() as later:
        bulk.settle({bulk.CREATED: bulk.MANY - 1})
    assert later == []
