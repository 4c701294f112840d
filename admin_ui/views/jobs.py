"""Long work that a page has started: how far it is, what came of it. It goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from admin_ui.csv_stream import csv_response
from admin_ui.frame import tenant_page
from fedsip_platform.changes import Conflict
from fedsip_platform.paging import page_of
from fedsip_platform.tasks import chunks, jobs, user_jobs
from fedsip_platform.tasks.models import UNFINISHED, Job, Kind, State

MOST_PROBLEMS = 200


@require_GET
@tenant_page("users")
def all_jobs(request: HttpRequest) -> HttpResponse:
    """Imports and exports of the last week, the latest first."""
    rows = request.place.scope.visible(Job.objects.select_related("person"))
    page = page_of(rows, "-id", request.GET.get("at"), unique="id")
    return render(request, "admin_ui/jobs/list.html", {"page": page})


@require_GET
@tenant_page("users")
def job(request: HttpRequest, key: UUID) -> HttpResponse:
    """One of them; the page looks again by itself until it is finished."""
    found = _find(request, key)
    context = {
        "job": found,
        "is_going_on": found.state in UNFINISHED,
        "is_past_cancelling": user_jobs.is_past_cancelling(found),
        "percent": user_jobs.percent(found),
        "problems": found.problems[:MOST_PROBLEMS],
        "has_result": found.state == State.DONE and _results(request, found).exists(),
    }
    return render(request, "admin_ui/jobs/job.html", context)


@require_POST
@tenant_page("users")
def cancel(request: HttpRequest, key: UUID) -> HttpResponse:
    """Stop it before its next step."""
    try:
        jobs.cancel(_find(request, key))
        messages.success(request, _("Cancelled; what it had done stays."))
    except Conflict as refused:
        messages.info(request, refused.reason)
    return redirect("job", request.place.tenant.slug, key)


@require_POST
@tenant_page("users")
def export_users(request: HttpRequest) -> HttpResponse:
    """Export all users of the tenant, or of one domain, in the background."""
    place = request.place
    options = {"domain": request.POST.get("domain", "").replace("\0", "").lower()[:300]}
    made = jobs.start(Kind.EXPORT_USERS, place.tenant, request.user, options)
    return redirect("job", place.tenant.slug, made.public_id)


@require_POST
@tenant_page("users")
def result(request: HttpRequest, key: UUID) -> StreamingHttpResponse:
    """What an export has made; or, once and to whoever started it, an import's passwords."""
    found = _find(request, key)
    if found.state != State.DONE or not _results(request, found).exists():
        raise Http404
    if found.kind == Kind.EXPORT_USERS:
        return csv_response("users.csv", _lines(user_jobs.EXPORTED, chunks.results(found)))
    taken = chunks.take_results(found)
    response = csv_response("passwords.csv", _lines(user_jobs.MADE, iter(taken)))
    response["Cache-Control"] = "no-store"
    return response


def _lines(names: tuple[str, ...], rows: Iterator[Any]) -> Iterator[list[Any]]:
    yield list(names)
    for row in rows:
        yield [row[name] for name in names]


def _results(request: HttpRequest, found: Job) -> Any:
    """What this person may take of it."""
    made = found.chunks.filter(is_result=True)
    is_own = found.person_id == request.user.pk
    return made if found.kind == Kind.EXPORT_USERS or is_own else made.none()


def _find(request: HttpRequest, key: UUID) -> Job:
    rows = request.place.scope.visible(Job.objects.select_related("tenant", "person"))
    return get_object_or_404(rows, public_id=key)
