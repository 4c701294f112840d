"""Django's admin for aliases, forwards, ring groups, trunks and outbound policies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from fedsip_platform.admin_steps import adopt, changed, try_out

from . import services
from .models import Alias, Forward, Gateway, OutboundPolicy, RingGroup, Trunk

Service = Callable[..., Any]


def register(
    model: type[models.Model],
    owners: tuple[str, ...],
    make: Service,
    modify: Service,
    remove: Service,
    typed: Mapping[str, forms.Field] | None = None,
    **options: Any,
) -> None:
    """A page whose form is tried out and written by these services. What the thing belongs to
    (`owners`) is chosen once; what is `typed` beside is no field of its own."""

    def write(form: forms.ModelForm) -> models.Model:
        if form.instance.pk is None:
            return make(**form.cleaned_data)
        kept = model._default_manager.get(pk=form.instance.pk)
        return modify(kept, **changed(form))

    class Typed(forms.ModelForm):
        def _post_clean(self) -> None:
            super()._post_clean()
            try_out(self, lambda: write(self))

    class Page(admin.ModelAdmin):
        form = type("Form", (Typed,), dict(typed or {}))
        autocomplete_fields = owners
        list_select_related = owners

        def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
            # A page that adds something has no facts of it yet.
            return () if obj is None else (*owners, "public_id", "created_at", "updated_at")

        def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
            adopt(obj, write(form))

        def delete_model(self, request: HttpRequest, obj: Any) -> None:
            remove(obj)

        def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
            for thing in queryset:
                remove(thing)

    admin.site.register(model, Page, **options)


register(
    Alias,
    ("domain",),
    services.create_alias,
    services.update_alias,
    services.delete_alias,
    list_display=("name", "domain", "target", "enabled", "note"),
    search_fields=("name", "target", "domain__name"),
)
register(
    Forward,
    ("user",),
    services.create_forward,
    services.update_forward,
    services.delete_forward,
    list_display=("user", "condition", "target", "ring_seconds", "enabled"),
    list_filter=("condition", "enabled"),
    search_fields=("user__aor", "target"),
)
register(
    RingGroup,
    ("domain",),
    services.create_ring_group,
    services.update_ring_group,
    services.delete_ring_group,
    list_display=("name", "domain", "strategy", "ring_seconds", "enabled"),
    search_fields=("name", "domain__name"),
)
register(
    Trunk,
    ("domain",),
    services.create_trunk,
    services.update_trunk,
    services.delete_trunk,
    typed={"password": forms.CharField(required=False, strip=False, widget=forms.PasswordInput)},
    exclude=("sealed_password",),
    list_display=("name", "domain", "inbound_addresses", "options_seconds", "enabled"),
    search_fields=("name", "domain__name"),
)
register(
    Gateway,
    ("trunk",),
    services.create_gateway,
    services.update_gateway,
    services.delete_gateway,
    list_display=("host", "port", "transport", "trunk", "priority", "weight", "enabled"),
    search_fields=("host", "trunk__name", "trunk__domain__name"),
)
register(
    OutboundPolicy,
    ("domain", "user"),
    services.create_outbound_policy,
    services.update_outbound_policy,
    services.delete_outbound_policy,
    list_display=("domain", "user", "caller_id", "classes"),
    search_fields=("domain__name", "user__aor"),
)
