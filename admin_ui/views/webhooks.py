"""Webhooks: who is told what, whether it arrived, and a test at any time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from admin_ui import forms
from admin_ui.confirm import ask_first
from admin_ui.frame import Place, tenant_page
from admin_ui.settings_forms import WebhookForm
from fedsip_platform.paging import page_of
from fedsip_platform.webhooks import services
from fedsip_platform.webhooks.models import Delivery, State, Webhook


@require_GET
@tenant_page("developers")
def webhooks(request: HttpRequest) -> HttpResponse:
    """All of the tenant's, with how many deliveries wait and were given up."""
    place: Place = request.place
    rows = place.scope.visible(Webhook.objects.all()).annotate(
        waiting=Count("deliveries", filter=Q(deliveries__state=State.WAITING)),
        failed=Count("deliveries", filter=Q(deliveries__state=State.FAILED)),
    )
    context = {"page": page_of(rows, "id", request.GET.get("at"))}
    return render(request, "admin_ui/webhooks/list.html", context)


@tenant_page("developers")
def new(request: HttpRequest) -> HttpResponse:
    """Make one; the key of its signatures is shown now and never again."""
    place: Place = request.place
    form = WebhookForm(request.POST or None)
    if request.method == "POST":
        made = forms.attempt(form, lambda given: services.create(place.tenant, **given))
        if made is not None:
            webhook, secret = made
            messages.success(request, _("The webhook is in force."))
            return _shown(request, webhook, WebhookForm(instance=webhook), secret)
    return render(request, "admin_ui/webhooks/new.html", {"form": form})


@tenant_page("developers")
def webhook(request: HttpRequest, key: UUID) -> HttpResponse:
    """One webhook: its form, and its deliveries with what was sent and answered."""
    found = _find(request.place, key)
    form = WebhookForm(request.POST or None, instance=found)
    if request.method == "POST":
        change = lambda given: services.update(found, **forms.changed(form))  # noqa: E731
        if forms.attempt(form, change) is not None:
            messages.success(request, _("Saved; it is in force."))
            return redirect("webhook", request.place.tenant.slug, key)
    return _shown(request, found, form)


@require_POST
@tenant_page("developers")
def test(request: HttpRequest, key: UUID) -> HttpResponse:
    """Send something, to see whether it arrives."""
    services.test(_find(request.place, key))
    messages.success(request, _("A test is on its way; its delivery stands below."))
    return redirect("webhook", request.place.tenant.slug, key)


@tenant_page("developers")
def delete(request: HttpRequest, key: UUID) -> HttpResponse:
    """Ask, then delete."""
    found = _find(request.place, key)
    slug = request.place.tenant.slug
    return ask_first(
        request,
        lambda: services.remove(found),
        done=_("The webhook is deleted."),
        to=reverse("webhooks", args=[slug]),
        heading=_("Delete the webhook to %(url)s") % {"url": found.url},
        consequence=_("What waits for it is not delivered. This cannot be undone."),
        button=_("Delete the webhook"),
        back=reverse("webhook", args=[slug, key]),
    )


@require_POST
@tenant_page("developers")
def retry(request: HttpRequest, key: UUID) -> HttpResponse:
    """Try a delivery again."""
    rows = request.place.scope.visible(Delivery.objects.select_related("webhook__tenant"))
    delivery = get_object_or_404(rows, public_id=key)
    services.retry(delivery)
    messages.success(request, _("It is sent again now."))
    return redirect("webhook", request.place.tenant.slug, delivery.webhook.public_id)


def _find(place: Place, key: UUID) -> Webhook:
    return get_object_or_404(place.scope.visible(Webhook.objects.all()), public_id=key)


def _shown(
    request: HttpRequest, found: Webhook, form: WebhookForm, secret: str = ""
) -> HttpResponse:
    place: Place = request.place  # type: ignore[attr-defined]
    deliveries = place.scope.visible(Delivery.objects.filter(webhook=found))
    context: dict[str, Any] = {
        "webhook": found,
        "form": form,
        "secret": secret,
        "page": page_of(deliveries, "-id", request.GET.get("at"), size=20),
    }
    response = render(request, "admin_ui/webhooks/webhook.html", context)
    if secret:
        response["Cache-Control"] = "no-store"
    return response
