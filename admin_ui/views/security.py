"""Security: who was refused at the tenant's domains."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncHour
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from admin_ui import charts
from admin_ui.frame import tenant_page
from admin_ui.refusals import with_reasons
from fedsip_platform.calls.models import FailedSignIn
from fedsip_platform.federation.models import Refusal
from fedsip_platform.paging import page_of

MOST_REFUSALS = 50


@require_GET
@tenant_page("security")
def security(request: HttpRequest) -> HttpResponse:
    """Failed sign-ins by user and address, and what was refused to other domains."""
    scope = request.place.scope
    sign_ins = scope.visible(FailedSignIn.objects.all())
    refusals = scope.visible(Refusal.objects.select_related("domain"))
    failures = _by_hour(sign_ins)
    context = {
        "failures": failures,
        "chart": charts.of_failures(failures) if any(amount for _, amount in failures) else None,
        "page": page_of(sign_ins, "-last_at", request.GET.get("at")),
        "refusals": with_reasons(refusals.order_by("-last_at", "-pk")[:MOST_REFUSALS]),
        "most": MOST_REFUSALS,
    }
    return render(request, "admin_ui/security.html", context)


def _by_hour(sign_ins: QuerySet[FailedSignIn]) -> list[tuple[datetime, int]]:
    """How many of the last day's attempts were made in each hour."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=back) for back in range(23, -1, -1)]
    rows = (
        sign_ins.filter(hour__gte=hours[0])
        .order_by()
        .annotate(at=TruncHour("hour"))
        .values_list("at")
        .annotate(amount=Sum("attempts"))
    )
    amounts = dict(rows)
    return [(hour, amounts.get(hour, 0)) for hour in hours]
