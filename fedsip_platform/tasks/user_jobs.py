"""What one step of an import or an export of users does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedsip_platform.directory import bulk
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.tenants.scope import Scope

from . import chunks
from .models import Job, Kind, State

MOST_PROBLEMS = 1000
AT_COMMAND_LINE = "at_command_line"
"""An option of jobs that no person has started."""
MODES = ("all_or_none", "what_is_fine", "check")
MADE = ("address", "password")
EXPORTED = ("address", *bulk.FIELDS)


def percent(job: Job) -> int:
    """How far it is. Position counts an import's chunks, checked and written."""
    if job.state == State.DONE or not job.total:
        return 100 if job.state == State.DONE else 0
    if job.kind != Kind.IMPORT_USERS:
        return min(100 * job.done // job.total, 100)
    passes = 2 if job.options["mode"] == "all_or_none" else 1
    return min(100 * job.position // (_parts(job) * passes), 100)


def is_past_cancelling(job: Job) -> bool:
    """Whether an import of all rows or none writes them: to stop it now would leave some."""
    is_whole = job.kind == Kind.IMPORT_USERS and job.options.get("mode") == "all_or_none"
    return is_whole and job.position >= _parts(job)


def import_step(job: Job) -> bool:
    """Check or write one chunk. `check` only checks; `all_or_none` checks all before it writes.

    Position counts chunks: the checking ones first, then the writing ones.
    """
    parts = job.chunks.filter(is_result=False).order_by("number")
    amount = parts.count()
    checks = amount if job.options["mode"] in ("check", "all_or_none") else 0
    writes = 0 if job.options["mode"] == "check" else amount
    if job.position >= checks + writes:
        return False
    is_check = job.position < checks
    number = job.position % amount
    chunk = parts.get(number=number)
    found = bulk.provision(
        chunks.rows_of(chunk),
        bulk.finder(lambda domain: _may_change(job, domain)),
        first=number * chunks.ROWS_A_CHUNK + 1,
        dry_run=is_check,
    )
    _note(job, list(found), is_counted=not (is_check and writes))
    if job.position + 1 == checks and writes and job.problems:
        job.state = State.FAILED  # and nothing was written
        return False
    goes_on = job.position + 1 < checks + writes
    if writes and not goes_on:
        bulk.settle(job.counted)
    return goes_on


def _parts(job: Job) -> int:
    return -(-job.total // chunks.ROWS_A_CHUNK)


def _may_change(job: Job, domain: Domain) -> bool:
    """Whether its starter still may; the command line may, within the job's tenant."""
    if job.person is None:
        return bool(job.options.get(AT_COMMAND_LINE)) and domain.tenant_id == job.tenant_id
    return Scope(job.person, only_tenant_id=job.tenant_id).may_change(domain.tenant)


def export_step(job: Job) -> bool:
    """Put the next users into the result."""
    users = Subscriber.objects.filter(
        domain__tenant=job.tenant, aor__gt=job.options.get("after", "")
    )
    if job.options.get("domain"):
        users = users.filter(domain__name=job.options["domain"])
    part = list(users.order_by("aor")[: chunks.ROWS_A_CHUNK])
    if not job.total:
        job.total = users.count()
    if not part:
        return False
    chunks.put(job, job.position, [_shown(user) for user in part], is_result=True)
    job.done += len(part)
    job.options["after"] = part[-1].aor
    return len(part) == chunks.ROWS_A_CHUNK


def _shown(user: Subscriber) -> Mapping[str, Any]:
    return {"address": user.aor} | {name: getattr(user, name) for name in EXPORTED[1:]}


def _note(job: Job, results: list[bulk.Result], *, is_counted: bool) -> None:
    for result in results:
        for field, reason in result.errors:
            if len(job.problems) < MOST_PROBLEMS:
                problem = {"row": result.row, "address": result.address}
                job.problems.append(problem | {"field": field, "reason": reason})
    if is_counted:
        job.done += len(results)
        for status, amount in bulk.count(results).items():
            job.counted[status] = job.counted.get(status, 0) + amount
