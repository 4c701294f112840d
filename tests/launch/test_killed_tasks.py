"""A worker that is killed while it delivers, posts, checks and exports: another does all of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.harness.dns_server import DnsThread, Zones
from tests.harness.site import Site
from tests.harness.waiting import wait_until
from tests.launch.test_killed_worker import broker, environment_of, run, worker

__all__ = ["broker"]

pytestmark = pytest.mark.e2e

USERS = 40_000
BEGIN = """
from fedsip_platform.directory import services
from fedsip_platform.tasks import jobs, letters
from fedsip_platform.tasks.models import Letter
from fedsip_platform.tenants.models import Tenant
from fedsip_platform.webhooks import services as webhooks
tenant = Tenant.objects.get()
webhook, _ = webhooks.create(tenant, "{origin}/hook", ["call.ended"])
webhooks.test(webhook)
letters.hand_over(Letter.objects.create(to="ann@example.org", subject="Hello", body="x").pk)
jobs.start("export_users", tenant, None, {{}})
"""
CHECK = """
from fedsip_platform.directory.models import Domain
from fedsip_platform.tasks import checks
checks.ask(Domain.objects.get())
"""
SWEEP = """
from fedsip_platform.tasks import checks, letters
letters.post_waiting.delay()
checks.check_left.delay()
"""


class Held:
    """Somebody who is asked and says nothing."""

    def __init__(self, kind: socket.SocketKind) -> None:
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(60)
        if kind == socket.SOCK_STREAM:
            self.socket.listen()
        self.port = self.socket.getsockname()[1]

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()


def at(site: Site) -> str:
    """Its address without a name, which not every resolver knows."""
    return f"http://127.0.0.1:{site.origin.rpartition(':')[2]}"


@pytest.fixture
def database(fresh_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A tenant with one domain and many users."""
    with psycopg.connect(fresh_url, autocommit=True) as connection:
        connection.execute(b"INSERT INTO tenants_tenant (name, slug) VALUES ('Acme', 'acme')")
        connection.execute(
            b"INSERT INTO directory_domain (tenant_id, name, vouched)"
            b" SELECT id, 'example.com', true FROM tenants_tenant"
        )
        connection.execute(
            b"INSERT INTO directory_subscriber (domain_id, username, aor, ha1_md5, ha1_sha256)"
            b" SELECT d.id, 'u' || n, 'u' || n || '@example.com', md5(n::text), ''"
            b" FROM directory_domain d, generate_series(1, %s) n",
            [USERS],
        )
        yield connection


@contextmanager
def held_export(url: str) -> Iterator[None]:
    """Meanwhile the export gets no further than its first 500 rows: the row that its second step is
    to write is there, and nobody knows whether it stays. In the end it does not."""
    with psycopg.connect(url) as connection:
        connection.execute(
            b"INSERT INTO tasks_chunk (job_id, is_result, number, rows, sealed)"
            b" SELECT id, true, 1, 0, '' FROM tasks_job"
        )
        yield
        connection.rollback()


def test_killed_worker_leaves_it_all_to_the_next(
    tmp_path: Path, broker: str, fresh_url: str, database: psycopg.Connection[tuple[object, ...]]
) -> None:
    def one(query: str) -> tuple[object, ...]:
        row = database.execute(query.encode()).fetchone()
        assert row is not None
        return row

    answers = threading.Event()

    def hook() -> tuple[str, str]:
        answers.wait(60)
        return "text/plain", "thanks"

    environment = environment_of(tmp_path, fresh_url, broker) | {"FEDSIP_WEB_WEBHOOK_PRIVATE": "on"}
    with (
        Held(socket.SOCK_STREAM) as mail,
        Held(socket.SOCK_DGRAM) as dns,
        Site("hooks", {"/hook": hook}) as site,
    ):
        silent = environment | {
            "FEDSIP_WEB_EMAIL_URL": f"smtp://ann:secret@127.0.0.1:{mail.port}",
            "FEDSIP_SIP_DNS_SERVERS": f"127.0.0.1:{dns.port}",
        }
        run(BEGIN.format(origin=at(site)), tmp_path, environment)
        with held_export(fresh_url):
            first = worker(tmp_path, silent, "first", processes=4)
            held, _ = mail.socket.accept()
            wait_until(lambda: bool(site.asked), "the webhook is under way")
            wait_until(
                lambda: one("SELECT done >= 500 FROM tasks_job") == (True,), "so is the export"
            )
            run(CHECK, tmp_path, environment)
            dns.socket.recvfrom(1000)
            first.kill()
        held.close()
    assert one("SELECT count(*), max(attempts) FROM tasks_letter") == (1, 0)
    assert one("SELECT state, attempts FROM webhooks_delivery") == ("waiting", 0)
    assert one("SELECT wanted_at IS NULL, checked_at IS NULL FROM federation_domaincheck") == (
        False, True,
    )  # fmt: skip
    state, done = one("SELECT state, done FROM tasks_job")
    assert state == "running"
    assert isinstance(done, int)
    assert done < USERS, "the export was done before the kill"
    database.execute(b"UPDATE webhooks_delivery SET due_at = now()")  # its lease is over
    database.execute(b"UPDATE federation_domaincheck SET wanted_at = now() - interval '1 min'")
    answers.set()
    zone = Zones({"example.com": "@ A 192.0.2.1"})
    with Site("hooks", {"/hook": hook}) as site, DnsThread(zone) as server:
        database.execute(b"UPDATE webhooks_webhook SET url = %s", [f"{at(site)}/hook"])
        talking = environment | {"FEDSIP_SIP_DNS_SERVERS": server.address}
        second = worker(tmp_path, talking, "second", processes=4)
        run(SWEEP, tmp_path, environment)
        wait_until(lambda: one("SELECT count(*) FROM tasks_letter") == (0,), "the letter is posted")
        wait_until(
            lambda: one("SELECT state FROM webhooks_delivery") == ("delivered",), "the webhook is"
        )
        wait_until(
            lambda: one("SELECT wanted_at IS NULL FROM federation_domaincheck") == (True,),
            "the domain is checked",
        )
        wait_until(
            lambda: one("SELECT state FROM tasks_job") == ("done",), "the export is done",
            within=240,
        )  # fmt: skip
        second.stop()
    assert one("SELECT done FROM tasks_job") == (USERS,)
    assert one("SELECT sum(rows) FROM tasks_chunk WHERE is_result") == (USERS,)
