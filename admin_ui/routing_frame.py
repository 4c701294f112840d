"""What the pages of Routing share: tabs, and the one domain that all of them are about."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory.models import Domain

TABS = (
    ("routing", _("Rules")),
    ("aliases", _("Aliases")),
    ("groups", _("Ring groups")),
    ("trunks", _("Trunks")),
    ("peers", _("Other domains")),
    ("dialling", _("Dialling")),
)


def about(request: Any, tab: str) -> dict[str, Any]:
    """Context of a page of Routing: `domain` is the one that `?domain=` chooses, or the first."""
    place = request.place
    domains: QuerySet[Domain] = place.scope.visible(Domain.objects.select_related("tenant"))
    name = request.GET.get("domain", "").replace("\0", "")
    domain = domains.filter(name=name).first() if name else domains.first()
    if domain is None and name:
        raise Http404
    return {
        "domains": domains,
        "domain": domain,
        "tabs": [(_address(request, name, domain), label, name == tab) for name, label in TABS],
    }


def _address(request: HttpRequest, name: str, domain: Domain | None) -> str:
    return list_address(name, request.place.tenant.slug, domain)  # type: ignore[attr-defined]


def list_address(name: str, slug: str, domain: Domain | None) -> str:
    """The list of that kind for a domain."""
    query = "" if domain is None else f"?domain={domain.name}"
    return reverse(name, args=[slug]) + query
