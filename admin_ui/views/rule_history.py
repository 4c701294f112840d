"""How a domain's rules were before, with what changed, and the way back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from admin_ui.frame import Place, tenant_page
from admin_ui.routing_frame import list_address
from fedsip_platform.audit.models import Entry
from fedsip_platform.changes import ServiceError
from fedsip_platform.directory import history
from fedsip_platform.directory.models import Domain, Translation
from fedsip_platform.paging import page_of


@require_GET
@tenant_page("routing")
def rule_history(request: HttpRequest, domain_key: UUID) -> HttpResponse:
    """Changes of the domain's rules, the latest first; `?rule=` chooses one of them."""
    place: Place = request.place
    domain = _domain(place, domain_key)
    rule = _uuid(request.GET.get("rule", ""))
    entries = history.of_domain(domain, place.scope.visible(Entry.objects.all()), rule=rule)
    page = page_of(entries, "-id", request.GET.get("at"))
    kept = Translation.objects.filter(public_id__in=[entry.thing for entry in page.rows])
    context = {
        "domain": domain,
        "page": page,
        "of_one": rule is not None,
        "kept": set(place.scope.visible(kept).values_list("public_id", flat=True)),
        "back": list_address("routing", place.tenant.slug, domain),
    }
    return render(request, "admin_ui/routing/history.html", context)


@require_POST
@tenant_page("routing")
def restore(request: HttpRequest, domain_key: UUID, entry_key: UUID) -> HttpResponse:
    """Bring a rule to what it was after that change."""
    place: Place = request.place
    domain = _domain(place, domain_key)
    entries = history.of_domain(domain, place.scope.visible(Entry.objects.all()), rule=None)
    entry = get_object_or_404(entries, public_id=entry_key)
    try:
        history.restore(domain, entry)
    except ServiceError as error:
        messages.error(request, error.reason)
    else:
        messages.success(request, _("The rule is as it was then, and in force."))
    return redirect(list_address("routing", place.tenant.slug, domain))


def _domain(place: Place, key: UUID) -> Domain:
    rows = place.scope.visible(Domain.objects.select_related("tenant"))
    return get_object_or_404(rows, public_id=key)


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
