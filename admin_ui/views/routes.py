"""Aliases, ring groups, trunks, other domains and what may be dialled: all that rules lead to."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from admin_ui import routing_forms
from admin_ui.frame import Place, tenant_page
from admin_ui.owned import Kind, Words
from admin_ui.refusals import with_reasons
from admin_ui.routing_frame import TABS, about, list_address
from fedsip_platform.changes import ServiceError
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.federation import services as federation
from fedsip_platform.federation.models import FederationRule, Refusal
from fedsip_platform.paging import page_of
from fedsip_platform.routing import services
from fedsip_platform.routing.models import (
    Alias,
    Forward,
    Gateway,
    OutboundPolicy,
    RingGroup,
    Trunk,
)

MOST_REFUSALS = 50


def _domains() -> QuerySet[Domain]:
    return Domain.objects.select_related("tenant")


def _domain_kind(name: str, listed: str, **rest: Any) -> Kind:
    return Kind(
        name=name,
        section="routing",
        owner="domain",
        owners=_domains,
        back=partial(list_address, listed),
        listed=dict(TABS)[listed],
        **rest,
    )


ALIAS = _domain_kind(
    "alias",
    "aliases",
    rows=lambda: Alias.objects.select_related("domain__tenant"),
    form=routing_forms.AliasForm,
    make=services.create_alias,
    modify=services.update_alias,
    remove=services.delete_alias,
    words=Words(
        new=_("New alias"),
        made=_("The alias is in force."),
        delete=_("Delete %(name)s"),
        consequence=_("Whoever dials it from now on reaches nobody."),
        deleted=_("The alias is deleted."),
    ),
)
GROUP = _domain_kind(
    "group",
    "groups",
    rows=lambda: RingGroup.objects.select_related("domain__tenant"),
    form=routing_forms.RingGroupForm,
    make=services.create_ring_group,
    modify=services.update_ring_group,
    remove=services.delete_ring_group,
    words=Words(
        new=_("New ring group"),
        made=_("The ring group is in force."),
        delete=_("Delete %(name)s"),
        consequence=_("Its members stay, and keep their own numbers."),
        deleted=_("The ring group is deleted."),
    ),
)
TRUNK = _domain_kind(
    "trunk",
    "trunks",
    rows=lambda: Trunk.objects.select_related("domain__tenant"),
    form=routing_forms.TrunkForm,
    make=services.create_trunk,
    modify=services.update_trunk,
    remove=services.delete_trunk,
    title=lambda trunk: trunk.name,
    named=lambda trunk: trunk.name,
    words=Words(
        new=_("New trunk"),
        made=_("The trunk is made. Give it a gateway, then let a rule lead to it."),
        delete=_("Delete %(name)s"),
        consequence=_("Its gateways are deleted too; its carrier's calls are strangers' then."),
        deleted=_("The trunk is deleted."),
    ),
    template="admin_ui/routing/trunk.html",
    more=lambda place, trunk: {
        "gateways": trunk.gateways.prefetch_related("health", "registrations")
    },
)
GATEWAY = Kind(
    name="gateway",
    section="routing",
    rows=lambda: Gateway.objects.select_related("trunk__domain__tenant"),
    owner="trunk",
    owners=lambda: Trunk.objects.select_related("domain__tenant"),
    form=routing_forms.GatewayForm,
    make=services.create_gateway,
    modify=services.update_gateway,
    remove=services.delete_gateway,
    title=lambda gateway: gateway.host,
    owned_by=lambda trunk: trunk.name,
    named=lambda gateway: gateway.host,
    words=Words(
        new=_("New gateway"),
        made=_("The gateway is in force."),
        delete=_("Delete %(name)s"),
        consequence=_("From the next call on, the trunk's other gateways take all calls."),
        deleted=_("The gateway is deleted."),
    ),
    back=lambda slug, trunk: reverse("trunk", args=[slug, trunk.public_id]),
)
PEER = _domain_kind(
    "peer",
    "peers",
    rows=lambda: FederationRule.objects.select_related("domain__tenant"),
    form=routing_forms.PeerForm,
    make=federation.create_rule,
    modify=federation.update_rule,
    remove=federation.delete_rule,
    title=lambda rule: rule.pattern,
    named=lambda rule: rule.pattern,
    words=Words(
        new=_("Another domain"),
        made=_("The rule for that domain is in force."),
        delete=_("Delete the rule for %(name)s"),
        consequence=_("What the domain says of all others holds for that one, too."),
        deleted=_("The rule for that domain is deleted."),
    ),
)


FORWARD = Kind(
    name="forward",
    section="users",
    rows=lambda: Forward.objects.select_related("user__domain__tenant"),
    owner="user",
    owners=lambda: Subscriber.objects.select_related("domain__tenant"),
    form=routing_forms.ForwardForm,
    make=services.create_forward,
    modify=services.update_forward,
    remove=services.delete_forward,
    named=lambda forward: forward.target,
    title=lambda forward: _("Calls of %(user)s") % {"user": forward.user},
    words=Words(
        new=_("Send calls elsewhere"),
        made=_("It is in force from the next call on."),
        delete=_("Delete the forward to %(name)s"),
        consequence=_("Calls to this user are not sent there any more."),
        deleted=_("The forward is deleted."),
    ),
    back=lambda slug, user: reverse("user", args=[slug, user.public_id]),
)


def _make_policy(domain: Domain, *, user: str, **given: Any) -> OutboundPolicy:
    return services.create_outbound_policy(domain, _user_called(user, domain), **given)


def _user_called(text: str, domain: Domain) -> Subscriber | None:
    name = text.strip().lower().removesuffix(f"@{domain.name}")
    if not name:
        return None
    found = domain.subscribers.filter(username=name).first()
    if found is None:
        raise ServiceError(
            "user", _("There is no user %(user)s.") % {"user": f"{name}@{domain.name}"}
        )
    return found


POLICY = _domain_kind(
    "policy",
    "dialling",
    rows=lambda: OutboundPolicy.objects.select_related("domain__tenant", "user"),
    form=routing_forms.OutboundPolicyForm,
    make=_make_policy,
    modify=services.update_outbound_policy,
    remove=services.delete_outbound_policy,
    title=lambda policy: _("What %(who)s may dial") % {"who": policy.user or _("everybody else")},
    words=Words(
        new=_("What may be dialled"),
        made=_("It is in force from the next call on."),
        delete=_("Delete what %(name)s may dial"),
        consequence=_("What the domain says of everybody holds then, or else all may be dialled."),
        deleted=_("It is deleted."),
    ),
)
KINDS = (
    (ALIAS, "routing/aliases"),
    (GROUP, "routing/groups"),
    (TRUNK, "routing/trunks"),
    (GATEWAY, "routing/gateways"),
    (PEER, "routing/peers"),
    (POLICY, "routing/dialling"),
    (FORWARD, "users/forwards"),
)


@require_GET
@tenant_page("routing")
def aliases(request: HttpRequest) -> HttpResponse:
    """Further names and numbers of users and ring groups."""
    return _list(request, "aliases", ALIAS.rows(), "name")


@require_GET
@tenant_page("routing")
def groups(request: HttpRequest) -> HttpResponse:
    """Names that ring several users."""
    return _list(request, "groups", GROUP.rows(), "name")


@require_GET
@tenant_page("routing")
def trunks(request: HttpRequest) -> HttpResponse:
    """Carriers, with how each of their gateways is found."""
    rows = TRUNK.rows().prefetch_related("gateways__health", "gateways__registrations")
    return _list(request, "trunks", rows, "name")


@require_GET
@tenant_page("routing")
def peers(request: HttpRequest) -> HttpResponse:
    """What is said of single other domains, and what was refused to whom."""
    context = about(request, "peers")
    refusals = Refusal.objects.filter(domain=context["domain"]).select_related("domain")
    chosen = request.place.scope.visible(refusals).order_by("-last_at", "-pk")[:MOST_REFUSALS]
    return _list(
        request, "peers", PEER.rows(), "pattern", refusals=with_reasons(chosen), most=MOST_REFUSALS
    )


@require_GET
@tenant_page("routing")
def dialling(request: HttpRequest) -> HttpResponse:
    """What users may dial and as whom: of single users, and of all others."""
    return _list(request, "dialling", POLICY.rows(), "id")


def _list(
    request: HttpRequest, tab: str, rows: QuerySet[Any], order: str, **more: Any
) -> HttpResponse:
    place: Place = request.place  # type: ignore[attr-defined]
    context = about(request, tab)
    of_domain = place.scope.visible(rows).filter(domain=context["domain"])
    context |= {"page": page_of(of_domain, order, request.GET.get("at")), **more}
    return render(request, f"admin_ui/routing/{tab}.html", context)
