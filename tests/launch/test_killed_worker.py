"""A worker that is killed in the middle of a job loses nothing, and does nothing twice; whether the
broker is the embedded one or RabbitMQ."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fedsip_platform.launch.redis import EmbeddedRedis
from fedsip_platform.launch.state import StateFolder
from tests.harness.processes import Program
from tests.harness.rabbitmq import RabbitMq
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
AMOUNT = 6000

MAKE_JOB = f"""
from fedsip_platform.directory import services
from fedsip_platform.people import services as people
from fedsip_platform.tasks import jobs
tenant = services.create_tenant("Acme", "acme")
services.create_domain(tenant, "example.com")
person = people.make_person("admin@example.com", None, is_operator=True)
numbers = range({AMOUNT})
rows = ({{"address": f"u{{n}}@example.com", "password": f"password {{n}}"}} for n in numbers)
jobs.start("import_users", tenant, person, {{"mode": "what_is_fine"}}, rows)
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    state = StateFolder(tmp_path / "state")
    state.log.mkdir(parents=True)
    server = EmbeddedRedis(state)
    yield server.start()
    server.stop()


@pytest.fixture(params=["redis", "rabbitmq"])
def each_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "redis":
        yield request.getfixturevalue("broker")
    else:
        with RabbitMq(tmp_path / "rabbitmq") as server:
            yield server.url


def worker(folder: Path, environment: dict[str, str], name: str, *, processes: int = 1) -> Program:
    """A worker with its timetable, once it serves."""
    words = [sys.executable, "-m", "celery", "-A", "fedsip_platform.celery", "worker", "--beat"]
    program = Program(
        [*words, "--pool", "prefork", "--concurrency", str(processes), "--loglevel", "info"],
        log=folder / f"{name}.log",
        env=environment,
        cwd=ROOT,
    )
    program.awaits(r"^ready worker")
    return program


def run(script: str, folder: Path, environment: dict[str, str]) -> None:
    """Run lines of Python inside the platform."""
    shell = Program(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", script],
        log=folder / "shell.log",
        env=environment,
        cwd=ROOT,
    )
    assert shell.wait(within=120) == 0, (folder / "shell.log").read_text()


def environment_of(folder: Path, database_url: str, broker: str) -> dict[str, str]:
    """Ours, with no setting of fedsip's but those of a platform there."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("FEDSIP_")},
        "DATABASE_URL": database_url,
        "FEDSIP_BROKER_URL": broker,
        "FEDSIP_STATE_DIR": str(folder),
        "FEDSIP_WEB_SECRET_KEY": os.environ["FEDSIP_WEB_SECRET_KEY"],
    }


def test_killed_worker_loses_nothing(tmp_path: Path, each_broker: str, fresh_url: str) -> None:
    environment = environment_of(tmp_path, fresh_url, each_broker)
    run(MAKE_JOB, tmp_path, environment)
    with psycopg.connect(fresh_url, autocommit=True) as database:

        def progress() -> tuple[str, int]:
            row = database.execute("SELECT state, done FROM tasks_job").fetchone()
            assert row is not None
            return row[0], row[1]

        first = worker(tmp_path, environment, "first")
        wait_until(lambda: progress()[1] >= 1000, "the job is under way")
        first.kill()
        state, done = progress()
        assert state == "running"
        assert done < AMOUNT, "the worker was done before it could be killed"
        second = worker(tmp_path, environment, "second")
        wait_until(lambda: progress()[0] == "done", "the second worker has finished the job")
        second.stop()
        users = database.execute("SELECT count(*) FROM directory_subscriber").fetchone()
        made = database.execute(
            "SELECT count(*), count(DISTINCT key) FROM audit_entry"
            " WHERE kind = 'user' AND action = 'create'"
        ).fetchone()
        counted = database.execute("SELECT counted FROM tasks_job").fetchone()
        left = database.execute("SELECT count(*) FROM tasks_chunk").fetchone()
    assert users == (AMOUNT,)
    assert made == (AMOUNT, AMOUNT)
    assert counted is not None
    assert json.loads(json.dumps(counted[0]))["created"] == AMOUNT
    assert left == (0,)
