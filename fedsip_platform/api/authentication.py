"""Who is asking: a program with a token, or a person with a session."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from fedsip_platform.people import mfa
from fedsip_platform.tenants.models import Person

from . import tokens
from .models import Token


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer fedsip_...`"""

    def authenticate(self, request: Request) -> tuple[Person, Token] | None:
        """The token's person; None where there is no token, so that a session may count."""
        scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = tokens.find(text.strip())
        if token is None:
            raise exceptions.AuthenticationFailed(_("This token is wrong, expired or withdrawn."))
        if mfa.is_missing(token.person, only_tenant_id=token.tenant_id):
            raise exceptions.PermissionDenied(
                _("Its tenant requires a second factor, and this token's person has none.")
            )
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="fedsip"'


class SignedInAuthentication(SessionAuthentication):
    """The session of the dashboard; changes need the CSRF token in X-CSRFToken."""

    def authenticate(self, request: Request) -> tuple[Person, None] | None:
        found = super().authenticate(request)
        if found is not None and mfa.is_missing(found[0]):
            raise exceptions.PermissionDenied(_("Your tenant requires a second factor: set it up."))
        return found
