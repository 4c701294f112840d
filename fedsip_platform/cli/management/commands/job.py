"""fedsip job list | show | cancel | import | export | check | result"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform import csv_export
from fedsip_platform.cli import filtering, lookup, many, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.directory import csv_rows
from fedsip_platform.tasks import chunks, exports, jobs, user_jobs
from fedsip_platform.tasks.models import Job, Kind, State

COLUMNS = {
    "created_at": gettext_lazy("since"),
    "kind": gettext_lazy("what"),
    "tenant": gettext_lazy("tenant"),
    "state": gettext_lazy("state"),
    "done": gettext_lazy("done"),
    "total": gettext_lazy("of"),
    "id": gettext_lazy("id"),
}


class Command(BaseCommand):
    help = gettext_lazy("Long work: imports, exports, checks of many domains.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(
            required=True, metavar="list|show|cancel|import|export|check|result"
        )
        listing = speech.verb(verbs, "list", list_all, help=_("show jobs, the latest first"))
        listing.add_argument("--tenant", metavar="SLUG", help=_("only of this tenant"))
        listing.add_argument("--state", choices=State.values, help=_("only in this state"))
        for name, run, what in (
            ("show", show, _("one job, with the rows that have problems")),
            ("cancel", cancel, _("stop a job; what it has done stays done")),
            ("result", result, _("what an export has found, as CSV or JSON")),
        ):
            speech.verb(verbs, name, run, help=what).add_argument("id", metavar="ID")

        importing = speech.verb(verbs, "import", import_users, help=_("import users from CSV"))
        importing.add_argument("file", metavar="FILE", help=_("its first line names the columns"))
        importing.add_argument("--tenant", metavar="SLUG", required=True)
        importing.add_argument(
            "--mode", choices=user_jobs.MODES, default=user_jobs.MODES[0],
            help=_("what becomes of good rows while others are wrong (all_or_none)"),
        )  # fmt: skip
        checking = speech.verb(
            verbs, "check", check_domains, help=_("check all domains of a tenant")
        )
        checking.add_argument(
            "--tenant", metavar="SLUG", help=_("without it, those of all tenants")
        )
        exporting = speech.verb(verbs, "export", export_users, help=_("export users"))
        exporting.add_argument("--tenant", metavar="SLUG", required=True)
        exporting.add_argument("--domain", default="", help=_("only those of this domain"))

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
    speech.done(
        _("the %(kind)s is cancelled.") % {"kind": job.get_kind_display()},
        _row(job),
        options,
    )


def import_users(options: Mapping[str, Any]) -> None:
    """Hand a file of users to a worker."""
    tenant = lookup.tenant(options["tenant"])
    wanted = {"mode": options["mode"], user_jobs.AT_COMMAND_LINE: True}
    with many.opened(options["file"]) as lines:
        job = jobs.start(Kind.IMPORT_USERS, tenant, None, wanted, csv_rows.read(lines))
    _told(job, options)


def export_users(options: Mapping[str, Any]) -> None:
    """Have a worker export a tenant's users."""
    tenant = lookup.tenant(options["tenant"])
    domain = lookup.domain(options["domain"]).name if options["domain"] else ""
    _told(jobs.start(Kind.EXPORT_USERS, tenant, None, {"domain": domain}), options)


def check_domains(options: Mapping[str, Any]) -> None:
    """Have a worker ask the DNS about many domains."""
    tenant = lookup.tenant(options["tenant"]) if options["tenant"] else None
    _told(jobs.start(Kind.CHECK_DOMAINS, tenant, None, {}), options)


def result(options: Mapping[str, Any]) -> None:
    """Print what an export has found."""
    job = _find(options["id"])
    file = exports.FILES.get(job.kind)
    if file is None or job.state != State.DONE:
        raise Refused(
            _("the %(kind)s %(public_id)s has no result to show.")
            % {"kind": job.get_kind_display(), "public_id": job.public_id}
        )
    found = chunks.results(job)
    if options["json"]:
        speech.show(list(found), {}, options)
        return
    filtering.print_csv(csv_export.of_rows(file.columns, found))


def _told(job: Job, options: Mapping[str, Any]) -> None:
    sentence = _("the %(kind)s is under way; ./fedsip job show %(public_id)s") % {
        "kind": job.get_kind_display(),
        "public_id": job.public_id,
    }
    speech.done(sentence, _row(job), options)


def _find(text: str) -> Job:
    try:
        found = Job.objects.filter(public_id=uuid.UUID(text)).select_related("tenant").first()
    except ValueError:
        found = None
    if found is None:
        raise Refused(_("there is no job %(text)s; ./fedsip job list") % {"text": text})
    return found


def _row(job: Job) -> dict[str, Any]:
    return {
        "id": job.public_id,
        "kind": job.kind,
        "tenant": None if job.tenant is None else job.tenant.slug,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "percent": user_jobs.percent(job),
        "started_by": None if job.person is None else job.person.email,
        "created_at": job.created_at,
    }
