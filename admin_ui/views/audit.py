"""Who changed what: read, filtered and taken home as CSV; nobody can change it."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from admin_ui import dates
from admin_ui.frame import Place, tenant_page
from admin_ui.paging import page_of
from fedsip_platform.api import csv_export
from fedsip_platform.api.audit import AuditSerializer
from fedsip_platform.audit.models import Entry, Via

from .settings import tabs

KINDS = (
    *("tenant", "domain", "user", "translation", "alias", "forward", "ringgroup", "trunk"),
    *("gateway", "outboundpolicy", "federationrule", "webhook", "token", "membership"),
    *("invitation", "allowedorigin"),
)
FILTERS = ("q", "kind", "via", "from", "to")


@require_GET
@tenant_page("settings")
def audit(request: HttpRequest) -> HttpResponse:
    """The latest changes first; the address holds filters and page."""
    place: Place = request.place
    context = {
        "tabs": tabs(place, "audit"),
        "page": page_of(_filtered(place, request.GET), "-id", request.GET.get("at")),
        "kinds": KINDS,
        "ways": Via.choices,
        "is_filtered": any(request.GET.get(name) for name in FILTERS),
    }
    return render(request, "admin_ui/settings/audit.html", context)


@require_GET
@tenant_page("settings")
def export(request: HttpRequest) -> HttpResponseBase:
    """All that the filters choose, as it streams from the database."""
    rows = _filtered(request.place, request.GET).order_by("-id")
    return csv_export.stream("audit.csv", AuditSerializer, rows)


def _filtered(place: Place, asked: Any) -> QuerySet[Entry]:
    rows = place.scope.visible(Entry.objects.annotate(tenant_slug=F("tenant__slug")))
    text = asked.get("q", "").strip()[:300].replace("\0", "")
    if text:
        rows = rows.filter(actor=text) | rows.filter(key=text)
    for name in ("kind", "via"):
        if asked.get(name):
            rows = rows.filter(**{name: asked[name].replace("\0", "")[:30]})
    return dates.between(rows, "at", asked)
