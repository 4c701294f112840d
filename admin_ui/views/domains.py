"""Domains: the list, and one with the records to publish and its policies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from admin_ui import forms
from admin_ui.frame import Place, operator_page, tenant_page
from admin_ui.paging import page_of
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain, user_count
from fedsip_platform.federation import dns_records, locating, ownership, shown
from fedsip_platform.location import services as location
from fedsip_platform.location.models import Binding


@require_GET
@tenant_page("domains")
def domains(request: HttpRequest) -> HttpResponse:
    """The list with users and who of them is online."""
    rows = request.place.scope.visible(Domain.objects.all())
    online = (
        location.current(Binding.objects.filter(domain=OuterRef("pk")))
        .order_by()
        .values("domain")
        .annotate(amount=Count("aor", distinct=True))
        .values("amount")
    )
    rows = rows.annotate(users=user_count(), online=Coalesce(Subquery(online), 0))
    return render(
        request,
        "admin_ui/domains/list.html",
        {"page": page_of(rows, "name", request.GET.get("at"))},
    )


@tenant_page("domains")
def new(request: HttpRequest) -> HttpResponse:
    """Add a domain by its name."""
    place: Place = request.place
    form = forms.NewDomainForm(request.POST or None)
    if request.method == "POST":
        made = forms.attempt(form, lambda given: ownership.add_domain(place.tenant, **given))
        if made is not None:
            messages.success(request, _("%(domain)s is added.") % {"domain": made})
            return redirect("domain", place.tenant.slug, made.public_id)
    return render(request, "admin_ui/domains/new.html", {"form": form})


@tenant_page("domains")
def domain(request: HttpRequest, key: UUID) -> HttpResponse:
    """One domain; its policies are saved here. With `?check` the DNS is asked for its records."""
    found = _find(request.place, key)
    form = forms.PolicyForm(request.POST or None, instance=found)
    if request.method == "POST":
        change = lambda given: services.update_domain(found, **forms.changed(form))  # noqa: E731
        if forms.attempt(form, change) is not None:
            messages.success(request, _("Saved; it counts from the next call on."))
            return redirect("domain", request.place.tenant.slug, key)
    wanted = dns_records.records(found.name, dns_records.this_site())
    context = {
        "domain": found,
        "form": form,
        "users": found.subscribers.count(),
        "records": [*wanted, ownership.record(found)],
        **(_checked(found, wanted) if "check" in request.GET else {}),
    }
    return render(request, "admin_ui/domains/domain.html", context)


def _checked(found: Domain, wanted: list[dns_records.Record]) -> dict[str, Any]:
    """What the DNS has now, whether it proves ownership, and who answers where it leads."""
    proof = ownership.check(found)
    located = locating.locate(locating.read_uri(found.name), ask_hops=True)
    return {
        "checked": [*dns_records.check(wanted), proof],
        "located": shown.of_located(located),
    }


@tenant_page("domains")
def delete(request: HttpRequest, key: UUID) -> HttpResponse:
    """Ask, then delete with all its users."""
    found = _find(request.place, key)
    slug = request.place.tenant.slug
    if request.method == "POST":
        services.delete_domain(found)
        messages.success(request, _("%(domain)s is deleted.") % {"domain": found.name})
        return redirect("domains", slug)
    users, rules = found.subscribers.count(), found.translations.count()
    consequence = ngettext(
        "Its %(users)d user and %(rules)d rules are deleted too, and phones are signed out.",
        "Its %(users)d users and %(rules)d rules are deleted too, and phones are signed out.",
        users,
    ) % {"users": users, "rules": rules}
    context = {
        "heading": _("Delete %(domain)s") % {"domain": found},
        "consequence": consequence + " " + _("This cannot be undone."),
        "back": reverse("domain", args=[slug, key]),
        "button": _("Delete the domain"),
    }
    return render(request, "admin_ui/confirm.html", context)


@operator_page
@require_POST
def vouch(request: HttpRequest, key: UUID) -> HttpResponse:
    """Serve a domain on an operator's word."""
    found = get_object_or_404(Domain.objects.select_related("tenant"), public_id=key)
    services.update_domain(found, vouched=True)
    messages.success(request, _("%(domain)s is served from now on.") % {"domain": found})
    return redirect("domain", found.tenant.slug, key)


def _find(place: Place, key: UUID) -> Domain:
    chosen = place.scope.visible(Domain.objects.select_related("tenant"))
    return get_object_or_404(chosen, public_id=key)
