"""fedsip job list | show | cancel"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fedsip_platform.cli import lookup, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.tasks import jobs
from fedsip_platform.tasks.models import Job, State

COLUMNS = {
    **{"created_at": "since", "kind": "what", "tenant": "tenant", "state": "state"},
    **{"done": "done", "total": "of", "id": "id"},
}


class Command(BaseCommand):
    help = "Long work: imports and exports."
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="list|show|cancel")
        listing = speech.verb(verbs, "list", list_all, help="show jobs, the latest first")
        listing.add_argument("--tenant", metavar="SLUG", help="only of this tenant")
        listing.add_argument("--state", choices=State.values, help="only in this state")
        for name, run, what in (
            ("show", show, "one job, with the rows that have problems"),
            ("cancel", cancel, "stop a job; what it has done stays done"),
        ):
            speech.verb(verbs, name, run, help=what).add_argument("id", metavar="ID")

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show jobs, the latest first."""
    found = Job.objects.select_related("tenant", "person").order_by("-id")
    if options["tenant"]:
        found = found.filter(tenant=lookup.tenant(options["tenant"]))
    if options["state"]:
        found = found.filter(state=options["state"])
    speech.show([_row(each) for each in found], COLUMNS, options)


def show(options: Mapping[str, Any]) -> None:
    """One job with its problems."""
    job = _find(options["id"])
    row = _row(job) | {"counted": job.counted, "finished_at": job.finished_at}
    if options["json"]:
        speech.show_one(row | {"problems": job.problems}, options)
        return
    speech.show_one(row, options)
    for each in job.problems:
        print(f"row {each['row']}: {each['field']}: {each['reason']}")


def cancel(options: Mapping[str, Any]) -> None:
    """Stop a job."""
    job = jobs.cancel(_find(options["id"]))
    speech.done(f"the {job.get_kind_display()} is cancelled.", _row(job), options)


def _find(text: str) -> Job:
    try:
        found = Job.objects.filter(public_id=uuid.UUID(text)).select_related("tenant").first()
    except ValueError:
        found = None
    if found is None:
        raise Refused(f"there is no job {text}; ./fedsip job list")
    return found


def _row(job: Job) -> dict[str, Any]:
    return {
        "id": job.public_id,
        "kind": job.kind,
        "tenant": job.tenant.slug,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "started_by": None if job.person is None else job.person.email,
        "created_at": job.created_at,
    }
