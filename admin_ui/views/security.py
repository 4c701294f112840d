"""Security: who was refused at the tenant's domains."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncHour
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from admin_ui import charts
from admin_ui.frame import tenant_page
from admin_ui.refusals import by_peer
from fedsip_platform import choosing
from fedsip_platform.calls.models import FailedSignIn
from fedsip_platform.federation.models import Refusal
from fedsip_platform.paging import page_of

MOST_REFUSED = 50
MOST_IN_CHART = 8
LATELY = timedelta(days=7)


@require_GET
@tenant_page("security")
def security(request: HttpRequest) -> HttpResponse:
    """Failed sign-ins by user and address, and what was refused to other domains."""
    scope = request.place.scope
    sign_ins = scope.visible(FailedSignIn.objects.all())
    refusals = scope.visible(Refusal.objects.all())
    failures = _by_hour(sign_ins)
    context = {
        "failures": failures,
        "chart": charts.of_failures(failures) if any(amount for _, amount in failures) else None,
        "by_user": _most_tried(sign_ins, "aor", "address"),
        "by_address": _most_tried(sign_ins, "address", "aor"),
        "page": page_of(
            choosing.sign_ins(sign_ins, request.GET), "-last_at", request.GET.get("at")
        ),
        "is_filtered": any(request.GET.get(name) for name in choosing.OF_SIGN_INS),
        "refused": by_peer(refusals, most=MOST_REFUSED),
        "most": MOST_REFUSED,
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


def _most_tried(sign_ins: QuerySet[FailedSignIn], column: str, other: str) -> list[dict[str, Any]]:
    """The users or addresses with the most attempts of the last week: `name`, `attempts`, how many
    `others` (addresses of a user, users of an address), and `share` of the most in percent."""
    rows = (
        sign_ins.filter(hour__gte=timezone.now() - LATELY)
        .order_by()
        .values(column)
        .annotate(attempts=Sum("attempts"), others=Count(other, distinct=True))
        .order_by("-attempts", column)[:MOST_IN_CHART]
    )
    found = [{**row, "name": row[column]} for row in rows]
    for row in found:
        row["share"] = max(1, round(100 * row["attempts"] / found[0]["attempts"]))
    return found
