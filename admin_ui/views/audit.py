"""Who changed what: read, filtered and taken home as CSV; nobody can change it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from admin_ui.frame import operator_page, tenant_page
from fedsip_platform import choosing, csv_export
from fedsip_platform.api.audit import AuditSerializer
from fedsip_platform.audit.models import Entry, Via
from fedsip_platform.paging import page_of
from fedsip_platform.tasks.models import Kind
from fedsip_platform.tenants.scope import Scope

from .jobs import export_or_start
from .settings import tabs

KINDS = (
    *("tenant", "domain", "user", "translation", "alias", "forward", "ringgroup", "trunk"),
    *("gateway", "outboundpolicy", "federationrule", "webhook", "token", "membership"),
    *("invitation", "allowedorigin", "job", "person", "blockedsource", "allowedsource"),
)


@require_GET
@tenant_page("settings")
def audit(request: HttpRequest) -> HttpResponse:
    """The latest changes first; the address holds filters and page."""
    context = _context(request, _of_place(request))
    tabbed = {"tabs": tabs(request.place, "audit")}
    return render(request, "admin_ui/settings/audit.html", context | tabbed)


@require_POST
@tenant_page("settings")
def export_job(request: HttpRequest) -> HttpResponse:
    """The same as a file that can be fetched at once, or as a job where it is long."""
    short = reverse("audit-export", args=[request.place.tenant.slug])
    return _long_download(request, _of_place(request), short)


@require_GET
@tenant_page("settings")
def export(request: HttpRequest) -> HttpResponseBase:
    """All that the filters choose, as it streams from the database."""
    return _download(request, _of_place(request))


@operator_page
@require_GET
def of_platform(request: HttpRequest) -> HttpResponse:
    """The changes of every tenant's things, and of what is no tenant's."""
    return render(request, "admin_ui/platform/audit.html", _context(request, _of_all(request)))


@operator_page
@require_POST
def export_job_of_platform(request: HttpRequest) -> HttpResponse:
    """The same as a file that can be fetched at once, or as a job where it is long."""
    return _long_download(request, _of_all(request), reverse("platform-audit-export"))


@operator_page
@require_GET
def export_of_platform(request: HttpRequest) -> HttpResponseBase:
    """The same as CSV."""
    return _download(request, _of_all(request))


def _of_place(request: Any) -> QuerySet[Entry]:
    return request.place.scope.visible(Entry.objects.all())


def _of_all(request: HttpRequest) -> QuerySet[Entry]:
    return Scope(request.user).visible(Entry.objects.all())


def _context(request: HttpRequest, rows: QuerySet[Entry]) -> dict[str, Any]:
    chosen = choosing.changes(rows, request.GET)
    return {
        "page": page_of(chosen, "-id", request.GET.get("at")),
        "kinds": KINDS,
        "ways": Via.choices,
        "is_filtered": any(request.GET.get(name) for name in choosing.OF_CHANGES),
    }


def _download(request: HttpRequest, rows: QuerySet[Entry]) -> HttpResponseBase:
    chosen = choosing.changes(rows, request.GET).order_by("-id")
    return csv_export.stream("audit.csv", AuditSerializer(), chosen)


def _long_download(request: HttpRequest, rows: QuerySet[Entry], short: str) -> HttpResponse:
    chosen = choosing.changes(rows, request.GET)
    return export_or_start(request, chosen, Kind.EXPORT_AUDIT, choosing.OF_CHANGES, short)
