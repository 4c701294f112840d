"""What provisioning costs: 100,000 users in one domain, with and without the change triggers.

    .venv/bin/python tests/bench/directory.py [USERS]

Starts an embedded PostgreSQL of its own, as durable as in production, and prints figures only.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from fedsip_platform.launch.postgres import EmbeddedPostgres  # noqa: E402
from tests.bench.machine import temporary_folder  # noqa: E402

PROBES = 200


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    print(f"{what:<62}{(time.perf_counter() - began) * 1000:>12.1f} ms", flush=True)


def main(users: int) -> None:
    with temporary_folder() as folder:
        server = EmbeddedPostgres(folder)
        os.environ["DATABASE_URL"] = server.start()
        os.environ["FEDSIP_STATE_DIR"] = str(folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "fedsip_platform.settings"
        try:
            with timed("migrate an empty database"):
                migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
                subprocess.run(migrate, cwd=ROOT, check=True)
            import django

            django.setup()
            measure(users)
            from django.db import connections

            connections.close_all()
        finally:
            server.stop()


def measure(users: int) -> None:
    from django.db import connection

    from fedsip_platform.directory import imports, services
    from fedsip_platform.directory.models import Domain, Subscriber
    from fedsip_platform.tenants.models import Tenant

    tenant = services.create_tenant("Bench", "bench")
    domain = services.create_domain(tenant, "bench.example")

    def execute(query: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(query)

    insert = (
        "INSERT INTO directory_subscriber (domain_id, username, aor, ha1_md5, ha1_sha256)"
        f" SELECT {domain.pk}, 'u' || n, 'u' || n || '@bench.example', md5(n::text), ''"
        f" FROM generate_series(1, {users}) n"
    )
    with timed(f"{users:,} users by one INSERT"):
        execute(insert)
    with timed("... UPDATE of all"):
        execute("UPDATE directory_subscriber SET note = 'x'")
    with timed("... DELETE of all"):
        execute("DELETE FROM directory_subscriber")
    execute("ALTER TABLE directory_subscriber DISABLE TRIGGER USER")
    with timed("the same INSERT without triggers"):
        execute(insert)
    execute("DELETE FROM directory_subscriber")
    execute("ALTER TABLE directory_subscriber ENABLE TRIGGER USER")

    with timed(f"{users:,} users by imports.create_subscribers, HA1 computed"):
        imports.create_subscribers(
            domain,
            (imports.NewSubscriber(f"u{n}", f"password {n}", f"User {n}") for n in range(users)),
        )
    with timed("disable the tenant"):
        services.update_tenant(tenant, enabled=False)
    with timed("enable the tenant"):
        services.update_tenant(tenant, enabled=True)

    one_by_one(domain)
    by_rest()
    with timed("delete the domain with all its users"):
        services.delete_domain(Domain.objects.get(pk=domain.pk))
    assert not Subscriber.objects.exists()
    assert Tenant.objects.exists()


def show(what: str, times: list[float]) -> None:
    ordered = sorted(times)
    median = statistics.median(ordered) * 1000
    late = ordered[int(len(ordered) * 0.95)] * 1000
    print(f"{what:<62}{median:>12.2f} ms median, {late:.2f} ms p95", flush=True)


def one_by_one(domain) -> None:
    from fedsip_platform.directory import services

    times = []
    for number in range(PROBES):
        began = time.perf_counter()
        services.create_subscriber(domain, f"single{number}", "a good password")
        times.append(time.perf_counter() - began)
    show("one user by services.create_subscriber", times)


def by_rest() -> None:
    from django.test import Client
    from django.test.utils import setup_test_environment

    from fedsip_platform.api import throttles, tokens
    from fedsip_platform.tenants.models import Person

    setup_test_environment()
    person = Person.objects.create_user("bench@example.org", "a bench's password", is_operator=True)
    _, text = tokens.create(person, "bench", "write")
    client = Client(headers={"Authorization": f"Bearer {text}"})
    calls = {
        "GET one user": ("get", "/api/v1/users/u77@bench.example", None),
        "GET a page of 100 users": ("get", "/api/v1/users", None),
        "GET a page of 100 users by beginning": ("get", "/api/v1/users?q=u77", None),
        "GET the domains with their user counts": ("get", "/api/v1/domains", None),
        "PATCH one user": ("patch", "/api/v1/users/u77@bench.example", {"note": "x"}),
    }
    for what, (method, address, body) in calls.items():
        times = []
        for _ in range(PROBES):
            throttles._buckets = throttles.Buckets()
            began = time.perf_counter()
            given = {"data": body, "content_type": "application/json"} if body else {}
            answer = getattr(client, method)(address, secure=True, **given)
            times.append(time.perf_counter() - began)
            assert answer.status_code == 200, answer.content
        show(f"REST, in process: {what}", times)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
