"""One search for users, their other names and numbers, domains, calls and pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from admin_ui.frame import SECTIONS, Place, tenant_page
from fedsip_platform.calls.models import CallRecord
from fedsip_platform.directory import finding
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.routing.models import Alias

MOST = 6
SHORTEST = 2


@require_GET
@tenant_page("search")
def search(request: HttpRequest) -> HttpResponse:
    """A whole page, or the list under the field while somebody types."""
    text = request.GET.get("q", "").strip()[:200].replace("\0", "")
    found = _found(request.place, text) if len(text) >= SHORTEST else {}
    context = {"found": found, "searched": text, "is_empty": not any(found.values())}
    partial = request.headers.get("HX-Request") == "true"
    page = "admin_ui/parts/found.html" if partial else "admin_ui/search.html"
    return render(request, page, context)


def _found(place: Place, text: str) -> dict[str, Any]:
    users = place.scope.visible(Subscriber.objects.all())
    domains = place.scope.visible(Domain.objects.all())
    aliases = place.scope.visible(Alias.objects.select_related("domain"))
    calls = place.scope.visible(CallRecord.objects.all())
    low = text.lower()
    return {
        "pages": [
            {"label": section.label, "icon": section.icon, "address": _address(place, section.key)}
            for section in SECTIONS
            if str(section.label).lower().startswith(low)
        ],
        "users": users.filter(finding.users_like(text)).order_by("aor")[:MOST],
        "aliases": aliases.filter(name__startswith=low).order_by("name", "pk")[:MOST],
        "domains": domains.filter(name__startswith=low)[:MOST],
        "calls": calls.filter(call_id=text)[:MOST],
    }


def _address(place: Place, key: str) -> str:
    return reverse(key, args=[place.tenant.slug])
