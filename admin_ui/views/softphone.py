"""The softphone: a phone in the page, for whoever has one (docs/softphone.md).

The phone is the person's, whatever tenant's page is open; without one, she is asked as whom to
telephone, among the users that she may change.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from admin_ui.frame import tenant_page
from fedsip_platform.changes import ServiceError
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.gateway import services
from fedsip_platform.tenants.scope import Scope

MOST_SUGGESTED = 50
NOBODY = _("There is no such user that you may telephone as.")


@require_http_methods(["GET", "POST"])
@tenant_page("softphone")
def softphone(request: Any) -> HttpResponse:
    """In the frame of a tenant, whose users one may choose from."""
    if request.method == "POST":
        _choose(request, request.place.scope)
        return redirect("softphone", request.place.tenant.slug)
    return render(request, "admin_ui/softphone.html", _facts(request, request.place.scope))


@login_required
@require_http_methods(["GET"])
def phone(request: HttpRequest) -> HttpResponse:
    """On its own, as on the home screen of a mobile phone."""
    return render(request, "admin_ui/phone.html", _facts(request, None))


def _facts(request: HttpRequest, choosing: Scope | None) -> dict[str, Any]:
    own = services.phone_of(request.user)
    users = [] if own or choosing is None else _users(choosing).order_by("aor")[:MOST_SUGGESTED]
    return {"subscriber": own, "choosing": choosing is not None, "suggested": users}


def _users(scope: Scope) -> Any:
    return scope.visible(Subscriber.objects.select_related("domain__tenant"))


def _choose(request: HttpRequest, scope: Scope) -> None:
    typed = request.POST.get("address", "").strip().removeprefix("sip:").lower()
    user = None if "\0" in typed else _users(scope).filter(aor=typed).first()
    if user is None or not scope.may_change(user.domain.tenant):
        messages.error(request, NOBODY)
        return
    try:
        services.give_phone(request.user, user)
    except ServiceError as error:
        messages.error(request, error.reason)
