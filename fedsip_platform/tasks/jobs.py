"""Jobs: long work that a page starts, watches, leaves, finds again and can cancel.

A job goes on step by step. A step, and the progress it makes, are one transaction under the lock of
the job's row: a worker that is killed loses the step it was in and nothing else, two workers with
the same job take turns, and a step is never done twice. `resume` finds jobs that nobody works on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fedsip_platform.audit import actor, log
from fedsip_platform.audit.actor import Actor
from fedsip_platform.audit.models import Via
from fedsip_platform.celery import app
from fedsip_platform.changes import Conflict, ServiceError
from fedsip_platform.live import models as live
from fedsip_platform.tenants.models import Person, Tenant

from . import chunks, exports, queue, sweeps, user_jobs
from .models import UNFINISHED, Job, Kind, State

logger = logging.getLogger(__name__)

MOST_ROWS = 1_000_000
WORKS_AT_MOST = 60.0  # seconds; then the job goes to the end of the queue
SILENT = timedelta(seconds=10)
KEPT = timedelta(days=7)

# What one step of each kind does; True while there is more to do.
STEPS: dict[str, Callable[[Job], bool]] = {
    Kind.IMPORT_USERS: user_jobs.import_step,
    Kind.EXPORT_USERS: user_jobs.export_step,
    Kind.EXPORT_CALLS: exports.calls_step,
    Kind.EXPORT_AUDIT: exports.changes_step,
    Kind.CHECK_DOMAINS: sweeps.step,
}


@transaction.atomic
def start(
    kind: str,
    tenant: Tenant | None,
    person: Person | None,
    options: dict[str, Any],
    rows: Iterable[dict[str, Any]] = (),
    *,
    made: list[Any] | None = None,
) -> Job:
    """Make a job over these rows and hand it to a worker.

    `made`: what we added to the rows, such as passwords; whoever started the job takes it once.
    """
    job = Job.objects.create(kind=kind, tenant=tenant, person=person, options=options)
    source = iter(rows)
    number = 0
    while part := list(islice(source, chunks.ROWS_A_CHUNK)):
        chunks.put(job, number, part, is_result=False)
        job.total += len(part)
        number += 1
        if job.total > MOST_ROWS:
            raise ServiceError(
                "", _("There are more than %(most_rows)s rows.") % {"most_rows": MOST_ROWS}
            )
    if made:
        chunks.put(job, 0, made, is_result=True)
    job.save()
    log.record("start", job, tenant=tenant)
    transaction.on_commit(lambda: queue.soon(work, job.pk))
    return job


@transaction.atomic
def cancel(job: Job) -> Job:
    """Stop a job before its next step; what its steps have done stays done.

    Conflict: it has ended, or writes rows of which all or none were asked for.
    """
    locked = Job.objects.select_for_update().get(pk=job.pk)
    if locked.state not in UNFINISHED:
        raise Conflict("state", _("This job is %(state)s already.") % {"state": locked.state})
    if user_jobs.is_past_cancelling(locked):
        raise Conflict("state", _("Every row was good and is being written; it is all or none."))
    _finish(locked, State.CANCELLED)
    return locked


@app.task
def work(job_id: int) -> str:
    """Do steps until the job is finished, or others have waited long enough."""
    begun = time.monotonic()
    while step(job_id):
        if time.monotonic() - begun > WORKS_AT_MOST:
            queue.soon(work, job_id)
            break
    return str(Job.objects.filter(pk=job_id).values_list("state", flat=True).first())


@app.task
def resume() -> int:
    """Take up jobs that nobody works on: their worker died, or the broker lost them."""
    silent = Job.objects.filter(
        state__in=UNFINISHED, touched_at__lt=timezone.now() - SILENT
    ).values_list("pk", flat=True)
    for job_id in list(silent):
        queue.soon(work, job_id)
    return len(silent)


@app.task
def forget_jobs() -> int:
    """Forget jobs that ended a week ago."""
    _, by_kind = Job.objects.filter(finished_at__lt=timezone.now() - KEPT).delete()
    return by_kind.get("tasks.Job", 0)


def step(job_id: int) -> bool:
    """One step of a job; False when there is none left, or somebody else is at it."""
    with transaction.atomic():
        # NOWAIT would fail the task; a job whose step is being done elsewhere is in good hands.
        waiting = Job.objects.select_for_update(skip_locked=True, of=("self",))
        job = waiting.select_related("tenant", "person").filter(pk=job_id).first()
        if job is None or job.state not in UNFINISHED:
            return False
        job.state = State.RUNNING
        job.touched_at = timezone.now()
        try:
            with transaction.atomic(), actor.acting(_starter(job)):
                goes_on = STEPS[job.kind](job)
        except ServiceError as error:
            job.problems = [{"row": 0, "field": error.field, "reason": error.reason}]
            _finish(job, State.FAILED)
            return False
        job.position += 1
        if goes_on:
            job.save()
        elif job.state == State.RUNNING:
            _finish(job, State.DONE)
        else:
            _finish(job, job.state)
        return goes_on


def _finish(job: Job, state: str) -> None:
    job.state = state
    job.finished_at = job.touched_at = timezone.now()
    job.chunks.filter(is_result=False).delete()  # passwords may be in them
    if state != State.DONE and job.kind == Kind.IMPORT_USERS:
        job.chunks.all().delete()  # of users who were not made
    job.save()
    live.publish("job", state, tenant=job.tenant, key=str(job.public_id))
    logger.info("job ended job=%s state=%s tenant=%s", job.public_id, state, job.tenant)


def _starter(job: Job) -> Actor:
    name = "fedsip" if job.person is None else job.person.email
    return Actor(name, Via.TASK, job.person)
