"""Security: who was refused at the tenant's domains."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from admin_ui.frame import tenant_page
from admin_ui.paging import page_of
from admin_ui.refusals import with_reasons
from fedsip_platform.calls.models import FailedSignIn
from fedsip_platform.federation.models import Refusal

MOST_REFUSALS = 50


@require_GET
@tenant_page("security")
def security(request: HttpRequest) -> HttpResponse:
    """Failed sign-ins by user and address, and what was refused to other domains."""
    scope = request.place.scope
    sign_ins = scope.visible(FailedSignIn.objects.all())
    refusals = scope.visible(Refusal.objects.select_related("domain"))
    context = {
        "page": page_of(sign_ins, "-last_at", request.GET.get("at")),
        "refusals": with_reasons(refusals.order_by("-last_at", "-pk")[:MOST_REFUSALS]),
        "most": MOST_REFUSALS,
    }
    return render(request, "admin_ui/security.html", context)
