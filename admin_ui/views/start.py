"""Where people land, and the choice of light and dark."""

from __future__ import annotations

import json

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST
from django.views.i18n import JavaScriptCatalog, JSONCatalog

from fedsip_platform import languages
from fedsip_platform.people.services import owned
from fedsip_platform.tenants.models import Tenant
from fedsip_platform.tenants.scope import Scope

YEAR = 365 * 86400
HOUR = 3600

words = cache_control(private=True, max_age=HOUR)(JavaScriptCatalog.as_view(packages=["admin_ui"]))
"""What scripts say, in the reader's language (frontend/phone/words.js)."""

_sentences = JSONCatalog.as_view(packages=["admin_ui"])


@require_GET
@cache_control(public=True, max_age=HOUR)
def words_of_widget(request: HttpRequest) -> HttpResponse:
    """The same for pages of other sites, in the language that `?language=` asks for, or English."""
    try:
        language = translation.get_supported_language_variant(request.GET.get("language", ""))
    except LookupError:
        language = languages.ENGLISH[0]
    with translation.override(language):
        catalogue = json.loads(_sentences(request).content)["catalog"]
        is_leftward = translation.get_language_bidi()
    told = {
        "language": language,
        "direction": "rtl" if is_leftward else "ltr",
        "sentences": {said: text for said, text in catalogue.items() if isinstance(text, str)},
    }
    headers = {"Access-Control-Allow-Origin": "*", "Content-Language": language}
    return JsonResponse(told, headers=headers)


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """To the one tenant of this person, the choice among several, her phone, the platform."""
    scope = Scope(request.user)
    if scope.is_operator:
        return redirect("platform")
    tenants = list(scope.visible(Tenant.objects.all())[:2])
    if len(tenants) == 1:
        return redirect("overview", tenants[0].slug)
    if not tenants and owned(request.user).exists():
        return redirect("mine")
    context = {"tenants": scope.visible(Tenant.objects.all())}
    return render(request, "admin_ui/choose.html", context)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or the system's choice in this browser."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=True):
        back = "/"
    response = HttpResponseRedirect(back)
    chosen = request.POST.get("theme", "")
    if chosen in ("light", "dark"):
        response.set_cookie("theme", chosen, max_age=YEAR, secure=True, samesite="Lax")
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
