"""Which of the tenants a session works in; for operators that is acting for it, seen and logged."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

from fedsip_platform.audit import log
from fedsip_platform.changes import ServiceError
from fedsip_platform.tenants.models import Tenant
from fedsip_platform.tenants.scope import Scope

_KEY = "tenant"
BEGIN, END = "act for", "act no more"


def scope_of(request: HttpRequest) -> Scope:
    """What the dashboard may show and change: the chosen tenant, or all that the person has."""
    tenant = current(request)
    return Scope(request.user, only_tenant_id=None if tenant is None else tenant.pk)


def current(request: HttpRequest) -> Tenant | None:
    """The tenant this session works in; None while none is chosen of several."""
    cached = getattr(request, "_fedsip_tenant", False)
    if cached is not False:
        return cached
    tenant = _chosen(request)
    request._fedsip_tenant = tenant  # type: ignore[attr-defined]
    return tenant


def is_as_operator(request: HttpRequest) -> bool:
    """Whether an operator acts for a tenant she does not belong to: every page then says so."""
    tenant = current(request)
    if tenant is None or not request.user.is_authenticated or not request.user.is_operator:
        return False
    return not request.user.memberships.filter(tenant=tenant).exists()


def switch(request: HttpRequest, slug: str) -> Tenant:
    """Work in that tenant from now on."""
    leave(request)
    tenant = Scope(request.user).visible(Tenant.objects.all()).filter(slug=slug).first()
    if tenant is None:
        raise ServiceError("tenant", _("There is no such tenant, or it is not yours."))
    request.session[_KEY] = tenant.pk
    request._fedsip_tenant = tenant  # type: ignore[attr-defined]
    if is_as_operator(request):
        log.record(BEGIN, tenant)
    return tenant


def leave(request: HttpRequest) -> None:
    """Work in no particular tenant."""
    tenant = current(request)
    if tenant is not None and is_as_operator(request):
        log.record(END, tenant)
    request.session.pop(_KEY, None)
    request.__dict__.pop("_fedsip_tenant", None)


def _chosen(request: HttpRequest) -> Tenant | None:
    mine = Scope(request.user).visible(Tenant.objects.all())
    chosen = request.session.get(_KEY)
    if chosen is not None:
        found = mine.filter(pk=chosen).first()
        if found is not None:
            return found
    if request.user.is_authenticated and request.user.is_operator:
        return None
    only = list(mine[:2])
    return only[0] if len(only) == 1 else None
