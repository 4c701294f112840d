"""What dashboard and API cost at 100,000 users and 1,000,000 calls, and importing the users.

    .venv/bin/python -m tests.bench.pages [--only import|pages] [--users N] [--calls N]

Starts an embedded PostgreSQL of its own and speaks to the application in this process, without HTTP
server: sessions, permissions, queries, templates and JSON are in the figures, TLS is not. A second
tenant has a hundredth of everything; its number of queries stands beside that of the large one. CPU
is that of this process: on a busy machine it says more than the times do.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fedsip_platform.launch.postgres import EmbeddedPostgres
from tests.bench.machine import temporary_folder

ROOT = Path(__file__).resolve().parents[2]
# What is asked of each tenant; {slug} and {domain} are its own.
ASKED = {
    "dashboard: users": "/t/{slug}/users/",
    "dashboard: users, a name's part": "/t/{slug}/users/?q=berta+7",
    "dashboard: users by name": "/t/{slug}/users/?order=display_name",
    "dashboard: search": "/t/{slug}/search?q=u77",
    "dashboard: calls": "/t/{slug}/calls/",
    "dashboard: failed calls": "/t/{slug}/calls/?result=failed",
    "dashboard: one user's calls": "/t/{slug}/calls/?q=u77",
    "dashboard: overview": "/t/{slug}/",
    "dashboard: rules": "/t/{slug}/routing/",
    "API: users": "/api/v1/users?domain={domain}",
    "API: users, an address's beginning": "/api/v1/users?domain={domain}&q=u77",
    "API: users, a name's part": "/api/v1/users?domain={domain}&q=berta+7",
    "API: users, a name that nobody has": "/api/v1/users?domain={domain}&q=nobodyhasthis",
    "API: one user": "/api/v1/users/u77@{domain}",
    "API: calls": "/api/v1/calls?domain={domain}",
    "API: one user's calls": "/api/v1/calls?domain={domain}&address=u77@{domain}",
    "API: calls of an hour": "/api/v1/calls?domain={domain}&since={since}&until={until}",
    "API: usage": "/api/v1/tenants/{slug}/usage",
}
AT_ONCE = 10
"""So many times each page is asked for right after an import."""
NAMES = ("Anton", "Berta", "Caesar", "Dora", "Emil", "Friedrich", "Gustav")
USERS = """
    INSERT INTO directory_subscriber (
        domain_id, username, aor, display_name, ha1_md5, ha1_sha256
    )
    SELECT %(domain_id)s, 'u' || n, 'u' || n || '@' || %(domain)s,
        (%(names)s::text[])[1 + n %% 7] || ' ' || n, md5(n::text), ''
    FROM generate_series(0, %(users)s - 1) n
"""
CALLS = """
    INSERT INTO calls_callrecord (
        public_id, call_id, tenant_id, domain_id, caller, callee, request_uri, target,
        caller_address, hop, started_at, answered_at, ended_at, status, reason, ended_by, node_id,
        relay_id, user_agent
    )
    SELECT gen_random_uuid(), 'c' || n || '@' || %(domain)s, %(tenant_id)s, %(domain_id)s,
        'sip:u' || n %% %(users)s || '@' || %(domain)s,
        'sip:u' || n * 7 %% %(users)s || '@' || %(domain)s,
        'sip:u' || n * 7 %% %(users)s || '@' || %(domain)s, '', '192.0.2.1:5060', '', at,
        CASE WHEN n %% 5 > 0 THEN at + interval '5 s' END, at + interval '65 s',
        CASE WHEN n %% 5 > 0 THEN 200 ELSE 486 END, '', 'caller', 'a', '', 'a phone'
    FROM generate_series(1, %(calls)s) n,
        LATERAL (SELECT now() - n * (interval '30 days' / %(calls)s) AS at) AS times
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["import", "pages"], help="one of both")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=60)
    given = parser.parse_args()
    with temporary_folder() as folder:
        server = EmbeddedPostgres(folder)
        os.environ["DATABASE_URL"] = server.start()
        os.environ["FEDSIP_STATE_DIR"] = str(folder)
        os.environ["FEDSIP_WEB_API_PER_MINUTE"] = "1000000"
        os.environ["DJANGO_SETTINGS_MODULE"] = "fedsip_platform.settings"
        try:
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(migrate, cwd=ROOT, check=True)
            import django

            django.setup()
            from django.test.utils import setup_test_environment

            setup_test_environment()
            if given.only != "pages":
                import_users(*tenant_of("imported"), given.users)
            if given.only != "import":
                measure(given.users, given.calls, given.rounds)
            from django.db import connections

            connections.close_all()
        finally:
            server.stop()


def measure(users: int, calls: int, rounds: int) -> None:
    from django.db import connection
    from django.test import Client

    from fedsip_platform.people import services as people

    small, large = fill("small", users // 100, calls // 100), fill("large", users, calls)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")  # of the tables' owner, else it is passed over
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SET ROLE fedsip_app")
    client = Client()
    person = people.make_person("owner@bench.example", None)
    for tenant, _ in (small, large):
        people.join(tenant, person, "owner")
    client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
    heads = f"{'median':>10}{'p95':>10}{'CPU':>10}{'queries':>9}{'of the small one':>18}"
    print(f"{'':<38}{heads}")
    for what, address in ASKED.items():
        few = queries_of(client, filled(address, *small))
        many = queries_of(client, filled(address, *large))
        measured = [timed(client, filled(address, *large)) for _ in range(rounds)]
        times = sorted(took for took, _ in measured)
        median, late = statistics.median(times), times[int(len(times) * 0.95)]
        cpu = statistics.median(cpu for _, cpu in measured)
        figures = f"{median:>7.1f} ms{late:>7.1f} ms{cpu:>7.1f} ms{many:>9}{few:>18}"
        print(f"{what:<38}{figures}", flush=True)


def tenant_of(slug: str) -> tuple[Any, Any]:
    """A new tenant with one domain."""
    from fedsip_platform.directory import services

    tenant = services.create_tenant(slug.title(), slug)
    return tenant, services.create_domain(tenant, f"{slug}.example")


def import_users(tenant: Any, domain: Any, users: int) -> None:
    """By a job, as the dashboard and the API do it, here without a worker."""
    from fedsip_platform.people import services as people
    from fedsip_platform.tasks import jobs
    from fedsip_platform.tasks.models import Kind

    person = people.make_person(f"importer@{domain.name}", None)
    people.join(tenant, person, "owner")
    before = most_memory()
    began = time.perf_counter()
    options = {"mode": "what_is_fine"}
    job = jobs.start(Kind.IMPORT_USERS, tenant, person, options, rows(users, domain.name))
    taken_in = time.perf_counter() - began
    while jobs.step(job.pk):
        pass
    took = time.perf_counter() - began
    job.refresh_from_db()
    assert job.counted.get("created") == users, job.counted
    grew = (most_memory() - before) / 1024
    print(
        f"import of {users:,} users: {took:.1f} s ({taken_in:.1f} s until the job is accepted), "
        f"{users / took:,.0f} a second, memory + {grew:.0f} MiB",
        flush=True,
    )
    after_import(tenant, domain.name, person)


def after_import(tenant: Any, domain: str, person: Any) -> None:
    """The pages that look at the users, at once: autovacuum has not seen these tables yet."""
    from django.db import connection
    from django.test import Client

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE relname = 'directory_subscriber'"
        )
        print(f"PostgreSQL knows of {cursor.fetchone()[0]:,} users")
    client = Client()
    client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
    for what, address in ASKED.items():
        if "user" in what or "search" in what:
            times = [timed(client, filled(address, tenant, domain))[0] for _ in range(AT_ONCE)]
            first, *rest = times
            print(f"{what:<38}{first:>7.1f} ms, then {max(rest):>7.1f} ms at most", flush=True)


def fill(slug: str, users: int, calls: int) -> tuple[Any, str]:
    """A tenant with so many users and calls, by SQL; its domain's name."""
    from django.db import connection

    tenant, domain = tenant_of(slug)
    values = {"domain": domain.name, "tenant_id": tenant.pk, "domain_id": domain.pk}
    with connection.cursor() as cursor:
        cursor.execute(USERS, values | {"users": users, "names": list(NAMES)})
        cursor.execute(CALLS, values | {"users": users, "calls": calls})
    return tenant, domain.name


def rows(users: int, domain: str) -> Iterator[dict[str, Any]]:
    for number in range(users):
        name = f"{NAMES[number % len(NAMES)]} {number}"
        yield {
            "address": f"u{number}@{domain}",
            "password": f"a password {number}",
            "display_name": name,
        }


def most_memory() -> int:
    """The most that this process has held so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def filled(address: str, tenant: Any, domain: str) -> str:
    from datetime import timedelta

    from django.utils import timezone

    until = timezone.now() - timedelta(days=10)
    moments = {"since": until - timedelta(hours=1), "until": until}
    shown = {name: moment.strftime("%Y-%m-%dT%H:%M:%SZ") for name, moment in moments.items()}
    return address.format(slug=tenant.slug, domain=domain, **shown)


def ask(client: Any, address: str) -> None:
    answer = client.get(address, secure=True)
    assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.content[:500]!r}"


def timed(client: Any, address: str) -> tuple[float, float]:
    """Milliseconds until the answer is there, and those of CPU in this process."""
    began, used = time.perf_counter(), time.process_time()
    ask(client, address)
    return (time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000


def queries_of(client: Any, address: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    ask(client, address)
    with CaptureQueriesContext(connection) as captured:
        ask(client, address)
    return len(captured)


if __name__ == "__main__":
    main()
