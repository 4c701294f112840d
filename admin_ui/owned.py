"""Pages of things that belong to something: a list, a form for a new one, its own page, deletion.

Aliases, ring groups, trunks and the like differ in their forms and words, not in how they are
looked after: `Kind` says the difference, `paths` makes the views.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from admin_ui import forms
from admin_ui.confirm import ask_first
from admin_ui.frame import Place, View, tenant_page


@dataclass(frozen=True, slots=True)
class Words:
    """What a kind is called; all of it is translated when it is shown."""

    new: Any
    made: Any
    delete: Any
    consequence: Any
    deleted: Any


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing, and everything by which its pages differ from others'."""

    name: str
    """In addresses' names: `alias`, `alias-new`, `alias-delete`."""
    section: str
    rows: Callable[[], QuerySet[Any]]
    owner: str
    """The field that says what it belongs to."""
    owners: Callable[[], QuerySet[Any]]
    form: type[ModelForm]
    make: Callable[..., Any]
    modify: Callable[..., Any]
    remove: Callable[[Any], None]
    words: Words
    back: Callable[[str, Any], str]
    """The page to return to, of the tenant's short name and the owner."""
    title: Callable[[Any], Any] = str
    """What its own page is called."""
    owned_by: Callable[[Any], Any] = str
    """What the thing that it belongs to is called."""
    listed: Any = ""
    """What its list is called, where its section has several."""
    named: Callable[[Any], Any] = str
    """What it is called where it is deleted."""
    template: str = "admin_ui/owned/thing.html"
    more: Callable[[Place, Any], dict[str, Any]] = field(default=lambda place, thing: {})
    """What else its own page shows."""


def paths(kind: Kind, at: str) -> list[URLPattern]:
    """The addresses of a kind below `at`, beside its list."""
    return [
        path(f"{at}/of/<uuid:owner_key>/new", _new(kind), name=f"{kind.name}-new"),
        path(f"{at}/<uuid:key>", _one(kind), name=kind.name),
        path(f"{at}/<uuid:key>/delete", _delete(kind), name=f"{kind.name}-delete"),
    ]


def _new(kind: Kind) -> View:
    @tenant_page(kind.section)
    def new(request: HttpRequest, owner_key: UUID) -> HttpResponse:
        place: Place = request.place
        owner = get_object_or_404(place.scope.visible(kind.owners()), public_id=owner_key)
        blank = kind.form._meta.model(**{kind.owner: owner})
        form = kind.form(request.POST or None, instance=blank, initial=request.GET.dict())
        if request.method == "POST":
            made = forms.attempt(form, lambda given: kind.make(owner, **given))
            if made is not None:
                messages.success(request, kind.words.made)
                return redirect(kind.back(place.tenant.slug, owner))
        return _shown(request, kind, form, owner, None)

    return new


def _one(kind: Kind) -> View:
    @tenant_page(kind.section)
    def one(request: HttpRequest, key: UUID) -> HttpResponse:
        thing = _find(request.place, kind, key)
        owner = getattr(thing, kind.owner)
        form = kind.form(request.POST or None, instance=thing)
        if request.method == "POST":
            change = lambda given: kind.modify(thing, **forms.changed(form))  # noqa: E731
            if forms.attempt(form, change) is not None:
                messages.success(request, _("Saved; it is in force."))
                return redirect(kind.back(request.place.tenant.slug, owner))
        return _shown(request, kind, form, owner, thing)

    return one


def _delete(kind: Kind) -> View:
    @tenant_page(kind.section)
    def delete(request: HttpRequest, key: UUID) -> HttpResponse:
        thing = _find(request.place, kind, key)
        back = kind.back(request.place.tenant.slug, getattr(thing, kind.owner))
        return ask_first(
            request,
            lambda: kind.remove(thing),
            done=kind.words.deleted,
            to=back,
            heading=kind.words.delete % {"name": kind.named(thing)},
            consequence=kind.words.consequence,
            button=_("Delete"),
            back=back,
        )

    return delete


def _shown(
    request: HttpRequest, kind: Kind, form: ModelForm, owner: Model, thing: Any
) -> HttpResponse:
    place: Place = request.place
    context = {
        "form": form,
        "owner": owner,
        "owned_by": kind.owned_by(owner),
        "listed": kind.listed,
        "thing": thing,
        "heading": kind.words.new if thing is None else kind.title(thing),
        "back": kind.back(place.tenant.slug, owner),
        "delete_name": f"{kind.name}-delete",
        **({} if thing is None else kind.more(place, thing)),
    }
    return render(request, kind.template, context)


def _find(place: Place, kind: Kind, key: UUID) -> Any:
    return get_object_or_404(place.scope.visible(kind.rows()), public_id=key)
