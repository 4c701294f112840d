"""Whose a SIP user is: a letter asks somebody to take it, and it can be taken away again."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from admin_ui import forms, settings_forms
from admin_ui.frame import Place, tenant_page
from fedsip_platform.people import services

from . import settings, users


@require_POST
@tenant_page("users", owners_write=True)
def give(request: HttpRequest, key: UUID) -> HttpResponse:
    """Send the letter; its link is shown once."""
    place: Place = request.place
    found = users.find(place, key)
    form = settings_forms.OwnerForm(request.POST)
    link = settings.invite(request, form, found)
    if link:
        form = settings_forms.OwnerForm()
    details = forms.UserForm(instance=found)
    return users.render_page(request, found, details, owner_form=form, link=link)


@require_POST
@tenant_page("users", owners_write=True)
def take_away(request: HttpRequest, key: UUID) -> HttpResponse:
    """Make the user nobody's own."""
    found = users.find(request.place, key)
    services.own(found, None)
    messages.success(request, _("%(user)s is nobody's own now.") % {"user": found})
    return redirect("user", request.place.tenant.slug, key)
