"""Files for people: the same value is the same text, whoever writes the file."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.urls import reverse

from fedsip_platform import csv_export
from fedsip_platform.calls.models import CallRecord
from fedsip_platform.directory import csv_rows, services
from fedsip_platform.tasks import chunks, jobs
from fedsip_platform.tasks.models import Job, Kind
from tests.platform.world import Api, World

AT = datetime(2026, 1, 31, 12, 0, 0, 123456, UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-5, "-5"),
        (-5.25, "-5.25"),
        (AT, "2026-01-31T12:00:00.123456Z"),
        (AT.astimezone(timezone(timedelta(hours=1))), "2026-01-31T12:00:00.123456Z"),
        (["a", 1], '["a", 1]'),
        ({"a": None}, '{"a": null}'),
        ("+15551234567", "+15551234567"),
        ("-1", "-1"),
        ("plain", "plain"),
        ("=1+1", "'=1+1"),
        ("+a", "'+a"),
        ("-", "'-"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
    ],
)
def test_cell(value: Any, text: str) -> None:
    assert csv_export.cell(value) == text


def test_lines() -> None:
    rows: list[dict[str, Any]] = [{"a": 'say "x"', "b": True}, {"a": "1,2", "b": None}]
    assert list(csv_export.of_rows(("a", "b"), rows)) == [
        "a,b\r\n",
        '"say ""x""",true\r\n',
        '"1,2",\r\n',
    ]


@pytest.mark.db
def test_every_file_of_calls_has_the_same_texts(acme: World, as_admin: Api) -> None:
    """The API's file, the dashboard's, and a job's."""
    CallRecord.objects.update(started_at=AT, mos=4.25)
    job = jobs.start(Kind.EXPORT_CALLS, acme.tenant, None, {"asked": {}})
    assert jobs.work(job.pk) == "done"
    texts = [
        _text(as_admin.get("calls/export")),
        _text(as_admin._client.get(reverse("call-export", args=["acme"]), secure=True)),
        _text(as_admin.get(f"jobs/{job.public_id}/result")),
    ]
    [(one, *_), (two, *_), (three, *_)] = [list(csv.DictReader(io.StringIO(t))) for t in texts]
    for name in two:
        assert one[name] == two[name] == three[name], name
    assert two["started_at"] == "2026-01-31T12:00:00.123456Z"


@pytest.mark.db
def test_a_file_of_users_can_be_imported(acme: World) -> None:
    services.update_subscriber(acme.user, display_name="=Alice", enabled=False, note="-")
    job = jobs.start(Kind.EXPORT_USERS, acme.tenant, None, {"domain": ""})
    assert jobs.work(job.pk) == "done"
    found = chunks.results(Job.objects.get(pk=job.pk))
    rows = list(csv_rows.read(csv_export.of_rows(("address", "display_name", "enabled"), found)))
    assert rows == [{"address": "alice@example.com", "display_name": "=Alice", "enabled": False}]


def _text(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content).decode()
