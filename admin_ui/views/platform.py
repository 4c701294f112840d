"""The whole platform, for operators: tenants, nodes, relays."""

from __future__ import annotations

from itertools import islice

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from admin_ui import forms
from admin_ui.frame import operator_page
from fedsip_platform.calls import nodes
from fedsip_platform.directory import services
from fedsip_platform.federation import certificates as served
from fedsip_platform.federation import wellbeing
from fedsip_platform.paging import page_of
from fedsip_platform.tenants.models import Tenant

MOST_CERTIFICATES = 1000


@operator_page
@require_GET
def platform(request: HttpRequest) -> HttpResponse:
    """Tenants, and whether nodes are alive."""
    now = timezone.now()
    seen = nodes.seen(now=now)
    parts = wellbeing.of_servers(seen)
    tenants = Tenant.objects.annotate(domain_count=Count("domains"))
    text = request.GET.get("q", "").strip()[:100].replace("\0", "")
    if text:
        tenants = tenants.filter(name__icontains=text) | tenants.filter(slug__startswith=text)
    context = {
        "page": page_of(tenants, "slug", request.GET.get("at")),
        "seen": seen,
        "nodes": sorted([*seen.alive, *seen.silent], key=lambda node: node.node_id),
        "parts": parts,
        "worst": [part for part in parts if part.sentence],
        "total": Tenant.objects.count(),
    }
    return render(request, "admin_ui/platform/platform.html", context)


@operator_page
@require_GET
def certificates(request: HttpRequest) -> HttpResponse:
    """The certificates of this machine: the node's, and those of single domains."""
    now = timezone.now()
    found = served.all_served()
    rows = [
        (domain, held.as_json(), (held.expires_at - now).days)
        for domain, held in islice(found, MOST_CERTIFICATES)
    ]
    return render(request, "admin_ui/platform/certificates.html", {"rows": rows})


@operator_page
def new_tenant(request: HttpRequest) -> HttpResponse:
    """Make a tenant."""
    form = forms.TenantForm(request.POST or None)
    if request.method == "POST":
        made = forms.attempt(form, lambda given: services.create_tenant(**given))
        if made is not None:
            messages.success(request, _("%(name)s is there.") % {"name": made.name})
            return redirect("overview", made.slug)
    context = {"form": form, "heading": _("New tenant")}
    return render(request, "admin_ui/platform/tenant.html", context)


@operator_page
def tenant(request: HttpRequest, slug: str) -> HttpResponse:
    """Rename, limit or disable a tenant."""
    found = get_object_or_404(Tenant, slug=slug)
    form = forms.TenantForm(request.POST or None, instance=found)
    if request.method == "POST":
        change = lambda given: services.update_tenant(found, **forms.changed(form))  # noqa: E731
        if forms.attempt(form, change) is not None:
            messages.success(request, _("Saved."))
            return redirect("platform")
    context = {"form": form, "tenant": found, "heading": found.name}
    return render(request, "admin_ui/platform/tenant.html", context)
