"""Long work that a page has started: how far it is, what came of it. It goes on by itself.

A tenant's jobs are at `/t/SLUG/users/jobs/`, those of the whole platform at `/platform/jobs/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from admin_ui.frame import Place, operator_page, tenant_page
from fedsip_platform import choosing, csv_export
from fedsip_platform.changes import Conflict
from fedsip_platform.paging import page_of
from fedsip_platform.tasks import chunks, exports, jobs, user_jobs
from fedsip_platform.tasks.models import UNFINISHED, Job, Kind, State
from fedsip_platform.tenants.models import Tenant

MOST_PROBLEMS = 200
MOST_AT_ONCE = 10_000  # rows; a longer export is a job


@dataclass(frozen=True, slots=True)
class Desk:
    """Whose jobs a page shows: a tenant's, or the platform's."""

    tenant: Tenant | None
    rows: QuerySet[Job]
    may_change: bool

    def address(self, name: str, *keys: Any) -> str:
        """A page of these jobs: `jobs`, `job`, `job-cancel` or `job-result`."""
        if self.tenant is None:
            return reverse(f"platform-{name}", args=keys)
        return reverse(name, args=[self.tenant.slug, *keys])


def desk_of(request: HttpRequest) -> Desk:
    """Of the tenant whose page was asked for; of the platform on operators' pages."""
    place: Place | None = getattr(request, "place", None)
    rows = Job.objects.select_related("tenant", "person")
    if place is None:
        return Desk(None, rows.filter(tenant=None), may_change=True)
    return Desk(place.tenant, place.scope.visible(rows), place.may_change)


def export_or_start(
    request: HttpRequest, rows: QuerySet[Any], kind: str, names: tuple[str, ...], short: str
) -> HttpResponse:
    """To the download at the address `short`, or to a job where the rows are many.

    `names` are the filters that the address holds.
    """
    if rows[: MOST_AT_ONCE + 1].count() <= MOST_AT_ONCE:
        return redirect(f"{short}?{request.GET.urlencode()}")
    return _start(request, kind, {"asked": choosing.kept(request.GET, names)})


def all_of(request: HttpRequest) -> HttpResponse:
    """Those of the last week, the latest first."""
    page = page_of(desk_of(request).rows, "-id", request.GET.get("at"), unique="id")
    return render(request, "admin_ui/jobs/list.html", {"page": page})


def one(request: HttpRequest, key: UUID) -> HttpResponse:
    """One of them; the page looks again by itself until it is finished."""
    desk = desk_of(request)
    found = get_object_or_404(desk.rows, public_id=key)
    context = {
        "job": found,
        "desk": desk,
        "list_address": desk.address("jobs"),
        "cancel_address": desk.address("job-cancel", key),
        "result_address": desk.address("job-result", key),
        "is_export": found.kind in exports.FILES,
        "is_going_on": found.state in UNFINISHED,
        "is_past_cancelling": user_jobs.is_past_cancelling(found),
        "percent": user_jobs.percent(found),
        "problems": found.problems[:MOST_PROBLEMS],
        "has_result": found.state == State.DONE and _results(request, found).exists(),
    }
    return render(request, "admin_ui/jobs/job.html", context)


def stop(request: HttpRequest, key: UUID) -> HttpResponse:
    """Stop it before its next step."""
    desk = desk_of(request)
    try:
        jobs.cancel(get_object_or_404(desk.rows, public_id=key))
        messages.success(request, _("Cancelled; what it had done stays."))
    except Conflict as refused:
        messages.info(request, refused.reason)
    return redirect(desk.address("job", key))


def take(request: HttpRequest, key: UUID) -> StreamingHttpResponse:
    """What an export has made; or, once and to whoever started it, an import's passwords."""
    found = get_object_or_404(desk_of(request).rows, public_id=key)
    if found.state != State.DONE or not _results(request, found).exists():
        raise Http404
    if found.kind in exports.FILES:
        file = exports.FILES[found.kind]
        written = csv_export.of_rows(file.columns, chunks.results(found))
        return csv_export.download(file.name, written)
    taken = csv_export.of_rows(user_jobs.MADE, chunks.take_results(found))
    response = csv_export.download("passwords.csv", taken)
    response["Cache-Control"] = "no-store"
    return response


all_jobs = require_GET(tenant_page("users")(all_of))
job = require_GET(tenant_page("users")(one))
cancel = require_POST(tenant_page("users")(stop))
result = require_POST(tenant_page("users")(take))
of_platform = operator_page(require_GET(all_of))
platform_job = operator_page(require_GET(one))
cancel_of_platform = operator_page(require_POST(stop))
result_of_platform = operator_page(require_POST(take))


@require_POST
@tenant_page("users")
def export_users(request: HttpRequest) -> HttpResponse:
    """Export all users of the tenant, or of one domain, in the background."""
    options = {"domain": request.POST.get("domain", "").replace("\0", "").lower()[:300]}
    return _start(request, Kind.EXPORT_USERS, options)


@require_POST
@tenant_page("domains")
def check_domains(request: HttpRequest) -> HttpResponse:
    """Ask the DNS about all domains of the tenant, in the background."""
    return _start(request, Kind.CHECK_DOMAINS, {})


@operator_page
@require_POST
def check_all_domains(request: HttpRequest) -> HttpResponse:
    """The same about every tenant's."""
    return _start(request, Kind.CHECK_DOMAINS, {})


def _start(request: HttpRequest, kind: str, options: dict[str, Any]) -> HttpResponse:
    desk = desk_of(request)
    made = jobs.start(kind, desk.tenant, request.user, options)
    return redirect(desk.address("job", made.public_id))


def _results(request: HttpRequest, found: Job) -> Any:
    """What this person may take of it."""
    made = found.chunks.filter(is_result=True)
    is_own = found.person_id == request.user.pk
    return made if found.kind in exports.FILES or is_own else made.none()
