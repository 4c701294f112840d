"""Sources that the proxies ignore, and those that nothing blocks: the platform's, for operators."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from admin_ui import forms
from admin_ui.frame import operator_page
from fedsip_platform.calls import services
from fedsip_platform.calls.models import AllowedSource
from fedsip_platform.paging import page_of

MOST_ALLOWED = 200


@operator_page
def blocks(request: HttpRequest) -> HttpResponse:
    """Who is ignored now, and why; an address is blocked from here, `?address=` is in its field."""
    asked = {"address": request.GET.get("address", "")[:45]}
    form = forms.BlockForm(request.POST or None, initial=asked)
    if request.method == "POST":
        made = forms.attempt(form, lambda given: services.block(**given))
        if made is not None:
            messages.success(request, _("%(address)s is ignored.") % {"address": made})
            return redirect("blocks")
    return _page(request, block_form=form)


@operator_page
@require_POST
def lift(request: HttpRequest, key: UUID) -> HttpResponse:
    """Listen to an address again."""
    found = get_object_or_404(services.blocked(), public_id=key)
    services.lift(found)
    text = _("The proxies listen to %(address)s again.") % {"address": found}
    messages.success(request, text)
    return redirect("blocks")


@operator_page
@require_POST
def allow(request: HttpRequest) -> HttpResponse:
    """Never block a network."""
    form = forms.AllowForm(request.POST)
    made = forms.attempt(form, lambda given: services.allow(**given))
    if made is None:
        return _page(request, allow_form=form)
    messages.success(request, _("%(network)s is never blocked.") % {"network": made})
    return redirect("blocks")


@operator_page
@require_POST
def disallow(request: HttpRequest, key: UUID) -> HttpResponse:
    """Treat a network like any other."""
    found = get_object_or_404(AllowedSource, public_id=key)
    services.disallow(found)
    messages.success(request, _("%(network)s is like any other.") % {"network": found})
    return redirect("blocks")


def _page(request: HttpRequest, **bound: forms.BlockForm | forms.AllowForm) -> HttpResponse:
    context = {
        "page": page_of(services.blocked(), "-last_seen_at", request.GET.get("at")),
        "allowed": AllowedSource.objects.all()[:MOST_ALLOWED],
        "most": MOST_ALLOWED,
        "is_live": True,
        "live_at": request.get_full_path() if request.method == "GET" else reverse("blocks"),
        "block_form": forms.BlockForm(),
        "allow_form": forms.AllowForm(),
        **bound,
    }
    return render(request, "admin_ui/platform/blocks.html", context)
