"""Long work in the dashboard: begun by a page, found again, cancelled, its result taken."""

from __future__ import annotations

import json
from csv import DictReader
from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from admin_ui.views import jobs as job_pages
from admin_ui.views.user_import import MOST_AT_ONCE
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.tasks import exports, jobs
from fedsip_platform.tasks.models import Job
from fedsip_platform.tenants.models import Person
from tests.platform.browsing import Visitor
from tests.platform.world import World, make_call

pytestmark = [pytest.mark.db, pytest.mark.django_db]

AMOUNT = MOST_AT_ONCE + 100


def send(visitor: Visitor, world: World, rows: list[str], **button: str) -> str:
    text = "\n".join(["username,password,display_name", *rows])
    file = SimpleUploadedFile("users.csv", text.encode())
    return visitor.sends("/t/acme/users/import", domain=world.domain.pk, file=file, **button)


def rows(amount: int = AMOUNT) -> list[str]:
    """The first has no password, so that one is made."""
    return ["u0,,Name 0", *(f"u{n},a good password {n},Name {n}" for n in range(1, amount))]


def test_a_large_file_is_imported_by_a_job(acme: World) -> None:
    admin = Visitor(acme.people["admin"])
    assert "checked in the background first" in send(admin, acme, rows(), **{"try": "1"})
    assert "It waits for its turn" in send(admin, acme, rows(), **{"import": "1"})
    job = Job.objects.get(total=AMOUNT)
    page = f"/t/acme/users/jobs/{job.public_id}"
    assert jobs.step(job.pk)
    shown = admin.reads(page)
    assert "Every row is checked" in shown
    assert 'value="25"' in shown
    assert jobs.work(job.pk) == "done"
    assert f"Done: {AMOUNT} users are made" in admin.reads(page)
    assert "import of users" in Visitor(acme.people["viewer"]).reads("/t/acme/users/jobs/")
    assert Subscriber.objects.filter(username__startswith="u").count() == AMOUNT


def test_made_passwords_are_taken_once_by_whoever_started(acme: World) -> None:
    admin, owner = Visitor(acme.people["admin"]), Visitor(acme.people["owner"])
    send(admin, acme, rows(), **{"import": "1"})
    job = Job.objects.get(total=AMOUNT)
    jobs.work(job.pk)
    result = f"/t/acme/users/jobs/{job.public_id}/result.csv"
    owner.sends(result)
    assert owner.status == 404
    lines = admin.sends(result).splitlines()
    assert [line.partition(",")[0] for line in lines] == ["address", "u0@example.com"]
    admin.sends(result)
    assert admin.status == 404
    assert not job.chunks.exists()


def test_one_bad_row_and_nothing_is_imported(acme: World) -> None:
    admin = Visitor(acme.people["admin"])
    send(admin, acme, [*rows(), "a b,a good password,"], **{"import": "1"})
    job = Job.objects.get(total=AMOUNT + 1)
    assert jobs.work(job.pk) == "failed"
    shown = admin.reads(f"/t/acme/users/jobs/{job.public_id}")
    assert "Nothing was imported" in shown
    assert f'<td data-label="Row">{AMOUNT + 1}</td>' in shown
    assert Subscriber.objects.filter(username__startswith="u").count() == 0
    assert not job.chunks.exists(), "no password is left"


def test_who_exists_keeps_the_password_that_the_row_leaves_out(acme: World) -> None:
    before = acme.user.ha1_md5
    admin = Visitor(acme.people["admin"])
    send(admin, acme, ["Alice,,Alice the Second", *rows()], **{"import": "1"})
    jobs.work(Job.objects.get(total=AMOUNT + 1).pk)
    acme.user.refresh_from_db()
    assert (acme.user.ha1_md5, acme.user.display_name) == (before, "Alice the Second")


def test_an_export_in_the_background_and_its_cancellation(acme: World) -> None:
    admin = Visitor(acme.people["admin"])
    Job.objects.all().delete()
    assert "It waits for its turn" in admin.sends("/t/acme/users/export")
    first = Job.objects.get()
    jobs.work(first.pk)
    assert "Download the users" in admin.reads(f"/t/acme/users/jobs/{first.public_id}")
    csv = admin.sends(f"/t/acme/users/jobs/{first.public_id}/result.csv")
    assert csv.splitlines()[1].startswith("alice@example.com,Alice")
    admin.sends("/t/acme/users/export")
    second = Job.objects.exclude(pk=first.pk).get()
    cancel = f"/t/acme/users/jobs/{second.public_id}/cancel"
    assert "Cancelled" in admin.sends(cancel)
    assert "This job is cancelled already." in admin.sends(cancel)


def test_all_or_none_is_not_cancelled_once_it_writes(acme: World) -> None:
    admin = Visitor(acme.people["admin"])
    send(admin, acme, rows(), **{"import": "1"})
    job = Job.objects.get(total=AMOUNT)
    page = f"/t/acme/users/jobs/{job.public_id}"
    parts = job.chunks.filter(is_result=False).count()
    for _ in range(parts):  # checked
        assert f"{page}/cancel" in admin.reads(page)
        assert jobs.step(job.pk)
    assert f"{page}/cancel" not in admin.reads(page)
    assert "it is all or none" in admin.sends(f"{page}/cancel")
    assert jobs.work(job.pk) == "done"
    assert Subscriber.objects.filter(username__startswith="u").count() == AMOUNT


def test_a_short_export_of_calls_is_fetched_at_once(acme: World) -> None:
    admin = Visitor(acme.people["admin"])
    shown = admin.sends("/t/acme/calls/export?result=answered")
    assert shown.startswith("started_at,")
    assert len(shown.splitlines()) == 2
    assert "started_at" in Visitor(acme.people["viewer"]).reads("/t/acme/calls/export.csv")


def test_a_long_export_of_calls_is_a_job_over_what_the_filters_choose(
    acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_pages, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(exports, "ROWS_A_STEP", 2)
    began = timezone.now() - timedelta(hours=1)
    for number in range(5):  # two of them at the same instant
        start = began + timedelta(seconds=number // 2)
        make_call(acme.tenant, acme.domain, call_id=f"c{number}", started_at=start)
    make_call(acme.tenant, acme.domain, call_id="other", caller="sip:dora@example.com")
    admin = Visitor(acme.people["admin"])
    admin.sends("/t/acme/calls/export?q=alice@example.com&result=answered")
    job = Job.objects.get(kind="export_calls")
    assert jobs.step(job.pk)
    assert "2 of 6 rows are done." in admin.reads(f"/t/acme/users/jobs/{job.public_id}")
    assert jobs.work(job.pk) == "done"
    assert "Done: 6 rows." in admin.reads(f"/t/acme/users/jobs/{job.public_id}")
    csv = admin.sends(f"/t/acme/users/jobs/{job.public_id}/result.csv").splitlines()
    wanted = ["call@example.com", "c4", "c3", "c2", "c1", "c0"]
    assert [line.rpartition(",")[2] for line in csv[1:]] == wanted


def test_a_long_export_of_the_audit_log(
    acme: World, rival: World, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_pages, "MOST_AT_ONCE", 0)
    admin, visitor = Visitor(acme.people["admin"]), Visitor(operator)
    admin.sends("/t/acme/settings/audit/export?kind=user")
    visitor.sends("/platform/audit/export?kind=user")
    of_acme, of_all = Job.objects.filter(kind="export_audit").order_by("pk")
    for job in (of_acme, of_all):
        assert jobs.work(job.pk) == "done"
    mine = admin.sends(f"/t/acme/users/jobs/{of_acme.public_id}/result.csv")
    assert json.loads(next(DictReader(StringIO(mine)))["changes"]) != {}
    everybodys = visitor.sends(f"/platform/jobs/{of_all.public_id}/result.csv")
    assert "alice@example.com" in mine
    assert "example.net" not in mine
    assert "alice@example.com" in everybodys
    assert "alice@example.net" in everybodys
