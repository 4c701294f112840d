"""Calls: the history with its filters in the address, as CSV, and one call."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from admin_ui.frame import tenant_page
from admin_ui.paging import page_of
from fedsip_platform.calls.models import CallRecord


@require_GET
@tenant_page("calls")
def calls(request: HttpRequest) -> HttpResponse:
    """The history."""
    rows = request.place.scope.visible(CallRecord.objects.all())
    return render(
        request,
        "admin_ui/calls/list.html",
        {"page": page_of(rows, "-started_at", request.GET.get("at"))},
    )


@require_GET
@tenant_page("calls")
def call(request: HttpRequest, key: UUID) -> HttpResponse:
    """One call."""
    chosen = request.place.scope.visible(CallRecord.objects.all())
    found = get_object_or_404(chosen, public_id=key)
    return render(request, "admin_ui/calls/call.html", {"call": found})
