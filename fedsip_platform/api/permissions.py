"""Who may call what. Which things exist for whom is tenants/scope.py's decision, not made here."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from fedsip_platform.tenants.scope import tenant_of

from . import areas
from .models import Token


class SignedIn(BasePermission):
    """Anybody signed in; a token only what its scopes say."""

    message = ""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        token = request.auth
        lacks = areas.missing(token.scopes, request) if isinstance(token, Token) else ""
        self.message = _("This token may not do this: it lacks %(scope)s.") % {"scope": lacks}
        return not lacks


class MayChange(BasePermission):
    """Owners and admins change what their tenant has; viewers look."""

    message = gettext_lazy("Your role in this tenant is only to look.")

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return request.method in SAFE_METHODS or view.scope.may_change(tenant_of(obj))


class MayOwn(BasePermission):
    """Owners decide who belongs to their tenant; others see it."""

    message = gettext_lazy("Only owners of the tenant change this.")

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return request.method in SAFE_METHODS or view.scope.may_own(tenant_of(obj))


class BySession(BasePermission):
    """Only people: a stolen token must not be able to make others."""

    message = gettext_lazy(
        "Tokens are made and withdrawn by people who are signed in, not by tokens."
    )

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated) and request.auth is None
