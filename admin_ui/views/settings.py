"""Settings of a tenant: its people, its rules and limits, and who changed what."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from admin_ui import forms, settings_forms
from admin_ui.confirm import ask_first
from admin_ui.frame import ROLES, Place, tenant_page
from fedsip_platform.directory import services as directory
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.people import services
from fedsip_platform.people.models import Invitation
from fedsip_platform.tenants import usage
from fedsip_platform.tenants.attention import LIMITS
from fedsip_platform.tenants.models import Membership, Role

TABS = (
    ("settings", gettext_lazy("People")),
    ("limits", gettext_lazy("Rules and limits")),
    ("audit", gettext_lazy("Who changed what")),
)


def tabs(place: Place, chosen: str) -> list[tuple[str, Any, bool]]:
    """The tabs of all pages of Settings."""
    return [
        (reverse(name, args=[place.tenant.slug]), label, name == chosen) for name, label in TABS
    ]


@tenant_page("settings", owners_write=True)
def people(request: HttpRequest) -> HttpResponse:
    """Who looks after the tenant; its form invites somebody. The link is shown once."""
    place: Place = request.place
    form = settings_forms.InviteForm(request.POST or None)
    link = ""
    if request.method == "POST":
        link = invite(request, form)
        if link:
            form = settings_forms.InviteForm()
    members = place.scope.visible(Membership.objects.select_related("person"))
    open_ones = place.scope.visible(Invitation.objects.filter(accepted_at=None))
    context = {
        "tabs": tabs(place, "settings"),
        "memberships": members.order_by("person__email"),
        "invitations": open_ones.select_related("subscriber") if place.may_own else [],
        "roles": [(value, label, ROLES[value]) for value, label in Role.choices],
        "form": form,
        "link": link,
        "now": timezone.now(),
    }
    response = render(request, "admin_ui/settings/people.html", context)
    if link:
        response["Cache-Control"] = "no-store"
    return response


def invite(
    request: HttpRequest, form: settings_forms.OwnerForm, subscriber: Subscriber | None = None
) -> str:
    """Send the letter that the form asks for, and give its link; "": it was refused.

    A letter that it takes the place of is told of.
    """
    tenant = request.place.tenant  # type: ignore[attr-defined]

    def send(given: dict[str, Any]) -> tuple[bool, str]:
        is_again = services.open_to(tenant, given["email"], subscriber).exists()
        base_url = request.build_absolute_uri("/")
        _invitation, link = services.invite(
            tenant, **given, by=request.user, subscriber=subscriber, base_url=base_url
        )
        return is_again, link

    made = forms.attempt(form, send)
    if made is None:
        return ""
    is_again, link = made
    text = _("A letter to %(email)s is on its way.")
    if is_again:
        text = _("A letter to %(email)s is on its way; the earlier one is void.")
    messages.success(request, text % {"email": form.cleaned_data["email"]})
    return link


@require_POST
@tenant_page("settings", owners_write=True)
def role(request: HttpRequest, key: Any) -> HttpResponse:
    """Change what a person may do; the last owner stays one."""
    membership = _membership(request.place, key)
    wanted = request.POST.get("role", "")
    if wanted not in Role.values:
        messages.error(request, _("There is no such role."))
        return redirect("settings", request.place.tenant.slug)
    try:
        services.change_role(membership, wanted)
    except forms.ServiceError as error:
        messages.error(request, error.reason)
    else:
        text = _("%(person)s: %(role)s.")
        changed = {"person": membership.person, "role": membership.get_role_display()}
        messages.success(request, text % changed)
    return redirect("settings", request.place.tenant.slug)


@tenant_page("settings", owners_write=True)
def remove(request: HttpRequest, key: Any) -> HttpResponse:
    """Ask, then take a person out of the tenant."""
    membership = _membership(request.place, key)
    back = reverse("settings", args=[request.place.tenant.slug])
    person = {"person": membership.person}
    return ask_first(
        request,
        lambda: services.leave(membership),
        done=_("%(person)s is out of the tenant.") % person,
        to=back,
        heading=_("Take %(person)s out of the tenant") % person,
        consequence=_("Open pages show nothing of it any more, and tokens for it end."),
        button=_("Take out"),
        back=back,
        forbidden=not request.place.may_own,
    )


@require_POST
@tenant_page("settings", owners_write=True)
def withdraw(request: HttpRequest, key: Any) -> HttpResponse:
    """Make an invitation's letter worthless."""
    place: Place = request.place
    invitation = get_object_or_404(place.scope.visible(Invitation.objects.all()), public_id=key)
    services.withdraw(invitation)
    messages.success(request, _("The letter to %(email)s is void.") % {"email": invitation.email})
    return redirect("settings", place.tenant.slug)


@tenant_page("settings", owners_write=True)
def limits(request: HttpRequest) -> HttpResponse:
    """Name and second factor, which owners decide; limits and how much of them is used."""
    place: Place = request.place
    form = settings_forms.TenantRulesForm(request.POST or None, instance=place.tenant)
    if request.method == "POST":
        change = lambda given: directory.update_tenant(place.tenant, **forms.changed(form))  # noqa: E731
        if forms.attempt(form, change) is not None:
            messages.success(request, _("Saved."))
            return redirect("limits", place.tenant.slug)
    used = [(LIMITS[each.name], each) for each in usage.of(place.tenant)]
    context = {"tabs": tabs(place, "limits"), "form": form, "limits": used}
    return render(request, "admin_ui/settings/limits.html", context)


def _membership(place: Place, key: Any) -> Membership:
    rows = place.scope.visible(Membership.objects.select_related("person", "tenant"))
    return get_object_or_404(rows, public_id=key)
