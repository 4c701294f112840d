"""fedsip job"""

from __future__ import annotations

from pathlib import Path

import pytest

from fedsip_platform.tasks import jobs
from fedsip_platform.tasks.models import Job, Kind
from fedsip_platform.tenants.models import Tenant
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


def test_jobs_are_seen_and_cancelled(acme: Fedsip) -> None:
    job = jobs.start(Kind.EXPORT_USERS, Tenant.objects.get(slug="acme"), None, {})
    key = str(job.public_id)
    (listed,) = acme("job", "list", "--state", "waiting", "--tenant", "acme", "--json").json
    assert (listed["id"], listed["kind"], listed["tenant"]) == (key, "export_users", "acme")
    assert acme("job", "show", key, "--json").json["problems"] == []
    assert acme("job", "cancel", key).said == "the export of users is cancelled.\n"
    again = acme("job", "cancel", key)
    assert (again.code, again.complained) == (1, "fedsip: This job is cancelled already.\n")


def test_problems_are_told_row_by_row(acme: Fedsip) -> None:
    rows = [{"address": "a b@example.com", "password": "a good password"}]
    job = jobs.start(
        Kind.IMPORT_USERS, Tenant.objects.get(slug="acme"), None, {"mode": "check"}, rows
    )
    jobs.work(job.pk)
    assert "row 1: " in acme("job", "show", str(job.public_id)).said


@pytest.mark.parametrize("key", ["x", "7b1ec3f2-5d7a-4f8d-8d8c-0d5f5a8f7f10"])
def test_there_is_no_such_job(acme: Fedsip, key: str) -> None:
    refused = acme("job", "show", key)
    assert (refused.code, refused.complained) == (
        1,
        f"fedsip: there is no job {key}; ./fedsip job list\n",
    )


def test_import_and_export_by_a_worker(acme: Fedsip, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("address,password,display_name\nann@example.com,a good password,Ann\n")
    made = acme("job", "import", str(file), "--tenant", "acme", "--json").json
    assert (made["kind"], made["total"], made["percent"]) == ("import_users", 1, 0)
    jobs.work(Job.objects.get(public_id=made["id"]).pk)
    assert acme("job", "show", made["id"], "--json").json["counted"]["created"] == 1
    assert acme("job", "result", made["id"]).code == 1
    key = acme("job", "export", "--tenant", "acme", "--domain", "example.com", "--json").json["id"]
    jobs.work(Job.objects.get(public_id=key).pk)
    assert acme("job", "result", key).said.splitlines()[1] == "ann@example.com,Ann,true,,,,,,"
    (shown,) = acme("job", "result", key, "--json").json
    assert shown["address"] == "ann@example.com"


def test_the_command_line_imports_into_that_tenant_alone(acme: Fedsip, tmp_path: Path) -> None:
    assert acme("tenant", "add", "rival").code == 0
    file = tmp_path / "users.csv"
    file.write_text("address,password\nann@example.com,a good password\n")
    made = acme("job", "import", str(file), "--tenant", "rival", "--json").json
    assert jobs.work(Job.objects.get(public_id=made["id"]).pk) == "failed"
    assert "cannot be read" in acme("job", "import", "/nowhere", "--tenant", "acme").complained


def test_all_domains_are_checked_by_a_worker(acme: Fedsip) -> None:
    assert "under way" in acme("job", "check", "--tenant", "acme").said
    of_all = acme("job", "check", "--json").json
    assert (of_all["kind"], of_all["tenant"]) == ("check_domains", None)
