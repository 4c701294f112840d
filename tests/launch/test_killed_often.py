"""Workers that are killed again and again while they do every kind of work: what is there in the
end is all of it, and once. Letters and webhooks go out at least once."""

from __future__ import annotations

import socketserver
import threading
from pathlib import Path

import psycopg
import pytest

from tests.harness.dns_server import DnsThread, Zones
from tests.harness.site import Site
from tests.harness.waiting import wait_until
from tests.launch.test_killed_tasks import at
from tests.launch.test_killed_worker import broker, environment_of, run, worker

__all__ = ["broker"]

pytestmark = pytest.mark.e2e

KILLS = 3
PROCESSES = 4
ROWS, USERS, CALLS, CHANGES, DOMAINS, LETTERS, DELIVERIES = (
    6000,
    30_000,
    20_000,
    20_000,
    200,
    40,
    40,
)
BEGIN = """
from fedsip_platform.people import services as people
from fedsip_platform.tasks import jobs, letters
from fedsip_platform.tasks.models import Kind, Letter
from fedsip_platform.tenants.models import Tenant
from fedsip_platform.webhooks import services as webhooks
tenant = Tenant.objects.get()
webhook, _ = webhooks.create(tenant, ORIGIN + "/hook", ["call.ended"])
for _ in range(DELIVERIES):
    webhooks.test(webhook)
for number in range(LETTERS):
    made = Letter.objects.create(to="ann@example.org", subject=f"No. {number}", body="x")
    letters.hand_over(made.pk)
person = people.make_person("admin@example.com", None, is_operator=True)
rows = [{"address": f"n{n}@d0.test", "password": f"password {n}"} for n in range(ROWS)]
jobs.start("import_users", tenant, person, {"mode": "what_is_fine"}, rows)
jobs.start("export_users", tenant, None, {"domain": "d1.test"})
jobs.start("export_calls", tenant, None, {"asked": {}})
jobs.start("export_audit", tenant, None, {"asked": {"kind": "walked"}})
jobs.start("check_domains", tenant, None, {})
assert {job.kind for job in tenant.jobs.all()} == set(Kind.values)
"""
AGAIN = """
from fedsip_platform.tasks import letters, observing
observing.forget_calls.delay()
letters.post_waiting.delay()
"""
FILLED = (
    ("INSERT INTO tenants_tenant (name, slug) VALUES ('Acme', 'acme')", ()),
    (
        "INSERT INTO directory_domain (tenant_id, name, vouched) SELECT t.id, 'd' || n || '.test',"
        " true FROM tenants_tenant t, generate_series(0, %s) n",
        (DOMAINS - 1,),
    ),
    (
        "INSERT INTO directory_subscriber (domain_id, username, aor, ha1_md5, ha1_sha256)"
        " SELECT d.id, 'u' || n, 'u' || n || '@d1.test', md5(n::text), ''"
        " FROM directory_domain d, generate_series(1, %s) n WHERE d.name = 'd1.test'",
        (USERS,),
    ),
    (
        "INSERT INTO audit_entry (public_id, tenant_id, actor, via, action, kind, key, changes,"
        " as_operator, token, request_id) SELECT gen_random_uuid(), t.id, 'x', 'cli', 'change',"
        " 'walked', 'k' || n, '{}', false, '', '' FROM tenants_tenant t, generate_series(1, %s) n",
        (CHANGES,),
    ),
)
CALL = (
    "INSERT INTO calls_callrecord (public_id, call_id, tenant_id, domain_id, caller, callee,"
    " request_uri, started_at, ended_at, status, reason)"
    " SELECT gen_random_uuid(), %s || n, d.tenant_id, d.id, 'sip:a@d0.test', 'sip:b@d0.test',"
    " 'sip:b@d0.test', began, began, 200, 'BYE' FROM directory_domain d, generate_series(1, %s) n,"
    " LATERAL (SELECT now() - make_interval(days => %s, secs => n) AS began) AS moment"
    " WHERE d.name = 'd0.test'"
)


class MailServer:
    """Takes every letter (RFC 5321) and keeps its subject."""

    def __init__(self) -> None:
        self.subjects: list[str] = []
        subjects = self.subjects

        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 ready\r\n")
                in_letter = False
                for line in self.rfile:
                    if in_letter:
                        in_letter = line != b".\r\n"
                        if line.startswith(b"Subject: "):
                            subjects.append(line[9:].decode().strip())
                        if in_letter:
                            continue
                    in_letter = line.upper().startswith(b"DATA")
                    is_end = line.upper().startswith(b"QUIT")
                    self.wfile.write(b"354 go on\r\n" if in_letter else b"250 fine\r\n")
                    if is_end:
                        return

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self) -> MailServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_all_work_survives_one_kill_after_the_other(
    tmp_path: Path, broker: str, fresh_url: str
) -> None:
    amounts = {"ROWS": ROWS, "LETTERS": LETTERS, "DELIVERIES": DELIVERIES}
    with (
        psycopg.connect(fresh_url, autocommit=True) as database,
        MailServer() as mail,
        DnsThread(Zones({f"d{n}.test": "@ A 192.0.2.1" for n in range(DOMAINS)})) as dns,
        Site("hooks", {"/hook": lambda: ("text/plain", "thanks")}) as site,
    ):

        def ask(query: str) -> list[tuple[object, ...]]:
            return database.execute(query.encode()).fetchall()

        def progress() -> list[tuple[object, ...]]:
            return ask("SELECT kind, done, position FROM tasks_job ORDER BY kind")

        environment = environment_of(tmp_path, fresh_url, broker) | {
            "FEDSIP_WEB_WEBHOOK_PRIVATE": "on",
            "FEDSIP_WEB_EMAIL_URL": f"smtp+plain://127.0.0.1:{mail.port}",
            "FEDSIP_SIP_DNS_SERVERS": dns.address,
        }
        for statement, values in FILLED:
            database.execute(statement.encode(), values)
        database.execute(CALL.encode(), ("new", CALLS, 1))
        database.execute(CALL.encode(), ("old", CALLS, 4000))
        database.execute(b"UPDATE calls_callrecord SET tenant_id = NULL WHERE call_id LIKE 'old%'")
        named = "".join(f"{name} = {value!r}\n" for name, value in amounts.items())
        run(f"ORIGIN = {at(site)!r}\n{named}{BEGIN}", tmp_path, environment)
        for number in range(KILLS):
            run(AGAIN, tmp_path, environment)
            before = progress()
            doomed = worker(tmp_path, environment, f"doomed{number}", processes=PROCESSES)
            wait_until(lambda before=before: progress() != before, "jobs go on", within=120)
            doomed.kill()
            assert ask("SELECT 1 FROM tasks_job WHERE finished_at IS NULL"), "all was done before"
        database.execute(b"UPDATE webhooks_delivery SET due_at = now()")  # leases are over
        database.execute(b"UPDATE tasks_job SET touched_at = now() - interval '1 min'")
        run(AGAIN, tmp_path, environment)
        last = worker(tmp_path, environment, "last", processes=PROCESSES)
        for query, what in (
            ("SELECT 1 FROM tasks_job WHERE state <> 'done'", "all jobs are done"),
            ("SELECT 1 FROM tasks_letter", "all letters are posted"),
            ("SELECT 1 FROM webhooks_delivery WHERE state <> 'delivered'", "all is told"),
            ("SELECT 1 FROM calls_callrecord WHERE call_id LIKE 'old%'", "old calls are gone"),
        ):
            wait_until(lambda query=query: not ask(query), what, within=240)
        last.stop()
        assert ask(
            "SELECT j.kind, j.done::int, coalesce(sum(c.rows), 0)::int FROM tasks_job j"
            " LEFT JOIN tasks_chunk c ON c.job_id = j.id AND c.is_result GROUP BY j.id ORDER BY 1"
        ) == [
            ("check_domains", DOMAINS, 0),
            ("export_audit", CHANGES, CHANGES),
            ("export_calls", CALLS, CALLS),
            ("export_users", USERS, USERS),
            ("import_users", ROWS, 0),
        ]
        made = "FROM audit_entry WHERE kind = 'user' AND action = 'create'"
        assert ask(f"SELECT count(*)::int, count(DISTINCT key)::int {made}") == [(ROWS, ROWS)]
        counted = (
            "SELECT sum(value::int)::int FROM tasks_job, jsonb_each_text(counted) WHERE kind ="
        )
        assert ask(f"{counted} 'check_domains'") == [(DOMAINS,)]
        assert ask(f"{counted} 'import_users'") == [(ROWS,)]
        assert ask("SELECT count(*)::int FROM directory_subscriber") == [(USERS + ROWS,)]
        assert ask("SELECT count(*)::int FROM calls_callrecord") == [(CALLS,)]
        assert ask("SELECT count(*)::int FROM webhooks_delivery") == [(DELIVERIES,)]
        assert set(mail.subjects) == {f"No. {number}" for number in range(LETTERS)}
        # One that a worker had in hand when it was killed may go out again, and no other.
        assert len(mail.subjects) <= LETTERS + KILLS * PROCESSES
