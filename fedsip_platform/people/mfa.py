"""Second factors: who has one, who must have one, and whether a code is right."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from fedsip_platform.tenants.models import Person

# Where somebody who must set one up may go meanwhile.
OPEN = ("/account/", "/sign-out", "/static/", "/api/", "/health")


def has_one(person: Person) -> bool:
    """Whether signing in asks for a second factor."""
    return bool(is_mfa_enabled(person))


def is_missing(person: Person, *, only_tenant_id: int | None = None) -> bool:
    """Whether one of the person's tenants, or that one, requires a second factor, and there is
    none."""
    required = person.memberships.filter(tenant__require_mfa=True)
    if only_tenant_id is not None:
        required = required.filter(tenant=only_tenant_id)
    return required.exists() and not has_one(person)


def is_right(person: Person, code: str) -> bool:
    """Whether this code of an authenticator app, or this recovery code, is right; it is used up."""
    form = AuthenticateForm({"code": code}, user=person)
    if not form.is_valid():
        return False
    form.save()
    return True


def require(
    view: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: lead those whose tenant requires a second factor to where it is set up."""

    def with_second_factor(request: HttpRequest) -> HttpResponseBase:
        is_asked = request.user.is_authenticated and not request.path.startswith(OPEN)
        if is_asked and is_missing(request.user):
            return redirect("mfa_index")
        return view(request)

    return with_second_factor
