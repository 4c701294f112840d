"""Developers: one's own tokens, for owners also others', and the way to the API's documentation."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from drf_spectacular.generators import SchemaGenerator

from admin_ui import api_reference, forms
from admin_ui.frame import tenant_page
from admin_ui.settings_forms import TokenForm
from fedsip_platform.api import tokens
from fedsip_platform.api.models import Token

MOST_OF_OTHERS = 200


@require_GET
@tenant_page("developers")
def developers(request: HttpRequest) -> HttpResponse:
    """The tokens of this person for this tenant."""
    return _render(request, "", TokenForm())


@require_POST
@tenant_page("developers")
def new_token(request: HttpRequest) -> HttpResponse:
    """Make a token for this tenant alone; its text is shown now and never again."""
    form = TokenForm(request.POST)
    made = forms.attempt(form, lambda given: _make(request, given))
    response = _render(request, *(("", form) if made is None else (made, TokenForm())))
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@tenant_page("developers")
def withdraw_token(request: HttpRequest, key: UUID) -> HttpResponse:
    """End a token at once."""
    token = get_object_or_404(_tokens(request) | _of_others(request), public_id=key)
    tokens.withdraw(token)
    messages.success(request, _("“%(name)s” is withdrawn.") % {"name": token.name})
    return redirect("developers", request.place.tenant.slug)


@require_GET
@tenant_page("developers")
def reference(request: HttpRequest) -> HttpResponse:
    """All calls of the API about one thing, `?about=users`."""
    document = _document(get_language())
    parts = api_reference.parts_of(document)
    asked = request.GET.get("about", "users")
    part = asked if asked in parts else parts[0]
    context = {
        "parts": parts,
        "part": part,
        "operations": api_reference.operations_of(document, part),
    }
    return render(request, "admin_ui/developers/reference.html", context)


@cache
def _document(language: str) -> dict[str, Any]:
    """The OpenAPI document in this language, made once for each process: that takes seconds."""
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def _make(request: HttpRequest, given: dict[str, Any]) -> str:
    days = given["days"]
    _token, text = tokens.create(
        request.user,
        given["name"],
        given["scopes"],
        tenant=request.place.tenant,
        expires_at=None if days is None else timezone.now() + timedelta(days=days),
    )
    return text


def _tokens(request: HttpRequest) -> QuerySet[Token]:
    return Token.objects.filter(person=request.user, tenant=request.place.tenant)


def _of_others(request: HttpRequest) -> QuerySet[Token]:
    """Other people's tokens for this tenant alone, for its owners to see and to end."""
    if not request.place.may_own:
        return Token.objects.none()
    return Token.objects.filter(tenant=request.place.tenant).exclude(person=request.user)


def _render(request: HttpRequest, text: str, form: TokenForm) -> HttpResponse:
    context = {
        "tokens": _tokens(request).order_by("-pk"),
        "of_others": _of_others(request).select_related("person").order_by("-pk")[:MOST_OF_OTHERS],
        "most": MOST_OF_OTHERS,
        "text": text,
        "form": form,
    }
    return render(request, "admin_ui/developers/tokens.html", context)
