"""The first page of a tenant: does it work right now, and what needs attention."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from admin_ui import charts
from admin_ui.frame import Place, tenant_page
from fedsip_platform.calls import queries, verdict
from fedsip_platform.calls.models import CallRecord, LiveCall, RegistrationSample
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.federation import wellbeing
from fedsip_platform.federation.models import CheckState, DomainCheck
from fedsip_platform.location import services as location
from fedsip_platform.location.models import Binding
from fedsip_platform.tenants import attention

SHOWN = timedelta(hours=23)  # and what has passed of this one
IN_AN_HOUR = 12  # samples of registrations


@tenant_page("overview")
def overview(request: HttpRequest) -> HttpResponse:
    """A sentence first; a checklist while the tenant is new; figures and charts after that."""
    place: Place = request.place
    now = timezone.now()
    calls = place.scope.visible(CallRecord.objects.all())
    hours = queries.calls_by_hour(calls, since=now - SHOWN, until=now)
    day = queries.together(hours)
    checks = place.scope.visible(DomainCheck.objects.all())
    found = wellbeing.of(checks, now=now)
    context = {
        **_figures(place),
        "day": day,
        "hours": hours,
        "quality": verdict.quality_of(day.mos),
        "reasons": queries.failure_reasons(day),
        "given_up": sum(n for why, n in day.failed.items() if why.status == queries.GIVEN_UP),
        "given_up_status": queries.GIVEN_UP,
        "ever_called": calls.exists(),
        "attention": [
            (point, _address(place, point)) for point in attention.points(place.tenant, found)
        ],
        "health": found,
        "chart": charts.of_calls(hours) if day.calls else None,
        "quality_chart": charts.of_quality(hours) if day.measured else None,
        **_registrations(place, since=hours[0].hour),
    }
    context["steps_left"] = not (day.calls or context["ever_called"])
    if context["steps_left"]:
        context |= _first_steps(place, checks, context)
    worst = next((each for each in context["attention"] if each[0].is_bad), None)
    return render(request, "admin_ui/overview.html", {**context, "worst": worst})


def _address(place: Place, point: attention.Point) -> str:
    """The page where it is mended."""
    keys = [] if point.thing is None else [point.thing]
    return reverse(point.kind, args=[place.tenant.slug, *keys]) if point.kind else ""


def _figures(place: Place) -> dict[str, Any]:
    bindings = location.current(place.scope.visible(Binding.objects.all()))
    counted = bindings.aggregate(online=Count("aor", distinct=True), devices=Count("pk"))
    return {
        "domains": place.scope.visible(Domain.objects.all()).count(),
        "users": place.scope.visible(Subscriber.objects.all()).count(),
        "calls_now": place.scope.visible(LiveCall.objects.all()).count(),
        **counted,
    }


def _first_steps(
    place: Place, checks: QuerySet[DomainCheck], found: Mapping[str, Any]
) -> dict[str, Any]:
    """How far a new tenant has come, and where the next steps are done while there is one place."""
    is_published = checks.filter(state=CheckState.FINE).exists()
    done = (found["domains"], is_published, found["users"], found["devices"])
    domains = place.scope.visible(Domain.objects.all())
    users = place.scope.visible(Subscriber.objects.all())
    return {
        "is_published": is_published,
        "steps_done": sum(map(bool, done)),
        "first_domain": domains.first() if found["domains"] == 1 else None,
        "first_user": users.first() if found["users"] == 1 else None,
    }


def _registrations(place: Place, *, since: datetime) -> dict[str, Any]:
    samples = queries.registrations_over_time(
        place.scope.visible(RegistrationSample.objects.all()), since=since
    )
    if len(samples) < charts.FEWEST:
        return {}
    shown = [(_("Devices"), "--tblr-primary", [each.devices for each in samples])]
    return {
        "registrations": charts.lines([each.at for each in samples], shown),
        "samples": samples[::IN_AN_HOUR],
    }
