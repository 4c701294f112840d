"""Domains: the list, and one with the records to publish and its policies."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from admin_ui import forms, way_in
from admin_ui.domain_words import note_policies
from admin_ui.frame import Place, operator_page, tenant_page
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain, user_count
from fedsip_platform.federation import dns_records, ownership
from fedsip_platform.federation.models import DomainCheck
from fedsip_platform.location import services as location
from fedsip_platform.location.models import Binding
from fedsip_platform.paging import page_of
from fedsip_platform.tasks import checks


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
    page = page_of(rows.select_related("last_check"), "name", request.GET.get("at"))
    for each in page.rows:
        each.check_ = getattr(each, "last_check", None)
        each.days = None if each.check_ is None else _days_left(each.check_)
    note_policies(page.rows)
    return render(request, "admin_ui/domains/list.html", {"page": page})


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
    """One domain with its last check; its policies are saved here."""
    found = _find(request.place, key)
    form = forms.PolicyForm(request.POST or None, instance=found)
    if request.method == "POST":
        change = lambda given: services.update_domain(found, **forms.changed(form))  # noqa: E731
        if forms.attempt(form, change) is not None:
            messages.success(request, _("Saved; it counts from the next call on."))
            return redirect("domain", request.place.tenant.slug, key)
    wanted = dns_records.records(found.name, dns_records.this_site())
    check = DomainCheck.objects.filter(domain=found).first()
    context = {
        "domain": found,
        "form": form,
        "users": found.subscribers.count(),
        "records": [*wanted, ownership.record(found)],
        "check": check,
        "days": None if check is None else _days_left(check),
        "authorities": [] if check is None else way_in.authorities_of(check.authorities),
        "ways": way_in.ways_of(*_as_found(check, wanted)),
    }
    return render(request, "admin_ui/domains/domain.html", context)


def _as_found(
    check: DomainCheck | None, wanted: list[dns_records.Record]
) -> tuple[list[way_in.Record], way_in.Record]:
    """The records and servers of the last check; before the first one, what will be looked for."""
    if check is not None and check.records:
        return check.records, check.located or {}
    unchecked = {"state": way_in.UNCHECKED, "found": []}
    return [
        {"name": each.name, "kind": each.kind, "value": each.value, **unchecked} for each in wanted
    ], {}


@require_POST
@tenant_page("domains")
def check(request: HttpRequest, key: UUID) -> HttpResponse:
    """Have the DNS, the certificate and the servers behind it checked; the page hears of it."""
    found = _find(request.place, key)
    checks.ask(found)
    return redirect(reverse("domain", args=[request.place.tenant.slug, key]) + "#dns")


@require_GET
@tenant_page("domains")
def certificates(request: HttpRequest) -> HttpResponse:
    """The certificate that callers of each domain are shown."""
    made = request.place.scope.visible(DomainCheck.objects.select_related("domain"))
    page = page_of(made.exclude(certificate={}), "pk", request.GET.get("at"))
    rows = [(each, _days_left(each)) for each in page.rows]
    return render(request, "admin_ui/domains/certificates.html", {"page": page, "rows": rows})


def _days_left(check: DomainCheck) -> int | None:
    """How many days its certificate is still good; None where none was seen."""
    ends = parse_datetime(check.certificate.get("expires_at", ""))
    return None if ends is None else (ends - timezone.now()).days


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
