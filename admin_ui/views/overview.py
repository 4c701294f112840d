"""The first page of a tenant: does it work right now, and what needs attention."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncHour
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from admin_ui import attention
from admin_ui.frame import Place, tenant_page
from fedsip_platform.calls.models import CallRecord
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.location import services as location
from fedsip_platform.location.models import Binding

DAY = timedelta(days=1)


@tenant_page("overview")
def overview(request: HttpRequest) -> HttpResponse:
    """A sentence first; a checklist while the tenant is new; figures and a chart after that."""
    place: Place = request.place
    context = _figures(place)
    context["steps_left"] = not (context["calls"] or context["ever_called"])
    context["attention"] = attention.points(place)
    context["chart"] = _by_hour(place) if context["calls"] else None
    return render(request, "admin_ui/overview.html", context)


def _figures(place: Place) -> dict[str, Any]:
    since = timezone.now() - DAY
    calls = place.scope.visible(CallRecord.objects.all())
    recent = calls.filter(started_at__gt=since).aggregate(
        all=Count("pk"), answered=Count("pk", filter=Q(answered_at__isnull=False))
    )
    bindings = location.current(place.scope.visible(Binding.objects.all()))
    return {
        "domains": place.scope.visible(Domain.objects.all()).count(),
        "users": place.scope.visible(Subscriber.objects.all()).count(),
        "online": bindings.aggregate(amount=Count("aor", distinct=True))["amount"],
        "devices": bindings.count(),
        "calls": recent["all"],
        "answered": recent["answered"],
        "failed": recent["all"] - recent["answered"],
        "ever_called": calls.exists(),
        "reasons": calls.filter(started_at__gt=since, answered_at__isnull=True)
        .values("status", "reason")
        .order_by()
        .annotate(amount=Count("pk"))
        .order_by("-amount")[:5],
    }


def _by_hour(place: Place) -> dict[str, Any]:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=back) for back in range(23, -1, -1)]
    rows = (
        place.scope.visible(CallRecord.objects.filter(started_at__gte=hours[0]))
        .order_by()
        .annotate(hour=TruncHour("started_at"))
        .values("hour")
        .annotate(all=Count("pk"), answered=Count("answered_at"))
    )
    found = {row["hour"]: (row["all"], row["answered"]) for row in rows}
    counts = [found.get(hour, (0, 0)) for hour in hours]
    return {
        "x": [int(hour.timestamp()) for hour in hours],
        "series": [
            {"label": "All", "colour": "--bad", "bars": True, "values": [n for n, _ in counts]},
            {
                "label": "Answered",
                "colour": "--good",
                "bars": True,
                "values": [answered for _, answered in counts],
            },
        ],
        "rows": [
            {"hour": hour, "all": every, "answered": answered, "failed": every - answered}
            for hour, (every, answered) in zip(hours, counts, strict=True)
            if every
        ],
    }
