"""Imports and exports as jobs: in steps, cancelled, taken up again, and without passwords left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from django.utils import timezone

from fedsip_platform.audit.models import Entry
from fedsip_platform.changes import ServiceError
from fedsip_platform.directory import bulk, csv_rows
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.tasks import chunks, jobs
from fedsip_platform.tasks.models import Chunk, Job
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def csv_of(amount: int, *more: str) -> str:
    lines = [f"u{number}@example.com,password {number},User {number}" for number in range(amount)]
    return "\n".join(["address,password,display_name", *lines, *more]) + "\n"


def start(api: Api, text: str | bytes, query: str = "") -> Any:
    return api._client.generic(
        "POST", f"/api/v1/users/import{query}", text, content_type="text/csv", secure=True
    )


def test_import_in_steps(acme: World, as_admin: Api) -> None:
    made = start(as_admin, csv_of(1200))
    assert made.status_code == 202
    assert (made.json()["state"], made.json()["total"]) == ("waiting", 1200)
    job = Job.objects.get(public_id=made.json()["id"])
    assert "password 7" not in str(list(Chunk.objects.values()))
    for _ in range(4):  # three chunks are checked, one is written
        assert jobs.step(job.pk)
    shown = as_admin.get(f"jobs/{job.public_id}").json()
    assert (shown["state"], shown["done"]) == ("running", 500)
    assert jobs.work(job.pk) == "done"
    shown = as_admin.get(f"jobs/{job.public_id}").json()
    assert (shown["done"], shown["counted"]["created"], shown["problems"]) == (1200, 1200, [])
    assert Subscriber.objects.filter(username__startswith="u").count() == 1200
    assert not job.chunks.exists()
    assert Entry.objects.filter(via="task", actor="admin@example.com", kind="user").count() == 1200


def test_nothing_is_half_imported(acme: World, as_admin: Api) -> None:
    text = csv_of(600, "bob@example.com,short,Bob", "eve@example.net,a good password,Eve")
    job = Job.objects.get(public_id=start(as_admin, text).json()["id"])
    assert jobs.work(job.pk) == "failed"
    shown = as_admin.get(f"jobs/{job.public_id}").json()
    assert [(each["row"], each["field"]) for each in shown["problems"]] == [
        (601, "password"),
        (602, "address"),
    ]
    assert not Subscriber.objects.filter(username__startswith="u").exists()


def test_what_is_fine_is_imported(acme: World, as_admin: Api) -> None:
    text = csv_of(2, "bob@example.com,short,Bob")
    job = Job.objects.get(public_id=start(as_admin, text, "?mode=what_is_fine").json()["id"])
    assert jobs.work(job.pk) == "done"
    job.refresh_from_db()
    assert job.counted == {"created": 2, "changed": 0, "unchanged": 0, "refused": 1}


def test_check_writes_nothing(acme: World, as_admin: Api) -> None:
    job = Job.objects.get(public_id=start(as_admin, csv_of(3), "?mode=check").json()["id"])
    assert jobs.work(job.pk) == "done"
    job.refresh_from_db()
    assert job.counted["created"] == 3
    assert not Subscriber.objects.filter(username__startswith="u").exists()


def test_cancelled_job_stops(acme: World, as_admin: Api) -> None:
    made = start(as_admin, csv_of(1200), "?mode=what_is_fine").json()
    job = Job.objects.get(public_id=made["id"])
    assert jobs.step(job.pk)
    assert as_admin.delete(f"jobs/{made['id']}").json()["state"] == "cancelled"
    assert jobs.work(job.pk) == "cancelled"
    assert Subscriber.objects.filter(username__startswith="u").count() == 500
    assert not job.chunks.exists()
    assert as_admin.delete(f"jobs/{made['id']}").status_code == 409


def test_all_or_none_is_not_cancelled_once_it_writes(acme: World, as_admin: Api) -> None:
    made = start(as_admin, csv_of(600)).json()
    job = Job.objects.get(public_id=made["id"])
    for _ in range(3):  # two chunks are checked, one is written
        assert jobs.step(job.pk)
    refused = as_admin.delete(f"jobs/{made['id']}")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "state")
    assert jobs.work(job.pk) == "done"
    assert Subscriber.objects.filter(username__startswith="u").count() == 600


def test_rights_are_those_of_the_moment(acme: World, as_admin: Api) -> None:
    job = Job.objects.get(public_id=start(as_admin, csv_of(3)).json()["id"])
    acme.people["admin"].memberships.all().delete()
    assert jobs.work(job.pk) == "failed"
    assert not Subscriber.objects.filter(username__startswith="u").exists()


def test_silent_jobs_are_taken_up(acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(jobs.queue, "soon", lambda task, *arguments: asked.append(arguments))
    job = acme.job
    assert jobs.resume() == 0
    Job.objects.update(touched_at=timezone.now() - timedelta(minutes=1))
    assert jobs.resume() == 1
    assert asked == [(job.pk,)]
    jobs.work(job.pk)
    Job.objects.update(touched_at=timezone.now() - timedelta(minutes=1))
    assert jobs.resume() == 0
    Job.objects.update(finished_at=timezone.now() - timedelta(days=8))
    assert jobs.forget_jobs() == 1


def test_export_and_import_again(acme: World, as_admin: Api) -> None:
    acme.user.display_name = "=cmd|' /C calc'!A0"
    acme.user.save()
    made = as_admin.post("users/export", {"domain": "example.com"})
    assert made.status_code == 202
    job = Job.objects.get(public_id=made.json()["id"])
    assert jobs.work(job.pk) == "done"
    text = b"".join(as_admin.get(f"jobs/{job.public_id}/result").streaming_content).decode()
    header, line = text.splitlines()
    assert header == ",".join(("address", *bulk.FIELDS))
    assert line.startswith("alice@example.com,'=cmd")  # no spreadsheet runs it
    back = Job.objects.get(public_id=start(as_admin, text).json()["id"])
    jobs.work(back.pk)
    back.refresh_from_db()
    assert back.counted["unchanged"] == 1


def test_viewers_start_nothing(acme: World) -> None:
    viewer = Api(acme.people["viewer"])
    assert start(viewer, csv_of(1)).status_code == 403
    assert viewer.post("users/export", {}).status_code == 403


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "name,password\nx,y\n",
        "address,address\na@example.com,b\n",
        "address,ha1_md5\na@example.com,b\n",
        "address\na@example.com,too many\n",
        'address\n"a@example.com\n',
        "address\n" + "x" * 20_000 + "\n",
        "address\n\0\n",
        b"address\n\xff\xfe\n",
    ],
)
def test_csv_that_is_none(as_admin: Api, text: str | bytes) -> None:
    before = Job.objects.count()
    answer = start(as_admin, text)
    assert answer.status_code == 400, answer.content
    assert answer.json()["detail"]
    assert Job.objects.count() == before


def test_csv_cells_become_values() -> None:
    text = [
        "\ufeffAddress,password,enabled,max_calls,display_name\n",
        "a@b.c, keeps its spaces ,yes,3, Alice \n",
        "\n",
        "d@e.f,,no,,\n",
    ]
    assert list(csv_rows.read(text)) == [
        {
            "address": "a@b.c",
            "password": " keeps its spaces ",
            "enabled": True,
            "max_calls": 3,
            "display_name": "Alice",
        },
        {"address": "d@e.f", "enabled": False},
    ]
    with pytest.raises(ServiceError, match="row 1 has more cells"):
        list(csv_rows.read(["address\n", "a,b\n"]))


def test_chunks_open_with_their_key_alone(acme: World, settings: Any) -> None:
    chunks.put(acme.job, 0, [{"password": "x"}], is_result=True)
    chunk = Chunk.objects.get()
    assert chunks.rows_of(chunk) == [{"password": "x"}]
    settings.SECRET_KEY = "another key, that opens none of the chunks, fifty long"
    with pytest.raises(InvalidToken):
        chunks.rows_of(chunk)
