"""Somebody's own phone: its devices, calls, forwards and password, without any tenant.

Whoever owns a SIP user reaches these pages for it; roles in tenants play no part, and nobody else's
user is there.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from admin_ui import forms
from admin_ui.routing_forms import ForwardForm
from admin_ui.user_page import render_user
from fedsip_platform.calls.models import CallRecord
from fedsip_platform.directory import passwords
from fedsip_platform.directory import services as directory
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.location import services as location
from fedsip_platform.people import services as people
from fedsip_platform.routing import services as routing
from fedsip_platform.routing.models import Forward

RECENT_CALLS = 20


@require_GET
@login_required
def phones(request: HttpRequest) -> HttpResponse:
    """To the one user that is one's own, or the choice among several."""
    own = list(people.owned(request.user).order_by("aor"))
    if len(own) == 1:
        return redirect("my-user", own[0].public_id)
    return render(request, "admin_ui/mine/choose.html", {"users": own})


@login_required
def user(request: HttpRequest, key: UUID) -> HttpResponse:
    """One's own user; its form sends calls elsewhere."""
    found = _find(request, key)
    form = ForwardForm(request.POST or None, instance=Forward(user=found))
    if request.method == "POST":
        made = forms.attempt(form, lambda given: routing.create_forward(found, **given))
        if made is not None:
            messages.success(request, _("It is in force from the next call on."))
            return redirect("my-user", key)
    return _render(request, found, form)


@require_POST
@login_required
def password(request: HttpRequest, key: UUID) -> HttpResponse:
    """Give the phone a new password and show it once."""
    found = _find(request, key)
    made = passwords.generated()
    directory.set_password(found, made)
    return _render(request, found, ForwardForm(), made)


@require_POST
@login_required
def sign_out(request: HttpRequest, key: UUID, binding_id: str) -> HttpResponse:
    """End one registration."""
    found = _find(request, key)
    binding = get_object_or_404(found.bindings, pk=binding_id)
    location.sign_out(found.bindings.filter(pk=binding.pk))
    messages.success(request, _("The device is signed out. With its password it may come back."))
    return redirect("my-user", key)


@require_POST
@login_required
def forget_forward(request: HttpRequest, key: UUID, forward_key: UUID) -> HttpResponse:
    """Let calls be again."""
    found = _find(request, key)
    routing.delete_forward(get_object_or_404(found.forwards, public_id=forward_key))
    messages.success(request, _("The forward is deleted."))
    return redirect("my-user", key)


def _find(request: HttpRequest, key: UUID) -> Subscriber:
    return get_object_or_404(people.owned(request.user), public_id=key)


def _render(
    request: HttpRequest, found: Subscriber, form: ForwardForm, secret: str = ""
) -> HttpResponse:
    return render_user(
        request,
        "admin_ui/mine/user.html",
        found,
        form,
        address=reverse("my-user", args=[found.public_id]),
        bindings=found.bindings.all(),
        calls=CallRecord.objects.filter(domain=found.domain),
        most_calls=RECENT_CALLS,
        secret=secret,
        is_live=True,
    )
