"""What surrounds every page: whose tenant it shows, who may change it, and the way around.

Every view of a tenant's page is wrapped by `tenant_page`, so the address alone decides the tenant
(`/t/SLUG/...`), a stranger's tenant is a 404, and whoever only looks cannot send a change anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from admin_ui import api_calls
from fedsip_platform.people import acting
from fedsip_platform.tenants.models import Role, Tenant
from fedsip_platform.tenants.scope import Scope

View = Callable[..., HttpResponseBase]
READING = ("GET", "HEAD", "OPTIONS")
MOST_IN_SWITCHER = 50
ROLES = {
    Role.OWNER: _("Owner"),
    Role.ADMIN: _("Administrator"),
    Role.VIEWER: _("Viewer"),
}
THEMES = (("light", _("Light")), ("dark", _("Dark")), ("system", _("System")))


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the navigation."""

    key: str
    label: Any
    icon: str
    in_bottom_bar: bool = False


SECTIONS: Sequence[Section] = (
    Section("overview", _("Overview"), "layout-dashboard", in_bottom_bar=True),
    Section("calls", _("Calls"), "phone-call", in_bottom_bar=True),
    Section("users", _("Users"), "users", in_bottom_bar=True),
    Section("domains", _("Domains"), "world"),
    Section("routing", _("Routing"), "route", in_bottom_bar=True),
    Section("softphone", _("Softphone"), "dialpad"),
    Section("security", _("Security"), "shield-lock"),
    Section("developers", _("Developers"), "code"),
    Section("settings", _("Settings"), "settings"),
)
# Of people without any tenant, and beside the pages of one's own account.
OWN_SECTIONS: Sequence[Section] = (
    Section("mine", _("Your phone"), "phone"),
    Section("phone", _("Softphone"), "dialpad"),
    Section("mfa_index", _("Account"), "user"),
)
ACCOUNT_TABS = (
    ("account_change_password", _("Password")),
    ("mfa_index", _("Second factor and passkeys")),
    ("usersessions_list", _("Sessions")),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the person stands: a tenant, what she may do there, and which section is open."""

    tenant: Tenant
    scope: Scope
    section: str

    @property
    def may_change(self) -> bool:
        """Whether domains, users and rules may be changed from here."""
        return self.scope.may_change(self.tenant)

    @property
    def may_own(self) -> bool:
        """Whether the tenant itself and its people may be changed from here."""
        return self.scope.may_own(self.tenant)

    @property
    def role(self) -> str:
        """The person's role, in a word."""
        return str(ROLES[self.scope.roles[self.tenant.pk]])


def tenant_page(section: str, *, owners_write: bool = False) -> Callable[[View], View]:
    """Wrap a view of `/t/SLUG/...`: it then finds its tenant in `request.place`."""

    def wrap(view: View) -> View:
        @login_required
        @wraps(view)
        def with_place(request: Any, slug: str, **rest: Any) -> HttpResponseBase:
            everywhere = Scope(request.user)
            tenant = everywhere.visible(Tenant.objects.all()).filter(slug=slug).first()
            if tenant is None:
                raise Http404
            if acting.current(request) != tenant:
                acting.switch(request, slug)  # an operator's coming is noted in the audit log
            place = Place(tenant, Scope(request.user, only_tenant_id=tenant.pk), section)
            if request.method not in READING:
                allowed = place.may_own if owners_write else place.may_change
                if not allowed:
                    raise PermissionDenied
            request.place = place
            return view(request, **rest)

        return with_place

    return wrap


def operator_page(view: View) -> View:
    """Wrap a view that shows the whole platform: for anybody else it is not there."""

    @login_required
    @wraps(view)
    def for_operators(request: Any, **rest: Any) -> HttpResponseBase:
        if not Scope(request.user).is_operator:
            raise Http404
        return view(request, **rest)

    return for_operators


def around(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what the frame's template needs, and nothing where nobody is signed in."""
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return {"theme": theme(request)}
    place: Place | None = getattr(request, "place", None)
    scope = Scope(person)
    return {
        "theme": theme(request),
        "themes": THEMES,
        "place": place,
        "is_operator": scope.is_operator,
        "is_platform": request.path.startswith(reverse("platform")),
        "is_acting": place is not None and acting.is_as_operator(request),
        "sections": _entries(place) if place else [],
        "own_entries": [] if place else _own_entries(request),
        "account_tabs": ACCOUNT_TABS,
        "api_call": api_calls.of_page(request.resolver_match),
        "switchable": lambda: scope.visible(Tenant.objects.all())[:MOST_IN_SWITCHER],
    }


def theme(request: HttpRequest) -> str:
    """Light, dark, or as the system has it."""
    chosen = request.COOKIES.get("theme", "")
    return chosen if chosen in ("light", "dark") else "system"


def _entries(place: Place) -> list[dict[str, Any]]:
    return [
        {
            "section": section,
            "address": reverse(section.key, args=[place.tenant.slug]),
            "is_open": section.key == place.section,
        }
        for section in SECTIONS
    ]


def _own_entries(request: HttpRequest) -> list[dict[str, Any]]:
    entries = [(section, reverse(section.key)) for section in OWN_SECTIONS]
    return [
        {"section": section, "address": address, "is_open": _top(request.path) == _top(address)}
        for section, address in entries
    ]


def _top(path: str) -> str:
    return path.split("/")[1]
