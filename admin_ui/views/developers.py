"""Developers: tokens of one's own, and the way to the API's documentation."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from admin_ui.frame import tenant_page
from fedsip_platform.api import tokens
from fedsip_platform.api.areas import Scope as TokenScope
from fedsip_platform.api.models import Token


@require_GET
@tenant_page("developers")
def developers(request: HttpRequest) -> HttpResponse:
    """The tokens of this person for this tenant."""
    return _render(request)


@require_POST
@tenant_page("developers")
def new_token(request: HttpRequest) -> HttpResponse:
    """Make a token for this tenant alone; its text is shown now and never again."""
    name = request.POST.get("name", "").strip()[:100].replace("\0", "") or _("unnamed")
    scope = request.POST.get("scope")
    if scope not in TokenScope.values:
        raise PermissionDenied
    _token, text = tokens.create(request.user, name, scope, tenant=request.place.tenant)
    response = _render(request, text)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@tenant_page("developers")
def withdraw_token(request: HttpRequest, key: UUID) -> HttpResponse:
    """End a token at once."""
    token = get_object_or_404(_tokens(request), public_id=key)
    tokens.withdraw(token)
    messages.success(request, _("“%(name)s” is withdrawn.") % {"name": token.name})
    return redirect("developers", request.place.tenant.slug)


def _tokens(request: HttpRequest):
    return Token.objects.filter(person=request.user, tenant=request.place.tenant)


def _render(request: HttpRequest, text: str = "") -> HttpResponse:
    context = {"tokens": _tokens(request).order_by("-pk"), "text": text, "scopes": TokenScope}
    return render(request, "admin_ui/developers/tokens.html", context)
