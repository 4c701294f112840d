"""What one step of an export of calls or of the audit log does, and what each export's file is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from rest_framework.utils.encoders import JSONEncoder

from fedsip_platform import choosing
from fedsip_platform.audit.models import Entry
from fedsip_platform.calls.models import CallRecord

from . import chunks, user_jobs
from .models import Job, Kind

ROWS_A_STEP = 2000


@dataclass(frozen=True, slots=True)
class File:
    """Its name, and the columns that it has."""

    name: str
    columns: tuple[str, ...]


FILES: Mapping[str, File] = {
    Kind.EXPORT_USERS: File("users.csv", user_jobs.EXPORTED),
    Kind.EXPORT_CALLS: File(
        "calls.csv",
        (
            *("started_at", "answered_at", "ended_at", "caller", "callee", "request_uri"),
            *("status", "reason", "ended_by", "mos", "call_id"),
        ),
    ),
    Kind.EXPORT_AUDIT: File(
        "audit.csv",
        (
            *("at", "tenant_slug", "actor", "as_operator", "via", "token", "address"),
            *("request_id", "action", "kind", "key", "thing", "changes"),
        ),
    ),
}


def calls_step(job: Job) -> bool:
    """Put the next calls into the result, the latest first."""
    rows = choosing.calls(CallRecord.objects.filter(tenant=job.tenant), job.options["asked"])
    if not job.total:
        job.total = rows.count()
    if "at" in job.options:
        at, pk = datetime.fromisoformat(job.options["at"]), job.options["pk"]
        rows = rows.filter(started_at__lte=at).exclude(Q(started_at=at) & Q(pk__gte=pk))
    part = list(rows.order_by("-started_at", "-pk")[:ROWS_A_STEP])
    if part:
        job.options |= {"at": part[-1].started_at.isoformat(), "pk": part[-1].pk}
    return _put(job, part)


def changes_step(job: Job) -> bool:
    """Put the next changes into the result, the latest first; of all tenants, where it is no
    tenant's job."""
    rows = Entry.objects.all() if job.tenant is None else Entry.objects.filter(tenant=job.tenant)
    rows = choosing.changes(rows, job.options["asked"])
    if not job.total:
        job.total = rows.count()
    if "pk" in job.options:
        rows = rows.filter(pk__lt=job.options["pk"])
    part = list(rows.order_by("-pk")[:ROWS_A_STEP])
    if part:
        job.options["pk"] = part[-1].pk
    return _put(job, part)


def _put(job: Job, part: list[Any]) -> bool:
    columns = FILES[job.kind].columns
    rows = [{name: getattr(row, name) for name in columns} for row in part]
    plain = json.loads(json.dumps(rows, cls=JSONEncoder))
    chunks.put(job, job.position, plain, is_result=True)
    job.done += len(part)
    return len(part) == ROWS_A_STEP
