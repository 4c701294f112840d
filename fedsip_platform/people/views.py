"""Pages that django-allauth does not have: an invitation, and changing the tenant."""

from __future__ import annotations

from allauth.account.utils import perform_login
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from fedsip_platform.changes import ServiceError
from fedsip_platform.tenants.models import Person

from . import acting, services, sessions
from .models import Invitation


class JoinForm(forms.Form):
    """Who was invited and is new says her name and chooses a password."""

    name = forms.CharField(max_length=100, label=_("Your name"))
    password = forms.CharField(
        label=_("Password"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters."),
    )


def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """What an invitation leads to: joining as somebody new, or as who one is already."""
    found = services.open_invitation(secret)
    if found is None:
        return render(request, "admin_ui/account/invitation_gone.html", status=410)
    person = Person.objects.filter(email=found.email).first()
    if person is not None:
        return _join_as(request, found, person)
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            fields = form.cleaned_data
            person = services.accept_as_new(found, fields["name"], fields["password"])
        except ServiceError as error:
            for field, reason in error.problems:
                form.add_error(field if field in form.fields else None, reason)
        else:
            return perform_login(request, person, email_verification="none")
    page = {"invitation": found, "form": form}
    return render(request, "admin_ui/account/invitation.html", page)


def _join_as(request: HttpRequest, found: Invitation, person: Person) -> HttpResponse:
    is_same = request.user == person
    problem = ""
    if request.method == "POST" and is_same:
        try:
            services.accept(found, person)
        except ServiceError as error:
            problem = error.reason
        else:
            return redirect("home")
    page = {"invitation": found, "is_same": is_same, "problem": problem}
    return render(request, "admin_ui/account/invitation.html", page)


@login_required
@require_POST
def end_session(request: HttpRequest, key: int) -> HttpResponse:
    """End one of one's own sessions, perhaps this one."""
    found = sessions.find(request.user, key)
    if found is None:
        raise Http404
    if found.session_key == request.session.session_key:
        return redirect("sign-out")
    sessions.end(found, request.user)
    messages.success(request, _("That browser is signed out."))
    return redirect("usersessions_list")


@login_required
@require_POST
def switch_tenant(request: HttpRequest) -> HttpResponse:
    """Work in another tenant, or (for operators) in none."""
    slug = request.POST.get("tenant", "")
    try:
        if slug:
            acting.switch(request, slug)
        else:
            acting.leave(request)
    except ServiceError:
        return render(request, "admin_ui/problem.html", {"status": 404}, status=404)
    return redirect("home")
