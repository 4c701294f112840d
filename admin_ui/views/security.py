"""Security: who was refused at the tenant's domains."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from admin_ui.frame import tenant_page
from admin_ui.paging import page_of
from fedsip_platform.calls.models import FailedSignIn
from fedsip_platform.federation.models import Refusal

MOST_REFUSALS = 50
REASONS = {
    "closed": _("the domain is closed to others"),
    "denied": _("a rule denies that domain"),
    "not_listed": _("it is not on the allow list"),
    "no_tls": _("it did not come over TLS"),
    "no_certificate": _("no certificate proved who it is"),
    "never_secure": _("nothing secure leads there"),
    "method": _("strangers may not send that method"),
    "domain_rate": _("too many calls with that domain"),
    "caller_rate": _("too many calls of one caller"),
}


@require_GET
@tenant_page("security")
def security(request: HttpRequest) -> HttpResponse:
    """Failed sign-ins by user and address, and what was refused to other domains."""
    scope = request.place.scope
    sign_ins = scope.visible(FailedSignIn.objects.all())
    refusals = scope.visible(Refusal.objects.select_related("domain"))
    shown = list(refusals.order_by("-last_at", "-pk")[:MOST_REFUSALS])
    for refusal in shown:
        refusal.reason = REASONS.get(refusal.why, refusal.why)
    context = {
        "page": page_of(sign_ins, "-last_at", request.GET.get("at")),
        "refusals": shown,
        "most": MOST_REFUSALS,
    }
    return render(request, "admin_ui/security.html", context)
