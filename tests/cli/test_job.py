"""fedsip job"""

from __future__ import annotations

import pytest

from fedsip_platform.tasks import jobs
from fedsip_platform.tasks.models import Kind
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
