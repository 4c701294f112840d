"""Who changed what: read, filtered and taken home as CSV; nobody can change it."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from admin_ui import dates
from admin_ui.frame import operator_page, tenant_page
from fedsip_platform.api import csv_export
from fedsip_platform.api.audit import AuditSerializer
from fedsip_platform.audit.models import Entry, Via
from fedsip_platform.paging import page_of
from fedsip_platform.tenants.scope import Scope

from .settings import tabs

KINDS = (
    *("tenant", "domain", "user", "translation", "alias", "forward", "ringgroup", "trunk"),
    *("gateway", "outboundpolicy", "federationrule", "webhook", "token", "membership"),
    *("invitation", "allowedorigin", "job", "person", "blockedsource", "allowedsource"),
)
FILTERS = ("q", "kind", "via", "from", "to", "tenant")


@require_GET
@tenant_page("settings")
def audit(request: HttpRequest) -> HttpResponse:
    """The latest changes first; the address holds filters and page."""
    context = _context(request, _of_place(request))
    tabbed = {"tabs": tabs(request.place, "audit")}
    return render(request, "admin_ui/settings/audit.html", context | tabbed)


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
@require_GET
def export_of_platform(request: HttpRequest) -> HttpResponseBase:
    """The same as CSV."""
    return _download(request, _of_all(request))


def _of_place(request: Any) -> QuerySet[Entry]:
    return request.place.scope.visible(Entry.objects.all())


def _of_all(request: HttpRequest) -> QuerySet[Entry]:
    rows = Scope(request.user).visible(Entry.objects.all())
    match request.GET.get("tenant", "").strip()[:50].replace("\0", ""):
        case "":
            return rows
        case "-":
            return rows.filter(tenant=None)
        case slug:
            return rows.filter(tenant__slug=slug)


def _context(request: HttpRequest, rows: QuerySet[Entry]) -> dict[str, Any]:
    chosen = _filtered(rows, request.GET)
    return {
        "page": page_of(chosen, "-id", request.GET.get("at")),
        "kinds": KINDS,
        "ways": Via.choices,
        "is_filtered": any(request.GET.get(name) for name in FILTERS),
    }


def _download(request: HttpRequest, rows: QuerySet[Entry]) -> HttpResponseBase:
    chosen = _filtered(rows, request.GET).order_by("-id")
    return csv_export.stream("audit.csv", AuditSerializer(), chosen)


def _filtered(rows: QuerySet[Entry], asked: Any) -> QuerySet[Entry]:
    rows = rows.annotate(tenant_slug=F("tenant__slug"))
    text = asked.get("q", "").strip()[:300].replace("\0", "")
    if text:
        rows = rows.filter(actor=text) | rows.filter(key=text)
    for name in ("kind", "via"):
        if asked.get(name):
            rows = rows.filter(**{name: asked[name].replace("\0", "")[:30]})
    return dates.between(rows, "at", asked)
