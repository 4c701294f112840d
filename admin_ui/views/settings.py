"""Settings of a tenant: its people and its limits."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from admin_ui.frame import Place, tenant_page
from fedsip_platform.directory.models import Domain, Subscriber


@require_GET
@tenant_page("settings")
def settings(request: HttpRequest) -> HttpResponse:
    """Who may do what here, and how much of the limits is used."""
    place: Place = request.place
    context = {
        "memberships": place.tenant.memberships.select_related("person").order_by("person__email"),
        "limits": [
            (
                "domains",
                place.scope.visible(Domain.objects.all()).count(),
                place.tenant.max_domains,
            ),
            (
                "users",
                place.scope.visible(Subscriber.objects.all()).count(),
                place.tenant.max_subscribers,
            ),
        ],
    }
    return render(request, "admin_ui/settings.html", context)
