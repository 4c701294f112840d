"""Users: the list, and one user with devices, set-up and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import segno
from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from admin_ui import forms
from admin_ui.frame import Place, tenant_page
from admin_ui.settings_forms import OwnerForm
from admin_ui.user_page import render_user
from fedsip_platform import csv_export
from fedsip_platform.calls import queries
from fedsip_platform.calls.models import CallRecord, FailedSignIn
from fedsip_platform.directory import finding, passwords, services
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.location import services as location
from fedsip_platform.location.models import Binding
from fedsip_platform.paging import page_of
from fedsip_platform.routing.models import Alias, RingGroup
from fedsip_platform.tenants import standing

ORDERS = ("aor", "-aor", "display_name", "-display_name", "created_at", "-created_at")
MOST_COUNTED = 10_000
RECENT_CALLS = 10
MOST_NAMES = 20
RECENT_FAILURES = 5
EXPORT_CHUNK = 2000
EXPORTED = ("username", "domain", "display_name", "enabled", "note")
# What is done to many users: how, whether they are enabled then, and what takes it back.
BULK = {
    "disable": (services.disable_subscriber, False, "enable"),
    "enable": (services.enable_subscriber, True, "disable"),
}


@require_GET
@tenant_page("users")
def users(request: HttpRequest) -> HttpResponse:
    """The list; the address holds search, filters, order and page."""
    place: Place = request.place
    asked = request.GET
    rows = _filtered(place, asked)
    order = asked["order"] if asked.get("order") in ORDERS else "aor"
    page = page_of(rows, order, asked.get("at"))
    _count_devices(page.rows)
    _note_names_and_calls(place, page.rows)
    counted = rows[: MOST_COUNTED + 1].count()
    context = {
        "page": page,
        "order": order,
        "counted": min(counted, MOST_COUNTED),
        "is_more": counted > MOST_COUNTED,
        "domains": place.scope.visible(Domain.objects.all()),
        "is_filtered": any(asked.get(name) for name in ("q", "domain", "show")),
    }
    return render(request, "admin_ui/users/list.html", context)


@tenant_page("users")
def new(request: HttpRequest) -> HttpResponse:
    """Add one user; a password that we made is shown once."""
    place: Place = request.place
    domains = place.scope.visible(Domain.objects.select_related("tenant"))
    form = forms.NewUserForm(request.POST or None, domains=domains)
    if request.method == "POST":
        made_password = "" if request.POST.get("password") else passwords.generated()
        user = forms.attempt(form, lambda given: _create(given, made_password))
        if user is not None:
            messages.success(request, _("%(user)s is there.") % {"user": user})
            return _shown_once(request, user, made_password)
    return render(
        request, "admin_ui/users/new.html", {"form": form, "has_domains": domains.exists()}
    )


@tenant_page("users")
def user(request: HttpRequest, key: UUID) -> HttpResponse:
    """One user: devices, how to set up a phone, recent calls; its form saves here."""
    found = find(request.place, key)
    form = forms.UserForm(request.POST or None, instance=found)
    if request.method == "POST":
        change = lambda given: services.update_subscriber(found, **forms.changed(form))  # noqa: E731
        if forms.attempt(form, change) is not None:
            messages.success(request, _("Saved."))
            return redirect("user", request.place.tenant.slug, key)
    return render_page(request, found, form)


@require_POST
@tenant_page("users")
def new_password(request: HttpRequest, key: UUID) -> HttpResponse:
    """Give a new password and show it once; phones with the old one must be told."""
    found = find(request.place, key)
    made = passwords.generated()
    services.set_password(found, made)
    return _shown_once(request, found, made)


@require_POST
@tenant_page("users")
def disable(request: HttpRequest, key: UUID) -> HttpResponse:
    """Sign the user out everywhere and let nobody in as her; undone by `enable`."""
    found = find(request.place, key)
    services.disable_subscriber(found)
    undo = reverse("user-enable", args=[request.place.tenant.slug, key])
    text = _("%(user)s is disabled; its phones are signed out.") % {"user": found}
    messages.success(request, text, extra_tags=f"undo:{undo}")
    return redirect("user", request.place.tenant.slug, key)


@require_POST
@tenant_page("users")
def enable(request: HttpRequest, key: UUID) -> HttpResponse:
    """Let a disabled user in again."""
    found = find(request.place, key)
    services.enable_subscriber(found)
    messages.success(request, _("%(user)s may sign in again.") % {"user": found})
    return redirect("user", request.place.tenant.slug, key)


@tenant_page("users")
def delete(request: HttpRequest, key: UUID) -> HttpResponse:
    """Ask, then delete."""
    found = find(request.place, key)
    slug = request.place.tenant.slug
    if request.method == "POST":
        services.delete_subscriber(found)
        messages.success(request, _("%(user)s is deleted.") % {"user": found.aor})
        return redirect("users", slug)
    devices = location.current(request.place.scope.visible(found.bindings)).count()
    context = {
        "heading": _("Delete %(user)s") % {"user": found},
        "consequence": ngettext(
            "Its phone is signed out now; a call in progress goes on. This cannot be undone.",
            "Its %(count)d phones are signed out now; calls in progress go on. "
            "This cannot be undone.",
            devices,
        )
        % {"count": devices},
        "back": reverse("user", args=[slug, key]),
        "button": _("Delete the user"),
    }
    return render(request, "admin_ui/confirm.html", context)


@require_POST
@tenant_page("users")
def sign_out(request: HttpRequest, binding_id: str) -> HttpResponse:
    """End one registration."""
    chosen = request.place.scope.visible(Binding.objects.select_related("subscriber"))
    binding = get_object_or_404(chosen, pk=binding_id)
    location.sign_out(chosen.filter(pk=binding.pk))
    messages.success(request, _("The device is signed out. With its password it may come back."))
    slug = request.place.tenant.slug
    if binding.subscriber is None:
        return redirect("users", slug)
    return redirect("user", slug, binding.subscriber.public_id)


@require_POST
@tenant_page("users")
def bulk(request: HttpRequest) -> HttpResponse:
    """Disable or enable the chosen users; what was done can be taken back by the same address."""
    asked = request.POST if "action" in request.POST else request.GET  # an undo has it there
    action = asked.get("action", "")
    keys = [key for key in asked.getlist("user") if _is_uuid(key)]
    if action not in BULK or not keys:
        messages.info(request, _("Choose users first."))
        return redirect("users", request.place.tenant.slug)
    change, is_on, back = BULK[action]
    chosen = request.place.scope.visible(Subscriber.objects.select_related("domain__tenant"))
    found = list(chosen.filter(public_id__in=keys, enabled=not is_on))
    for each in found:
        change(each)
    taken_back = urlencode({"action": back, "user": [each.public_id for each in found]}, doseq=True)
    undo = f"undo:{request.path}?{taken_back}" if found else ""
    messages.success(request, _told(action, len(found)), extra_tags=undo)
    return redirect("users", request.place.tenant.slug)


def _told(action: str, amount: int) -> str:
    if action == "disable":
        text = ngettext(
            "%(count)d user is disabled; its phones are signed out.",
            "%(count)d users are disabled; their phones are signed out.",
            amount,
        )
    else:
        text = ngettext(
            "%(count)d user may sign in again.", "%(count)d users may sign in again.", amount
        )
    return text % {"count": amount}


@require_GET
@tenant_page("users")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The filtered list as CSV, as it streams from the database."""
    rows = _filtered(request.place, request.GET).order_by("aor").select_related("domain")
    written = csv_export.of_things(EXPORTED, rows.iterator(EXPORT_CHUNK))
    return csv_export.download("users.csv", written)


def _filtered(place: Place, asked: Any) -> QuerySet[Subscriber]:
    rows = place.scope.visible(Subscriber.objects.all())
    text = asked.get("q", "").strip()[:200].replace("\0", "")
    if text:
        rows = rows.filter(finding.users_like(text))
    if asked.get("domain"):
        rows = rows.filter(domain__name=asked["domain"].replace("\0", ""))
    if asked.get("show") in standing.WORDS:
        rows = rows.filter(standing.of_users(asked["show"]))
    return rows


def _count_devices(shown: Sequence[Subscriber]) -> None:
    """Give each of a page's users the number of its devices; sorting by it is not offered."""
    bindings = location.current(Binding.objects.filter(subscriber__in=shown)).order_by()
    amounts = dict(bindings.values_list("subscriber").annotate(amount=Count("pk")))
    for each in shown:
        each.devices = amounts.get(each.pk, 0)


def _note_names_and_calls(place: Place, shown: Sequence[Subscriber]) -> None:
    """Give each of a page's users its other names and when it called last."""
    aors = [each.aor for each in shown]
    names: dict[str, list[str]] = {}
    for alias in place.scope.visible(Alias.objects.filter(target__in=aors)).order_by("name"):
        names.setdefault(alias.target, []).append(alias.name)
    called = queries.last_calls(place.scope.visible(CallRecord.objects.all()), aors)
    for each in shown:
        each.also_called = names.get(each.aor, [])
        each.last_call = called.get(each.aor)


def _create(given: dict[str, Any], made_password: str) -> Subscriber:
    return services.create_subscriber(
        given["domain"],
        given["username"],
        given["password"] or made_password,
        display_name=given["display_name"],
    )


def find(place: Place, key: UUID) -> Subscriber:
    """The user with this id, if it can be seen from there."""
    chosen = place.scope.visible(Subscriber.objects.select_related("domain__tenant", "person"))
    return get_object_or_404(chosen, public_id=key)


def render_page(
    request: HttpRequest,
    found: Subscriber,
    form: forms.UserForm,
    secret: str = "",
    owner_form: OwnerForm | None = None,
    link: str = "",
) -> HttpResponse:
    """The user's page; `secret` and the `link` of an invitation are shown this once."""
    place: Place = request.place
    code = segno.make(f"sip:{found.aor}", error="m")
    drawn = code.svg_inline(scale=4, border=2, svgclass="qr", lineclass=None)
    return render_user(
        request,
        "admin_ui/users/user.html",
        found,
        form,
        address=reverse("user", args=[place.tenant.slug, found.public_id]),
        bindings=place.scope.visible(found.bindings),
        calls=place.scope.visible(CallRecord.objects.all()),
        most_calls=RECENT_CALLS,
        failures=place.scope.visible(FailedSignIn.objects.filter(aor=found.aor))[:RECENT_FAILURES],
        secret=secret,
        qr=mark_safe(drawn),  # noqa: S308  (segno draws it from a checked address)
        link=link,
        owner_form=owner_form or OwnerForm(),
        invited=place.scope.visible(
            found.invitations.filter(accepted_at=None, expires_at__gt=timezone.now())
        ),
        **_reached_by(place, found),
    )


def _reached_by(place: Place, found: Subscriber) -> dict[str, Any]:
    """Other names, groups, and what may be dialled: of the user or of everybody."""
    policies = found.domain.outbound_policies
    own = policies.filter(user=found).first()
    return {
        "aliases": place.scope.visible(Alias.objects.filter(target=found.aor))[:MOST_NAMES],
        "groups": place.scope.visible(RingGroup.objects.filter(members__contains=[found.aor])),
        "policy": own or policies.filter(user=None).first(),
        "has_own_policy": own is not None,
    }


def _shown_once(request: HttpRequest, found: Subscriber, secret: str) -> HttpResponse:
    """The user's page with the password on it: it is kept nowhere, so this is the only time."""
    return render_page(request, found, forms.UserForm(instance=found), secret)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
